#ifndef INGOT_HDF5_TEXT_H
#define INGOT_HDF5_TEXT_H

#include <stddef.h>

/// Bytes that grow up to a limit. Once `failed`, it takes no more.
struct ingot_h5_text {
  char *bytes;
  size_t count;
  size_t capacity;
  size_t limit;
  int failed;
};

void ingot_h5_append(struct ingot_h5_text *text, const char *bytes, size_t count);

__attribute__((format(printf, 2, 3))) void ingot_h5_append_format(struct ingot_h5_text *text, const char *format, ...);

/// Appends a JSON string. Bytes that aren't UTF-8 become U+FFFD.
void ingot_h5_append_string(struct ingot_h5_text *text, const char *string);

/// Number of bytes of the UTF-8 character at `bytes`, which ends with NUL; 0 if there is none. Sets `scalar`.
size_t ingot_h5_character(const char *bytes, unsigned *scalar);

/// Whether all of a string is UTF-8.
int ingot_h5_is_utf8(const char *string);

/// Why a name can't be printed, or NULL if it can. Such names can be written by whoever uses the library.
const char *ingot_h5_text_fault(const char *name);

/// Why `name` can't be that of a link, or NULL if it can: by that function, or since the library takes it for another's.
const char *ingot_h5_name_fault(const char *name);

#endif
