#ifndef INGOT_HDF5_ATTRIBUTES_H
#define INGOT_HDF5_ATTRIBUTES_H

#include "hdf5_api.h"

/// Reads an attribute that is one string, of fixed or variable length, into `string`. Returns 1, or 0 if it is
/// something else, longer than that, not UTF-8 or damaged: attributes are told, not relied on.
int ingot_h5_read_string(hid_t object, const char *name, char string[INGOT_HDF5_MAX_STRING + 1]);

#endif
