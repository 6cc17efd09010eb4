#ifndef INGOT_HDF5_ASKING_H
#define INGOT_HDF5_ASKING_H

/// Bytes that the parent process has, or fetches, asked of it through standard input, which is a socket: the request is
/// the offset and the number of bytes, 8 bytes each in this machine's order; the answer is those bytes. A parent that can't
/// have them closes the socket, and says itself why. The clock stands meanwhile: waiting for a network is no fault.
/// Returns 0, or -1 with `errno` set.
int ingot_h5_ask(unsigned long long offset, void *bytes, unsigned long long count);

#endif
