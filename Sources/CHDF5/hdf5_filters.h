#ifndef INGOT_HDF5_FILTERS_H
#define INGOT_HDF5_FILTERS_H

#include "hdf5_refusal.h"

// The filters of HDF5, undone here instead of in the library: release 1.10 takes what a chunk unpacks to for a whole
// chunk even if it is less, and hands out whatever else is in its memory.

/// Filters by their numbers in the format.
enum {
  INGOT_H5_DEFLATE = 1,
  INGOT_H5_SHUFFLE = 2,
  INGOT_H5_FLETCHER32 = 3,
  INGOT_H5_LZF = 32000,  // h5py's, registered with the HDF Group
  INGOT_H5_MAX_FILTERS = 4,
};

/// The filters that a dataset's chunks went through, in this order; none of them twice.
struct ingot_h5_filters {
  int count;
  int numbers[INGOT_H5_MAX_FILTERS];
};

/// Room that a chunk of `bytes` bytes can take while filters are undone.
size_t ingot_h5_filter_room(size_t bytes);

/// Undoes the filters of a chunk. Bit `n` of `skipped` says that filter `n` was not applied. `packed` holds `count`
/// bytes, and both it and `other` have room for `ingot_h5_filter_room(bytes)`. Returns where the chunk's `bytes` bytes
/// then are, in one of the two, or NULL if it is refused.
unsigned char *ingot_h5_unpack(
    const struct ingot_h5_filters *filters, unsigned skipped, unsigned char *packed, size_t count, unsigned char *other,
    size_t bytes, unsigned element_size, const char *place, struct ingot_h5_refusal *why);

/// Finds zlib, which can't be loaded any more once the process is confined. Without it, deflated chunks are refused.
void ingot_h5_load_zlib(void);

#endif
