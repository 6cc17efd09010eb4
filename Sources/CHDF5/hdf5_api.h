#ifndef INGOT_HDF5_API_H
#define INGOT_HDF5_API_H

// libhdf5 as a table of functions that is filled at run time.
//
// The library's header is for types and prototypes only. Its macros for property lists, flags and predefined types
// can't be used: they call functions and read variables of the library, which isn't linked.

#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#else
#include <hdf5.h>
#endif

#include "hdf5_refusal.h"

// clang-format off
#define INGOT_H5_FUNCTIONS(X)                                                                                          \
  X(dont_atexit) X(open) X(get_libversion) X(free_memory)                                                              \
  X(Eset_auto2) X(Eclear2) X(Ewalk2) X(PLset_loading_state) X(Lunregister) X(Lget_val) X(FDunregister)                 \
  X(Fopen) X(Fcreate) X(Fclose) X(Gopen2) X(Gcreate2) X(Gclose) X(Oopen) X(Oclose)                                     \
  X(Aexists) X(Aopen) X(Acreate2) X(Aclose) X(Aiterate2) X(Aget_type) X(Aget_space) X(Aread) X(Awrite)                 \
  X(Dopen2) X(Dcreate2) X(Dclose) X(Dget_type) X(Dget_space) X(Dget_create_plist) X(Dget_offset)                       \
  X(Dget_storage_size) X(Dget_chunk_storage_size) X(Dread) X(Dwrite)                                                   \
  X(Pcreate) X(Pclose) X(Pset_driver) X(Pget_driver_info) X(Pset_libver_bounds)                                        \
  X(Pget_layout) X(Pget_chunk) X(Pget_chunk_opts) X(Pfill_value_defined) X(Pget_fill_value) X(Pget_external_count)     \
  X(Pget_nfilters) X(Pget_filter2)                                                                                     \
  X(Pset_alloc_time) X(Pset_fill_time) X(Pset_obj_track_times) X(Pset_create_intermediate_group)                       \
  X(Pset_char_encoding)                                                                                                \
  X(Screate) X(Screate_simple) X(Sclose) X(Sget_simple_extent_type) X(Sget_simple_extent_ndims)                        \
  X(Sget_simple_extent_dims) X(Sselect_hyperslab)                                                                      \
  X(Tcopy) X(Tclose) X(Tget_class) X(Tget_size) X(Tget_order) X(Tget_precision) X(Tget_offset) X(Tget_sign)            \
  X(Tget_fields) X(Tget_ebias) X(Tget_norm) X(Tget_super) X(Tget_nmembers) X(Tget_member_name)                         \
  X(Tget_member_value) X(Tget_member_class) X(Tget_member_type) X(Tget_member_offset) X(Tis_variable_str)              \
  X(Tget_strpad) X(Tcreate) X(Tinsert)                                                                                 \
  X(Tset_size) X(Tset_fields) X(Tset_ebias) X(Tset_strpad) X(Tset_cset) X(Tenum_create) X(Tenum_insert)

// Classes of property lists and predefined types: identifiers that the library sets when it is opened.
#define INGOT_H5_VARIABLES(X)                                                                                          \
  X(P_CLS_FILE_ACCESS_ID) X(P_CLS_DATASET_CREATE_ID) X(P_CLS_LINK_CREATE_ID)                                           \
  X(T_C_S1) X(T_IEEE_F32LE) X(T_IEEE_F64LE)                                                                            \
  X(T_STD_I8LE) X(T_STD_I16LE) X(T_STD_I32LE) X(T_STD_I64LE)                                                           \
  X(T_STD_U8LE) X(T_STD_U16LE) X(T_STD_U32LE) X(T_STD_U64LE)
// clang-format on

/// What the library tells about an object. Later releases have several structures for this; the one of
/// `H5Oget_info2` begins like this in all.
struct ingot_h5_object_info {
  unsigned long file;
  haddr_t address;
  H5O_type_t type;
  unsigned links;
  unsigned long long rest[64];
};

/// What the library tells about a link: the structures of all releases begin with its type.
struct ingot_h5_link_info {
  int type;
  unsigned long long rest[15];
};

struct ingot_h5_api {
#define INGOT_H5_MEMBER(name) __typeof__(H5##name) *name;
  INGOT_H5_FUNCTIONS(INGOT_H5_MEMBER)
#undef INGOT_H5_MEMBER
#define INGOT_H5_MEMBER(name) const hid_t *name;
  INGOT_H5_VARIABLES(INGOT_H5_MEMBER)
#undef INGOT_H5_MEMBER
  // Functions whose names or structures differ between releases.
  herr_t (*Oget_info)(hid_t object, struct ingot_h5_object_info *info, unsigned fields);
  herr_t (*Lget_info)(hid_t group, const char *name, struct ingot_h5_link_info *info, hid_t access);
  herr_t (*Literate)(
      hid_t group, H5_index_t index, H5_iter_order_t order, hsize_t *position,
      herr_t (*visit)(hid_t group, const char *name, const struct ingot_h5_link_info *info, void *context),
      void *context);
  herr_t (*Dread_chunk)(hid_t dataset, hid_t transfer, const hsize_t *offset, uint32_t *skipped, void *bytes);
  hid_t (*FDregister)(const void *driver);
  /// Whether structures of drivers are those of release 1.13 and later.
  int has_versioned_drivers;
  unsigned major, minor, release;
};

/// Filled by `ingot_h5_load`.
extern struct ingot_h5_api ingot_h5;

/// Loads libhdf5 and makes it quiet and self-contained. Returns 0 or a status.
int ingot_h5_load(struct ingot_h5_refusal *why);

/// The library's innermost error message about the last call; empty if it has none.
enum { INGOT_H5_MESSAGE = 256 };
void ingot_h5_innermost_message(char message[INGOT_H5_MESSAGE]);

/// Whether a message of the library's says that something is in a version that it doesn't know.
int ingot_h5_is_too_old(const char *message);

/// Refuses with `reason`, with word of it if the library is too old for the file, and, in brackets, the library's innermost error message.
int ingot_h5_refuse_library(struct ingot_h5_refusal *why, int status, const char *place, const char *reason);

/// Refuses because the library could not write: with status 74 and the system's reason if there is one. Set `errno` to
/// 0 before calling the library.
int ingot_h5_refuse_write(struct ingot_h5_refusal *why, const char *place, const char *reason);

#endif
