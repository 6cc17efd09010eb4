#include "hdf5_slabs.h"

#include <string.h>

/// Most bytes of a slab: fewer than usual where chunks are tiny, since the library keeps about a kilobyte for each that
/// a slab touches.
static unsigned long long slab_limit(const struct ingot_h5_dataset *facts) {
  if (!facts->is_chunked) return INGOT_HDF5_SLAB;
  unsigned long long chunk = facts->type->size;
  for (int index = 0; index < facts->rank; index++) chunk *= facts->chunk[index];  // checked: at most a GiB
  return chunk < INGOT_HDF5_SLAB >> 14 ? chunk << 14 : INGOT_HDF5_SLAB;
}

size_t ingot_h5_begin_slabs(struct ingot_h5_slabs *slabs, const struct ingot_h5_dataset *facts) {
  memset(slabs, 0, sizeof *slabs);
  slabs->rank = facts->rank;
  memcpy(slabs->shape, facts->shape, sizeof slabs->shape);
  if (facts->bytes == 0) return 0;
  unsigned long long limit = slab_limit(facts), row = facts->type->size;
  slabs->row = (size_t)row;
  slabs->step = 1;
  // The innermost dimensions that fit whole, and of the next one as much as fits.
  for (int index = facts->rank; index-- > 0;) {
    slabs->dimension = index;
    slabs->row = (size_t)row;
    slabs->step = facts->shape[index];
    if (slabs->step > limit / row) {
      slabs->step = limit / row;
      if (slabs->step > facts->chunk[index]) slabs->step -= slabs->step % facts->chunk[index];
      break;
    }
    row *= facts->shape[index];
  }
  return (size_t)slabs->step * slabs->row;
}

/// Places of the divided dimension in the slab at hand.
static hsize_t places(const struct ingot_h5_slabs *slabs) {
  if (slabs->rank == 0) return 1;
  hsize_t left = slabs->shape[slabs->dimension] - slabs->start[slabs->dimension];
  return left < slabs->step ? left : slabs->step;
}

size_t ingot_h5_slab_bytes(const struct ingot_h5_slabs *slabs) { return (size_t)places(slabs) * slabs->row; }

int ingot_h5_with_slab(
    const struct ingot_h5_slabs *slabs, hid_t dataset, int (*transfer)(hid_t memory, hid_t file, void *context),
    void *context) {
  if (slabs->rank == 0) return transfer(H5S_ALL, H5S_ALL, context);
  hsize_t counts[INGOT_HDF5_MAX_RANK];
  for (int index = 0; index < slabs->rank; index++) {
    counts[index] = index < slabs->dimension ? 1 : index == slabs->dimension ? places(slabs) : slabs->shape[index];
  }
  int result = -1;
  hid_t file = ingot_h5.Dget_space(dataset), memory = ingot_h5.Screate_simple(slabs->rank, counts, NULL);
  if (file >= 0 && memory >= 0 &&
      ingot_h5.Sselect_hyperslab(file, H5S_SELECT_SET, slabs->start, NULL, counts, NULL) >= 0) {
    result = transfer(memory, file, context);
  }
  if (memory >= 0) ingot_h5.Sclose(memory);
  if (file >= 0) ingot_h5.Sclose(file);
  return result;
}

int ingot_h5_next_slab(struct ingot_h5_slabs *slabs) {
  if (slabs->rank == 0) return 0;
  slabs->start[slabs->dimension] += places(slabs);
  for (int index = slabs->dimension; slabs->start[index] >= slabs->shape[index]; index--) {
    if (index == 0) return 0;
    slabs->start[index] = 0;
    slabs->start[index - 1]++;
  }
  return 1;
}
