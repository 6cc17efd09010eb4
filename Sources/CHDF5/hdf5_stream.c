#include "hdf5_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hdf5_text.h"

int ingot_h5_refuse_record(const struct ingot_h5_stream *stream, const char *reason) {
  char place[64];
  snprintf(place, sizeof place, "input before byte %llu", stream->position);
  return ingot_h5_refuse(stream->why, INGOT_H5_BAD_DATA, place, "%s", reason);
}

/// Reads once. Returns the number of bytes, 0 at the end.
static size_t read_some(struct ingot_h5_stream *stream, void *bytes, size_t count) {
  for (;;) {
    ssize_t got = read(stream->descriptor, bytes, count);
    if (got >= 0) return (size_t)got;
    if (errno == EINTR) continue;
    ingot_h5_refuse(stream->why, INGOT_H5_IO, "input", "it can't be read: %s", strerror(errno));
    return 0;
  }
}

int ingot_h5_take(struct ingot_h5_stream *stream, void *bytes, size_t count) {
  unsigned char *position = bytes;
  while (count > 0 && !stream->why->status) {
    size_t got = stream->count < count ? stream->count : count;
    if (got > 0) {
      memcpy(position, stream->buffer + stream->first, got);
      stream->first += got;
      stream->count -= got;
    } else if (count >= sizeof stream->buffer) {
      got = read_some(stream, position, count);
    } else {
      stream->first = 0;
      stream->count = read_some(stream, stream->buffer, sizeof stream->buffer);
      if (stream->count > 0) continue;
    }
    if (got == 0) return ingot_h5_refuse_record(stream, "the records end too early");
    stream->position += got;
    position += got;
    count -= got;
  }
  return stream->why->status;
}

unsigned long long ingot_h5_take_number(struct ingot_h5_stream *stream, unsigned size) {
  unsigned char bytes[8];
  if (ingot_h5_take(stream, bytes, size)) return 0;
  unsigned long long value = 0;
  for (unsigned index = size; index-- > 0;) value = value << 8 | bytes[index];
  return value;
}

char *ingot_h5_take_string(struct ingot_h5_stream *stream, size_t limit) {
  size_t count = (size_t)ingot_h5_take_number(stream, 4);
  if (stream->why->status) return NULL;
  if (count > limit) {
    ingot_h5_refuse_record(stream, "a string is too long");
    return NULL;
  }
  char *string = malloc(count + 1);
  if (!string) {
    ingot_h5_refuse_record(stream, "there is not enough memory");
    return NULL;
  }
  int status = ingot_h5_take(stream, string, count);
  string[count] = 0;
  if (!status && (strlen(string) != count || !ingot_h5_is_utf8(string))) {
    status = ingot_h5_refuse_record(stream, "a string is not UTF-8 without NUL");
  }
  if (!status) return string;
  free(string);
  return NULL;
}

int ingot_h5_is_at_end(struct ingot_h5_stream *stream) {
  return stream->count == 0 && read_some(stream, stream->buffer, 1) == 0;
}
