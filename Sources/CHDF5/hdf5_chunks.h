#ifndef INGOT_HDF5_CHUNKS_H
#define INGOT_HDF5_CHUNKS_H

#include "hdf5_dataset.h"

/// Reads slabs of a chunked dataset, chunk by chunk. The library finds the chunks and reads their bytes; what they mean
/// is worked out here.
struct ingot_h5_chunks {
  const struct ingot_h5_source *source;
  const char *name;
  hid_t dataset;
  const struct ingot_h5_dataset *facts;
  struct ingot_h5_refusal *why;
  size_t bytes;
  /// Elements of chunks that were never written.
  unsigned char fill[16];
  unsigned char *room[2];
};

/// Returns 0 or a status. Close it in either case.
int ingot_h5_open_chunks(
    struct ingot_h5_chunks *chunks, const struct ingot_h5_source *source, hid_t dataset, hid_t datatype,
    const char *name, const struct ingot_h5_dataset *facts, struct ingot_h5_refusal *why);

void ingot_h5_close_chunks(struct ingot_h5_chunks *chunks);

/// Reads the elements from `start` on, `counts` in each dimension, as they are stored. Returns 0 or a status.
int ingot_h5_read_chunks(
    struct ingot_h5_chunks *chunks, const hsize_t *start, const hsize_t *counts, unsigned char *elements);

#endif
