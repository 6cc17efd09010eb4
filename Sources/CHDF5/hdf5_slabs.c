#include "hdf5_slabs.h"

#include <string.h>

#include "hdf5_limits.h"

static hsize_t least(hsize_t left, hsize_t right) { return left < right ? left : right; }

/// Most bytes of a row of chunks that is held; a chunk fits in it.
static unsigned long long most_of_chunks(void) {
  return ingot_h5_limits.chunk > INGOT_HDF5_CHUNK_ROW ? ingot_h5_limits.chunk : INGOT_HDF5_CHUNK_ROW;
}

/// Works out what the slab at `start` takes.
static void measure(struct ingot_h5_slabs *slabs) {
  slabs->bytes = slabs->size;
  for (int index = 0; index < slabs->rank; index++) {
    hsize_t left = slabs->shape[index] - slabs->start[index];
    slabs->counts[index] = index < slabs->dimension ? 1 : index == slabs->dimension ? least(left, slabs->step) : left;
    slabs->bytes *= slabs->counts[index];
  }
}

int ingot_h5_begin_slabs(struct ingot_h5_slabs *slabs, const struct ingot_h5_dataset *facts) {
  memset(slabs, 0, sizeof *slabs);
  slabs->rank = facts->rank;
  slabs->size = facts->type->size;
  memcpy(slabs->shape, facts->shape, sizeof slabs->shape);
  if (facts->bytes == 0) return 0;
  slabs->step = 1;
  // The outermost dimension of which one place, or one row of chunks, is not too much. There is one, since a chunk
  // isn't; and no product here is larger than all the bytes.
  unsigned long long most = facts->is_chunked ? most_of_chunks() : INGOT_HDF5_SLAB, row = facts->bytes;
  for (int index = 0; index < facts->rank; index++) {
    row /= facts->shape[index];
    slabs->dimension = index;
    slabs->step = facts->chunk[index];
    if (row * least(facts->chunk[index], facts->shape[index]) <= most) break;
  }
  // As many of them as are a slab.
  if (INGOT_HDF5_SLAB / row > slabs->step) slabs->step = INGOT_HDF5_SLAB / row / slabs->step * slabs->step;
  measure(slabs);
  return 1;
}

int ingot_h5_with_slab(
    const struct ingot_h5_slabs *slabs, hid_t dataset, int (*transfer)(hid_t memory, hid_t file, void *context),
    void *context) {
  if (slabs->rank == 0) return transfer(H5S_ALL, H5S_ALL, context);
  int result = -1;
  hid_t file = ingot_h5.Dget_space(dataset), memory = ingot_h5.Screate_simple(slabs->rank, slabs->counts, NULL);
  if (file >= 0 && memory >= 0 &&
      ingot_h5.Sselect_hyperslab(file, H5S_SELECT_SET, slabs->start, NULL, slabs->counts, NULL) >= 0) {
    result = transfer(memory, file, context);
  }
  if (memory >= 0) ingot_h5.Sclose(memory);
  if (file >= 0) ingot_h5.Sclose(file);
  return result;
}

int ingot_h5_next_slab(struct ingot_h5_slabs *slabs) {
  if (slabs->rank == 0) return 0;
  slabs->start[slabs->dimension] += slabs->counts[slabs->dimension];
  for (int index = slabs->dimension; slabs->start[index] >= slabs->shape[index]; index--) {
    if (index == 0) return 0;
    slabs->start[index] = 0;
    slabs->start[index - 1]++;
  }
  measure(slabs);
  return 1;
}
