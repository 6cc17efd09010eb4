// A virtual file driver of libhdf5: reads a range of one descriptor by pread, or asks the parent for it, and
// does nothing else.

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hdf5_asking.h"
#include "hdf5_source.h"

/// An open "file" as the library sees it. It keeps fields of its own at the beginning of this, about 80 bytes.
struct file {
  unsigned long long of_library[32];
  struct ingot_h5_source *source;
  haddr_t end_of_addresses;
};

int ingot_h5_read_source(
    struct ingot_h5_source *source, unsigned long long offset, void *bytes, unsigned long long count) {
  char *position = bytes;
  if (source->descriptor < 0 && ingot_h5_ask(source->base + offset, bytes, count) != 0) {
    source->error = errno;
    return -1;
  }
  while (source->descriptor >= 0 && count > 0) {
    ssize_t got = pread(source->descriptor, position, (size_t)count, (off_t)(source->base + offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // The file ends before the length it had when it was opened.
      source->error = got < 0 ? errno : ENODATA;
      return -1;
    }
    position += got;
    offset += (unsigned long long)got;
    count -= (unsigned long long)got;
  }
  return 0;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t limit) {
  (void)name;
  (void)limit;
  // The only list of access properties that carries our source is the one `ingot_h5_open_source` makes.
  struct ingot_h5_source *const *source = ingot_h5.Pget_driver_info(access);
  if (!source || !*source || flags != 0 || (*source)->file >= 0) return NULL;
  struct file *file = calloc(1, sizeof *file);
  if (file) file->source = *source;
  return (H5FD_t *)file;
}

static herr_t driver_close(H5FD_t *file) {
  free(file);
  return 0;
}

static int driver_compare(const H5FD_t *left, const H5FD_t *right) {
  const struct ingot_h5_source *a = ((const struct file *)left)->source, *b = ((const struct file *)right)->source;
  return (a > b) - (a < b);
}

static herr_t driver_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  // Small reads of metadata and of raw data are put together, as the library's own driver does.
  *features = H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
  return 0;
}

static haddr_t driver_get_end_of_addresses(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct file *)file)->end_of_addresses;
}

static herr_t driver_set_end_of_addresses(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  ((struct file *)file)->end_of_addresses = address;
  return 0;
}

static haddr_t driver_get_end_of_file(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return ((const struct file *)file)->source->length;
}

// What lies beyond the end is an error here, where the library's own driver makes up zeros.
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes) {
  (void)transfer;
  struct ingot_h5_source *source = ((struct file *)file)->source;
  // An index that says so is damaged. Release 1.10 would take those bytes for elements.
  if (type == H5FD_MEM_DRAW && address < source->superblock_end) {
    source->is_misplaced = 1;
    return -1;
  }
  if (address > source->length || size > source->length - address) return -1;
  return ingot_h5_read_source(source, address, bytes, size);
}

static herr_t driver_write(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, const void *bytes) {
  (void)file;
  (void)type;
  (void)transfer;
  (void)address;
  (void)size;
  (void)bytes;
  return -1;
}

// The library's description of a driver, H5FD_class_t, has other members since release 1.13, and the library found at
// run time may be of another release than the header: so it is declared here, in both forms.

typedef void (*unused)(void);

// clang-format off
#define FIRST_MEMBERS                                                                                                  \
  const char *name; haddr_t limit; H5F_close_degree_t close_degree;                                                    \
  unused terminate, superblock_size, superblock_encode, superblock_decode;                                             \
  size_t access_size; unused access_get, access_copy, access_free;                                                     \
  size_t transfer_size; unused transfer_copy, transfer_free;                                                           \
  __typeof__(driver_open) *open; __typeof__(driver_close) *close; __typeof__(driver_compare) *compare;                 \
  __typeof__(driver_query) *query; unused get_type_map, allocate, release;                                             \
  __typeof__(driver_get_end_of_addresses) *get_end_of_addresses;                                                       \
  __typeof__(driver_set_end_of_addresses) *set_end_of_addresses;                                                       \
  __typeof__(driver_get_end_of_file) *get_end_of_file; unused get_handle;                                              \
  __typeof__(driver_read) *read; __typeof__(driver_write) *write;

#define FIRST_VALUES                                                                                                   \
  .name = "ingot", .limit = ((haddr_t)1 << 63) - 1, .close_degree = H5F_CLOSE_STRONG,                                  \
  .access_size = sizeof(struct ingot_h5_source *), .open = driver_open, .close = driver_close,                         \
  .compare = driver_compare, .query = driver_query, .get_end_of_addresses = driver_get_end_of_addresses,               \
  .set_end_of_addresses = driver_set_end_of_addresses, .get_end_of_file = driver_get_end_of_file,                      \
  .read = driver_read, .write = driver_write
// clang-format on

static const struct {
  FIRST_MEMBERS
  unused flush, truncate, lock, unlock;
  H5FD_mem_t free_lists[H5FD_MEM_NTYPES];
} driver = {FIRST_VALUES};

static const struct {
  unsigned version;
  int value;
  FIRST_MEMBERS
  unused read_vector, write_vector, read_selection, write_selection;
  unused flush, truncate, lock, unlock, erase, control;
  H5FD_mem_t free_lists[H5FD_MEM_NTYPES];
} versioned_driver = {
    .version = 1,
    .value = 511,  // the last number of those for drivers that are not registered with the HDF Group
    FIRST_VALUES,
};

hid_t ingot_h5_register_driver(void) {
  return ingot_h5.FDregister(
      ingot_h5.has_versioned_drivers ? (const void *)&versioned_driver : (const void *)&driver);
}
