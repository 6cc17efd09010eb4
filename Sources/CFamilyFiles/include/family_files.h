#ifndef INGOT_FAMILY_FILES_H
#define INGOT_FAMILY_FILES_H

#include <stddef.h>

/// One family file of schemas/families, embedded when the package is built.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} ingot_family_file;

/// Number of embedded family files.
extern const size_t ingot_family_file_count;
/// The embedded family files, in the order in which `ingot list` shows them.
extern const ingot_family_file ingot_family_files[];

#endif
