#ifndef INGOT_HDF5_SLABS_H
#define INGOT_HDF5_SLABS_H

#include "hdf5_dataset.h"

/// Goes through a dataset in row-major order, in pieces of bounded size: a range of one dimension, all of those after
/// it, one place of each of those before it.
struct ingot_h5_slabs {
  int rank;
  hsize_t shape[INGOT_HDF5_MAX_RANK];
  /// The dimension of which a slab takes up to `step`.
  int dimension;
  hsize_t step;
  unsigned size;
  /// The slab at hand: where it begins, how many places of each dimension it takes, and its bytes.
  hsize_t start[INGOT_HDF5_MAX_RANK];
  hsize_t counts[INGOT_HDF5_MAX_RANK];
  size_t bytes;
};

/// Begins with the first slab, which is as large as any. Returns 0 if there are no elements.
int ingot_h5_begin_slabs(struct ingot_h5_slabs *slabs, const struct ingot_h5_dataset *facts);

/// Calls `transfer` with the library's dataspaces for the slab at hand: bytes in a row, and the part of the dataset.
/// Returns what it returns, or -1 if it isn't called.
int ingot_h5_with_slab(
    const struct ingot_h5_slabs *slabs, hid_t dataset, int (*transfer)(hid_t memory, hid_t file, void *context),
    void *context);

/// Goes on to the next slab. Returns 0 after the last.
int ingot_h5_next_slab(struct ingot_h5_slabs *slabs);

#endif
