#ifndef INGOT_HDF5_LIMITS_H
#define INGOT_HDF5_LIMITS_H

#include "include/hdf5_child.h"

/// Those in force.
extern struct ingot_hdf5_limits ingot_h5_limits;

#endif
