#ifndef INGOT_HDF5_LIMITS_H
#define INGOT_HDF5_LIMITS_H

/// Takes from this process the ability to open anything, and to make any file longer, for good. What is open stays
/// open. `output` and standard error may be files: then files can still be written.
void ingot_h5_confine(int output);

#endif
