#ifndef INGOT_HDF5_STRINGS_H
#define INGOT_HDF5_STRINGS_H

#include "hdf5_api.h"
#include "hdf5_stream.h"

/// An attribute of strings, as a record has it.
struct ingot_h5_strings {
  char *name;
  int form;
  size_t count;
  char **strings;
};

int ingot_h5_is_ascii(const char *string);

/// Reads what follows the path in the record of an attribute. Returns 0 or a status. Free it in either case.
int ingot_h5_take_strings(struct ingot_h5_strings *strings, struct ingot_h5_stream *stream, const char *place);

void ingot_h5_free_strings(struct ingot_h5_strings *strings);

/// Writes the attribute, or the attributes it is split into, to the object at `place`.
void ingot_h5_put_strings(
    const struct ingot_h5_strings *strings, hid_t object, const char *place, struct ingot_h5_refusal *why);

#endif
