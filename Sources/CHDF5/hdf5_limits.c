#include "hdf5_limits.h"

struct ingot_hdf5_limits ingot_h5_limits;

void ingot_hdf5_set_limits(struct ingot_hdf5_limits limits) { ingot_h5_limits = limits; }
