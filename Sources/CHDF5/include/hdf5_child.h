#ifndef INGOT_HDF5_CHILD_H
#define INGOT_HDF5_CHILD_H

// HDF5 files, read and written through libhdf5.
//
// That library crashes on some malformed files, so nothing here may be called in a process that has anything to lose:
// `ingot` starts itself as a child process for one call, and judges that call by its exit status. libhdf5 is loaded by
// the call (dlopen), not linked. Every function here closes what it opened.
//
// Results are exit statuses after BSD's sysexits.h: 0 done, 65 the data aren't what they should be, 66 no such input,
// 69 libhdf5 isn't installed or not usable, 73 the output can't be created, 74 reading or writing failed.

/// Least upper bounds of what is accepted; a file that goes past one is refused, with a line that says so.
#define INGOT_HDF5_MAX_DEPTH 64                 ///< groups in groups
#define INGOT_HDF5_MAX_NAME 4096                ///< bytes of a name with those of its groups
#define INGOT_HDF5_MAX_RANK 8                   ///< dimensions
#define INGOT_HDF5_MAX_BYTES (1ULL << 40)       ///< of one dataset
#define INGOT_HDF5_MAX_STRING 4096              ///< bytes of an attribute that is listed
#define INGOT_HDF5_MAX_ATTRIBUTES 4096          ///< root attributes looked at
/// All datasets together may declare this many bytes whatever the size of the file; see `expansion` below.
#define INGOT_HDF5_FREE_BYTES (64ULL << 20)
/// Bytes of elements held at once …
#define INGOT_HDF5_SLAB (8ULL << 20)
/// … unless a row of chunks has more: one is held whole up to this, or the size of a chunk that is allowed, lest its
/// chunks be unpacked again and again. With two chunks besides, `ingot_hdf5_read` needs up to about 800 MiB for such an
/// array, else some 30.
#define INGOT_HDF5_CHUNK_ROW (256ULL << 20)

/// Bounds that the caller chooses.
struct ingot_hdf5_limits {
  unsigned long long objects;    ///< links in all groups together
  unsigned long long list;       ///< bytes of JSON
  unsigned long long chunk;      ///< bytes of one chunk, unpacked
  /// Bytes of all datasets together per byte of the file; no deflated data unpack to more than 1032 times their size.
  unsigned long long expansion;
};

/// To be called before any other function.
void ingot_hdf5_set_limits(struct ingot_hdf5_limits limits);

/// Writes one line of JSON to the descriptor `output`: what the HDF5 data at `base`, `length` bytes of the file at
/// `path`, consist of. An empty path: bytes are asked of whoever holds the other end of standard input, a socket
/// (hdf5_asking.h), and the length must be given. A `length` of 0 means up to the end of the file. A `base` other than 0 is for HDF5 data that
/// stand uncompressed inside another file, as in a `.keras` archive.
///
///     {"arrays": [{"name": "a/kernel:0", "type": "float32", "shape": [3, 4], "bytes": 48, "offset": 2048,
///                  "order": "little", "same": "b/kernel:0"}, …], "leftovers": [{"name": "c", "what": "texts, which aren't read"}, …],
///      "attributes": {"keras_version": "2.15.0", …}}
///
/// `type` is one of float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool
/// complex128 complex64 complex32, which are h5py's compounds of the floats r and i and the library's own complex numbers.
/// `offset`, in the file at `path`, is where the elements stand as they are (contiguous, little-endian, inside the file); it is
/// null where only `ingot_hdf5_read` gets at them: chunked, compact, big-endian or never written data, and bools, whose
/// bytes have to be checked. `same` is there only for a further name of a dataset: the name it was listed under. Soft links
/// are followed within the file, to groups too: what they lead to is listed by each of its names. `leftovers` are objects
/// that nothing is wrong with but that they aren't read, and links that lead out of the file or nowhere, each with why.
/// Order: depth first, names in byte order. `attributes` are the root's scalar strings of up to 4 KiB.
///
/// What is refused is written as {"error": {"place": "a/kernel:0", "reason": "…"}} instead, and the status returned.
/// From then on the process is confined (`ingot_child_confine`).
int ingot_hdf5_list(const char *path, unsigned long long base, unsigned long long length, int output);

/// Writes the elements of the array `dataset`, a name from the list, to the descriptor `output`: row-major,
/// little-endian, bools as bytes 0 and 1. What is refused goes as a line `place: reason` to standard error; the output
/// is complete only if 0 is returned. Confines the process as `ingot_hdf5_list` does.
int ingot_hdf5_read(
    const char *path, unsigned long long base, unsigned long long length, const char *dataset, int output);

/// Makes the HDF5 file `path` from the records read from the descriptor `input`. What goes wrong is told in a line
/// `place: reason` on standard error; what stands at `path` then is for the caller to remove. Neither does this flush
/// the file to the disk. The same records always make the same bytes.
///
/// The input is the 8 bytes "INGOTH5" 0x01, then records, of which each begins with a byte that says what it is. All
/// numbers are little-endian; a *string* is a u32 number of bytes and so many bytes of UTF-8 without NUL. A *path* is a
/// string such as "a/b/kernel:0"; "" is the root. Groups on the way to a path are made as needed.
///
///     'G'  path                                      a group (need not be there if something is put into it)
///     'A'  path, name (string), form (u8), count (u32), `count` strings
///                                                    an attribute of a group or dataset that exists already
///     'D'  path, type (string), rank (u8), `rank` lengths (u64), then the bytes of the elements, row-major and
///          little-endian                             a dataset, contiguous; types as listed above
///     'E'                                            the end; nothing may follow
///
/// Forms of an attribute, as h5py and Keras write them:
///
///     0    one string of variable length (count is 1): what h5py makes of bytes or str; `backend`, `keras_version`
///     1    one string of fixed length (count is 1)
///     2    an array of strings, each as long as the longest: `layer_names`, `weight_names`. No strings at all make an
///          array of no float64, as NumPy does. An array of more than 64512 bytes is split as by Keras, into attributes
///          name0, name1, … of nearly the same number of strings
///     3    an array of strings of variable length, split in the same way at 16 bytes a string
int ingot_hdf5_write(const char *path, int input);

#endif
