#ifndef INGOT_SYSTEM_SHIM_H
#define INGOT_SYSTEM_SHIM_H

#include <errno.h>
#include <spawn.h>

#ifdef __linux__
// <fcntl.h>, <stdio.h> and <unistd.h> declare them under _GNU_SOURCE only, which a module can't set for the C library's
// own module.
extern int sync_file_range(int descriptor, long long offset, long long count, unsigned int flags);
extern int renameat2(int old_folder, const char *old, int new_folder, const char *new_path, unsigned int flags);
extern int pipe2(int *ends, int flags);
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int first);
#endif

/// Starts writing a range of a file to the disk without waiting for it; does nothing where that can't be asked for.
static inline void ingot_start_writing(int descriptor, long long offset, long long count) {
#ifdef __linux__
  (void)sync_file_range(descriptor, offset, count, 2 /* SYNC_FILE_RANGE_WRITE */);
#endif
}

/// Lets two files change places in one step; -1 and ENOSYS where that can't be asked for.
static inline int ingot_exchange(const char *first, const char *second) {
#ifdef __linux__
  return renameat2(-100 /* AT_FDCWD */, first, -100, second, 2 /* RENAME_EXCHANGE */);
#else
  errno = ENOSYS;
  return -1;
#endif
}

/// Has a program that is started keep none of the files that are open here from that number on; 0 or an error number.
static inline int ingot_close_from(posix_spawn_file_actions_t *actions, int first) {
#ifdef __linux__
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
#else
  return ENOSYS;
#endif
}

/// A pipe that no other program inherits.
static inline int ingot_pipe(int *ends) { return pipe2(ends, 02000000 /* O_CLOEXEC */); }

#endif
