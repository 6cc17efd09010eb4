#ifndef INGOT_HDF5_SOURCE_H
#define INGOT_HDF5_SOURCE_H

#include "hdf5_api.h"

/// A range of a file that holds HDF5 data, open for reading, or had of the parent process.
///
/// The library gets at it only through a driver of ours, which reads this range of this descriptor, or asks for it, and can
/// open nothing else: whatever file a checkpoint names, there is no way to it.
struct ingot_h5_source {
  /// -1 where the parent is asked (`ingot_h5_ask`).
  int descriptor;
  unsigned long long base;
  unsigned long long length;
  /// Where the superblock ends. No data stand before that.
  unsigned long long superblock_end;
  /// Of the first failed read, or 0.
  int error;
  /// Whether data were asked for that would stand before that end.
  int is_misplaced;
  hid_t driver;
  hid_t file;
};

/// Opens the file, or, where the path is empty, goes by the length that is given, and the HDF5 data in it, and confines the process (`ingot_child_confine`) in between. Returns 0 or a
/// status. Close it in either case.
int ingot_h5_open_source(
    struct ingot_h5_source *source, const char *path, unsigned long long base, unsigned long long length,
    int output, struct ingot_h5_refusal *why);

void ingot_h5_close_source(struct ingot_h5_source *source);

/// Refuses because the library failed: with status 74 and the system's reason if it failed for want of the file's
/// bytes, else as bad data with `reason` and the library's message.
int ingot_h5_refuse_read(
    const struct ingot_h5_source *source, struct ingot_h5_refusal *why, const char *place, const char *reason);

/// Reads bytes of the range. Returns 0, or -1 with `source->error` set.
int ingot_h5_read_source(
    struct ingot_h5_source *source, unsigned long long offset, void *bytes, unsigned long long count);

/// Refuses what isn't HDF5 and what is cut short, so that the two commonest faults get words of their own.
int ingot_h5_check_start(struct ingot_h5_source *source, struct ingot_h5_refusal *why);

/// Tells the library of the driver. Returns its identifier, or a negative number.
hid_t ingot_h5_register_driver(void);

#endif
