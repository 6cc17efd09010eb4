#ifndef INGOT_HDF5_SEEN_H
#define INGOT_HDF5_SEEN_H

#include "hdf5_api.h"

/// Objects by their addresses, each with the name it was first met under.
struct ingot_h5_seen {
  struct ingot_h5_seen_entry {
    haddr_t address;
    char *name;
  } *entries;
  size_t count;
  size_t capacity;
};

/// The name the object at `address` was first met under: `name` itself if that is now. NULL if memory ran out.
const char *ingot_h5_see(struct ingot_h5_seen *seen, haddr_t address, const char *name);

void ingot_h5_forget(struct ingot_h5_seen *seen);

#endif
