#include "hdf5_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ingot_h5_append(struct ingot_h5_text *text, const char *bytes, size_t count) {
  if (text->failed || count == 0) return;
  if (count > text->limit || text->count > text->limit - count) {
    text->failed = 1;
    return;
  }
  if (text->capacity - text->count < count) {
    size_t capacity = text->capacity < 4096 ? 4096 : text->capacity;
    while (capacity - text->count < count) capacity *= 2;
    char *grown = realloc(text->bytes, capacity);
    if (!grown) {
      text->failed = 1;
      return;
    }
    text->bytes = grown;
    text->capacity = capacity;
  }
  memcpy(text->bytes + text->count, bytes, count);
  text->count += count;
}

void ingot_h5_append_format(struct ingot_h5_text *text, const char *format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (count < 0 || (size_t)count >= sizeof line) {
    text->failed = 1;
  } else {
    ingot_h5_append(text, line, (size_t)count);
  }
}

size_t ingot_h5_character(const char *bytes, unsigned *scalar) {
  const unsigned char *byte = (const unsigned char *)bytes;
  // Least scalar of each length: what could be written shorter isn't UTF-8.
  static const unsigned least[5] = {0, 0, 0x80, 0x800, 0x10000};
  if (byte[0] < 0x80) {
    *scalar = byte[0];
    return byte[0] ? 1 : 0;
  }
  size_t count = byte[0] >= 0xf0 && byte[0] < 0xf8 ? 4 : byte[0] >= 0xe0 ? 3 : byte[0] >= 0xc0 ? 2 : 0;
  if (count == 0 || byte[0] >= 0xf8) return 0;
  unsigned value = byte[0] & (0xffu >> (count + 1));
  for (size_t index = 1; index < count; index++) {
    // A NUL inside ends the loop as well: nothing beyond it is read.
    if ((byte[index] & 0xc0) != 0x80) return 0;
    value = value << 6 | (byte[index] & 0x3fu);
  }
  if (value < least[count] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return 0;
  *scalar = value;
  return count;
}

int ingot_h5_is_utf8(const char *string) {
  while (*string) {
    unsigned scalar;
    size_t count = ingot_h5_character(string, &scalar);
    if (count == 0) return 0;
    string += count;
  }
  return 1;
}

const char *ingot_h5_name_fault(const char *name) {
  if (name[0] == 0) return "is empty";
  // To the library both mean something else than a member of this name.
  if (strcmp(name, ".") == 0) return "is a single dot";
  if (strchr(name, '/')) return "holds a slash";
  return ingot_h5_text_fault(name);
}

const char *ingot_h5_text_fault(const char *name) {
  while (*name) {
    unsigned scalar;
    size_t count = ingot_h5_character(name, &scalar);
    if (count == 0) return "is not valid UTF-8";
    if (scalar < 0x20 || (scalar >= 0x7f && scalar < 0xa0)) return "holds a control character";
    name += count;
  }
  return NULL;
}

void ingot_h5_append_string(struct ingot_h5_text *text, const char *string) {
  ingot_h5_append(text, "\"", 1);
  while (*string && !text->failed) {
    unsigned scalar = 0;
    size_t count = ingot_h5_character(string, &scalar);
    if (count == 0) {
      ingot_h5_append(text, "\xef\xbf\xbd", 3);
      count = 1;
    } else if (scalar == '"' || scalar == '\\') {
      ingot_h5_append_format(text, "\\%c", (char)scalar);
    } else if (scalar < 0x20 || scalar == 0x7f) {
      ingot_h5_append_format(text, "\\u%04x", scalar);
    } else {
      ingot_h5_append(text, string, count);
    }
    string += count;
  }
  ingot_h5_append(text, "\"", 1);
}
