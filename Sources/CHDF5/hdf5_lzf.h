#ifndef INGOT_HDF5_LZF_H
#define INGOT_HDF5_LZF_H

#include <stddef.h>

/// Unpacks what h5py's filter 32000 makes: one stream of LibLZF (Marc Lehmann) without a header. It consists of runs,
/// each of which begins with a byte:
///
///     000nnnnn                      n + 1 bytes follow, which are taken as they are
///     nnnddddd dddddddd             n + 2 bytes (n from 1 to 6) are those that stand d + 1 bytes before
///     111ddddd nnnnnnnn dddddddd    n + 9 bytes, likewise
///
/// Returns how many bytes were unpacked into `to`, which has room for `room`; or `(size_t)-1` if the stream ends inside
/// a run, makes more, or refers to bytes before the first.
size_t ingot_h5_unpack_lzf(const unsigned char *from, size_t count, unsigned char *to, size_t room);

#endif
