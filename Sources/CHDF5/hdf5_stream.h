#ifndef INGOT_HDF5_STREAM_H
#define INGOT_HDF5_STREAM_H

#include "hdf5_refusal.h"

/// The records that `ingot_hdf5_write` reads, through a buffer. Once a read is refused, `why` says so, and what is
/// returned means nothing.
struct ingot_h5_stream {
  int descriptor;
  struct ingot_h5_refusal *why;
  /// Bytes read so far.
  unsigned long long position;
  size_t first, count;
  unsigned char buffer[1 << 16];
};

/// Reads exactly so many bytes. Returns 0 or a status.
int ingot_h5_take(struct ingot_h5_stream *stream, void *bytes, size_t count);

/// Reads a little-endian number of `size` bytes.
unsigned long long ingot_h5_take_number(struct ingot_h5_stream *stream, unsigned size);

/// Reads a string of up to `limit` bytes into memory to be freed. NULL if it is refused.
char *ingot_h5_take_string(struct ingot_h5_stream *stream, size_t limit);

/// Whether nothing follows.
int ingot_h5_is_at_end(struct ingot_h5_stream *stream);

/// Refuses what was read last.
int ingot_h5_refuse_record(const struct ingot_h5_stream *stream, const char *reason);

#endif
