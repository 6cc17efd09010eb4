#ifndef INGOT_SYSTEM_SHIM_H
#define INGOT_SYSTEM_SHIM_H

#ifdef __linux__
// <fcntl.h> declares it under _GNU_SOURCE only, which a module can't set for the C library's own module.
extern int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);
#endif

/// Starts writing a range of a file to the disk without waiting for it; does nothing where that can't be asked for.
static inline void ingot_start_writing(int descriptor, long long offset, long long count) {
#ifdef __linux__
  (void)sync_file_range(descriptor, offset, count, 2 /* SYNC_FILE_RANGE_WRITE */);
#endif
}

#endif
