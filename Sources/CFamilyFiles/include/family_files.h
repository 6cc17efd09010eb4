#ifndef INGOT_FAMILY_FILES_H
#define INGOT_FAMILY_FILES_H

#include <stddef.h>

/// Number of family files of schemas/families that are embedded in the binary.
size_t ingot_family_file_count(void);

/// The bytes of the embedded family file `index`, in the order in which `ingot list` shows families; sets `count`.
const unsigned char *ingot_family_file(size_t index, size_t *count);

#endif
