// The first bytes of HDF5 data: the signature, and in the superblock after it the end that the file should have.

#include <string.h>

#include "hdf5_source.h"

/// The little-endian number at `bytes`; 0 if it is "undefined", which is all ones.
static unsigned long long number(const unsigned char *bytes, unsigned size) {
  unsigned long long value = 0, all = 0;
  for (unsigned index = size; index-- > 0;) {
    value = value << 8 | bytes[index];
    all = all << 8 | 0xff;
  }
  return value == all ? 0 : value;
}

/// Finds the signature: at byte 0, or after a user block of 512, 1024, 2048, … bytes.
static int find_signature(struct ingot_h5_source *source, unsigned long long *place) {
  static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  unsigned char bytes[sizeof signature];
  for (*place = 0; *place + sizeof bytes <= source->length; *place = *place ? *place * 2 : 512) {
    if (ingot_h5_read_source(source, *place, bytes, sizeof bytes) != 0) return 0;
    if (memcmp(bytes, signature, sizeof bytes) == 0) return 1;
  }
  return 0;
}

int ingot_h5_check_start(struct ingot_h5_source *source, struct ingot_h5_refusal *why) {
  unsigned long long place;
  if (!find_signature(source, &place)) {
    if (source->error) return ingot_h5_refuse_read(source, why, "file", "");
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, "file", "not HDF5: there is no signature at byte 0, 512, 1024, 2048, …");
  }
  // Enough for any superblock; what isn't there stays 0.
  unsigned char bytes[128] = {0};
  unsigned long long count = source->length - place;
  if (count > sizeof bytes) count = sizeof bytes;
  if (ingot_h5_read_source(source, place, bytes, count) != 0) return ingot_h5_refuse_read(source, why, "file", "");

  // Versions 0 and 1 have the size of addresses at byte 13 and begin them at 24 and 28: base, free space, end. Versions
  // 2 and 3 have it at byte 9 and begin them at 12: base, extension, end. The library judges everything else.
  unsigned version = bytes[8], size = version < 2 ? bytes[13] : bytes[9];
  source->superblock_end = place + 9;
  // Of later ones, the library knows what they have, or says that it is too old.
  if (count > 8 && version > 3) return 0;
  unsigned first = version == 0 ? 24 : version == 1 ? 28 : 12;
  if (size > 8) return 0;
  if (count < first + 3 * size) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, "file", "cut short: it has %llu bytes and ends inside the superblock", source->length);
  }
  // The fourth is of the driver's information, or of the root group.
  source->superblock_end = place + first + 4 * size;
  const unsigned char *base = bytes + first;
  unsigned long long stored_base = number(base, size), end = number(base + 2 * size, size);
  // Addresses count from the base, except for this one. It moves along if a user block was put in or taken out.
  if (end >= stored_base) end += place - stored_base;
  if (end > source->length) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, "file", "cut short: it has %llu bytes and should have %llu", source->length, end);
  }
  return 0;
}
