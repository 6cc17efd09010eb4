#ifndef INGOT_HDF5_TYPES_H
#define INGOT_HDF5_TYPES_H

#include "hdf5_api.h"

/// An element type.
struct ingot_h5_type {
  const char *name;
  unsigned size;
  enum { INGOT_H5_INTEGER, INGOT_H5_UNSIGNED, INGOT_H5_FLOAT, INGOT_H5_BOOL, INGOT_H5_COMPLEX } kind;
  /// Bits of exponent and fraction of a float, or of each part of a complex number.
  unsigned exponent, fraction;
};

/// Finds the element type of the library's `datatype`, and whether its bytes are big-endian. `dataset` is asked for the
/// attribute by which Keras marks bfloat16. Returns 0 or a status.
int ingot_h5_find_type(
    hid_t datatype, hid_t dataset, const char *place, const struct ingot_h5_type **type, int *is_big_endian,
    struct ingot_h5_refusal *why);

/// Bytes that an order goes for: those of an element, or of each of its parts.
unsigned ingot_h5_number_size(const struct ingot_h5_type *type);

/// The element type of this name, or NULL.
const struct ingot_h5_type *ingot_h5_type_named(const char *name);

/// Makes the library's little-endian datatype of an element type. Returns a negative number if that fails.
hid_t ingot_h5_make_datatype(const struct ingot_h5_type *type);

#endif
