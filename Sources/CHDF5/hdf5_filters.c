#include "hdf5_filters.h"

#include <dlfcn.h>
#include <string.h>

#include "hdf5_lzf.h"
#include "loading.h"

/// `uncompress` of zlib: unpacks all there is, and fails if that has no room.
typedef int inflate_function(
    unsigned char *unpacked, unsigned long *unpacked_count, const unsigned char *packed, unsigned long packed_count);
static inflate_function *inflate_all;

INGOT_LOADS(deflate, "HDF5 checkpoints that were compressed", "libz.so.1");

void ingot_h5_load_zlib(void) {
  static const char *const names[] = {"libz.so.1", "libz.so", NULL};
  void *library = ingot_load_first(names);
  if (library) inflate_all = (inflate_function *)dlsym(library, "uncompress");
}

// Deflated data that can't be made smaller get larger by a few bytes per thousand; a checksum takes 4 more.
size_t ingot_h5_filter_room(size_t bytes) { return bytes + bytes / 100 + 1024; }

/// Fletcher's checksum of 16-bit numbers, the first byte of which counts for more.
static unsigned fletcher32(const unsigned char *bytes, size_t count) {
  unsigned first = 0, second = 0;
  while (count > 1) {
    // So many sums fit in 32 bits.
    size_t block = count / 2 > 360 ? 360 : count / 2;
    count -= block * 2;
    for (; block > 0; block--, bytes += 2) {
      first += (unsigned)bytes[0] << 8 | bytes[1];
      second += first;
    }
    first = (first & 0xffff) + (first >> 16);
    second = (second & 0xffff) + (second >> 16);
  }
  if (count > 0) {
    first += (unsigned)bytes[0] << 8;
    second += first;
    first = (first & 0xffff) + (first >> 16);
    second = (second & 0xffff) + (second >> 16);
  }
  first = (first & 0xffff) + (first >> 16);
  second = (second & 0xffff) + (second >> 16);
  return second << 16 | first;
}

/// Whether the checksum after `count` bytes is theirs. Old releases of the library wrote both halves with their bytes
/// exchanged.
static int has_checksum(const unsigned char *bytes, size_t count) {
  const unsigned char *end = bytes + count;
  unsigned stored = end[0] | (unsigned)end[1] << 8 | (unsigned)end[2] << 16 | (unsigned)end[3] << 24;
  unsigned sum = fletcher32(bytes, count);
  return stored == sum || stored == ((sum & 0x00ff00ff) << 8 | (sum >> 8 & 0x00ff00ff));
}

/// Puts bytes that stand together by their place in the element back into elements; what is left over stays.
static void unshuffle(const unsigned char *from, unsigned char *to, size_t count, unsigned element_size) {
  size_t elements = count / element_size;
  for (unsigned place = 0; place < element_size; place++) {
    for (size_t element = 0; element < elements; element++) to[element * element_size + place] = *from++;
  }
  memcpy(to + elements * element_size, from, count % element_size);
}

/// Undoes a filter that makes data smaller, lzf or deflate, up to the `expected` bytes.
static const char *unpacking_fault(
    int filter, const unsigned char *from, size_t count, unsigned char *to, size_t expected, unsigned long *unpacked) {
  if (filter == INGOT_H5_LZF) {
    *unpacked = ingot_h5_unpack_lzf(from, count, to, expected);
    return *unpacked == (size_t)-1 ? "a chunk packed by lzf can't be unpacked" : NULL;
  }
  if (!inflate_all) return "it is deflated, and zlib is not installed";
  *unpacked = expected;
  if (inflate_all(to, unpacked, from, count) != 0) return "a chunk can't be inflated";
  return NULL;
}

unsigned char *ingot_h5_unpack(
    const struct ingot_h5_filters *filters, unsigned skipped, unsigned char *packed, size_t count, unsigned char *other,
    size_t bytes, unsigned element_size, const char *place, struct ingot_h5_refusal *why) {
  const char *fault = NULL;
  for (int index = filters->count; index-- > 0 && !fault;) {
    if (skipped & 1u << index) continue;
    if (filters->numbers[index] == INGOT_H5_FLETCHER32) {
      if (count < 4 || !has_checksum(packed, count - 4)) fault = "the checksum of a chunk is wrong";
      count -= 4;
      continue;
    }
    if (filters->numbers[index] == INGOT_H5_SHUFFLE) {
      unshuffle(packed, other, count, element_size);
    } else {
      // What went into this filter: the chunk, with a checksum if that comes before.
      size_t expected = bytes;
      for (int before = 0; before < index; before++) {
        if (filters->numbers[before] == INGOT_H5_FLETCHER32 && !(skipped & 1u << before)) expected += 4;
      }
      unsigned long unpacked = 0;
      fault = unpacking_fault(filters->numbers[index], packed, count, other, expected, &unpacked);
      count = unpacked;
    }
    unsigned char *exchanged = packed;
    packed = other;
    other = exchanged;
  }
  if (!fault && count == bytes) return packed;
  if (fault) {
    ingot_h5_refuse(why, INGOT_H5_BAD_DATA, place, "%s", fault);
  } else {
    ingot_h5_refuse(why, INGOT_H5_BAD_DATA, place, "a chunk has %zu bytes instead of %zu", count, bytes);
  }
  return NULL;
}
