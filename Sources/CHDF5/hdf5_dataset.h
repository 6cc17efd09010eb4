#ifndef INGOT_HDF5_DATASET_H
#define INGOT_HDF5_DATASET_H

#include "hdf5_filters.h"
#include "hdf5_source.h"
#include "hdf5_types.h"

/// What there is to know about a dataset that is accepted.
struct ingot_h5_dataset {
  const struct ingot_h5_type *type;
  int is_big_endian;
  int rank;
  hsize_t shape[INGOT_HDF5_MAX_RANK];
  unsigned long long bytes;
  /// Lengths of a chunk; 1 if the data aren't chunked.
  hsize_t chunk[INGOT_HDF5_MAX_RANK];
  int is_chunked;
  struct ingot_h5_filters filters;
  /// Where the elements stand in the file as they are, or 0: a superblock always comes first.
  unsigned long long offset;
};

/// Checks everything about an open dataset that is checked before its elements are read. This is the only place where
/// that is done: whatever is listed can be read, and whatever is read could be listed. What nothing is wrong with but
/// that it isn't read is set aside. Returns 0 or a status.
int ingot_h5_examine(
    const struct ingot_h5_source *source, hid_t dataset, const char *name, struct ingot_h5_dataset *facts,
    struct ingot_h5_refusal *why);

/// Refuses more `bytes` than the file can mean, all its datasets together.
int ingot_h5_check_total(
    const struct ingot_h5_source *source, unsigned long long bytes, const char *place, struct ingot_h5_refusal *why);

/// The same, datasets counted as often as they have names: many names of one could else state much in a few bytes.
int ingot_h5_check_names(
    const struct ingot_h5_source *source, unsigned long long bytes, const char *place, struct ingot_h5_refusal *why);

/// Sets aside every link but those that stay in the file: hard ones, and soft ones.
int ingot_h5_check_link(int type, const char *place, struct ingot_h5_refusal *why);

#endif
