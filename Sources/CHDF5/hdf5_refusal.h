#ifndef INGOT_HDF5_REFUSAL_H
#define INGOT_HDF5_REFUSAL_H

#include "include/hdf5_child.h"

#include <stddef.h>

/// Exit statuses after BSD's sysexits.h.
enum {
  INGOT_H5_BAD_DATA = 65,
  INGOT_H5_NO_INPUT = 66,
  INGOT_H5_UNAVAILABLE = 69,
  INGOT_H5_CANNOT_CREATE = 73,
  INGOT_H5_IO = 74,
};

/// Why something isn't done; the first reason stands.
struct ingot_h5_refusal {
  int status;
  /// Whether it is of one object only, which is whole but not read: a list then goes on without it.
  int is_aside;
  char place[INGOT_HDF5_MAX_NAME + 1];
  char reason[512];
};

/// Keeps the reason unless there is one already. Returns the status that stands.
__attribute__((format(printf, 4, 5))) int ingot_h5_refuse(
    struct ingot_h5_refusal *why, int status, const char *place, const char *format, ...);

/// The same of an object that nothing is wrong with but that it isn't read: the file's others are.
__attribute__((format(printf, 3, 4))) int ingot_h5_set_aside(
    struct ingot_h5_refusal *why, const char *place, const char *format, ...);

/// Writes `place: reason` as one line to standard error, whatever bytes are in it. Returns the status.
int ingot_h5_report(const struct ingot_h5_refusal *why);

/// Writes all bytes to a descriptor. Returns 0, or -1 with `errno` set.
int ingot_h5_write_all(int descriptor, const void *bytes, size_t count);

#endif
