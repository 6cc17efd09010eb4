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
  /// Bytes of one place of that dimension.
  size_t row;
  hsize_t start[INGOT_HDF5_MAX_RANK];
};

/// Bytes of the largest slab; 0 if there are no elements at all.
size_t ingot_h5_begin_slabs(struct ingot_h5_slabs *slabs, const struct ingot_h5_dataset *facts);

/// Calls `transfer` with the dataspaces of the slab at hand: the part of the dataset, and bytes in a row. Returns what
/// it returns, or -1 if it isn't called.
int ingot_h5_with_slab(
    const struct ingot_h5_slabs *slabs, hid_t dataset, int (*transfer)(hid_t memory, hid_t file, void *context),
    void *context);

/// Number of bytes of the slab at hand.
size_t ingot_h5_slab_bytes(const struct ingot_h5_slabs *slabs);

/// Goes on to the next slab. Returns 0 after the last.
int ingot_h5_next_slab(struct ingot_h5_slabs *slabs);

#endif
