#include "hdf5_lzf.h"

#include <string.h>

static const size_t fault = (size_t)-1;

size_t ingot_h5_unpack_lzf(const unsigned char *from, size_t count, unsigned char *to, size_t room) {
  const unsigned char *end = from + count;
  size_t done = 0;
  while (from < end) {
    unsigned first = *from++;
    if (first < 32) {
      size_t run = first + 1;
      if ((size_t)(end - from) < run || room - done < run) return fault;
      memcpy(to + done, from, run);
      from += run;
      done += run;
      continue;
    }
    size_t run = (first >> 5) + 2;
    if (first >> 5 == 7) {
      if (from == end) return fault;
      run += *from++;
    }
    if (from == end) return fault;
    size_t distance = ((size_t)(first & 31) << 8 | *from++) + 1;
    if (distance > done || room - done < run) return fault;
    // Byte by byte: what is repeated may go on into what it makes.
    for (; run > 0; run--, done++) to[done] = to[done - distance];
  }
  return done;
}
