// Attributes of strings, as h5py and Keras write them.

#include "hdf5_strings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  ONE_VARIABLE,
  ONE_FIXED,
  MANY_FIXED,
  MANY_VARIABLE,

  /// What Keras lets an attribute have (its HDF5_OBJECT_HEADER_LIMIT): the format allows some bytes more.
  MOST_BYTES = 64512,
  /// A string of variable length is a length and a place in a heap.
  VARIABLE_SIZE = 16,
  MOST_STRINGS = 1 << 20,
  MOST_TOTAL = 64 << 20,
};

int ingot_h5_is_ascii(const char *string) {
  while (*string && (unsigned char)*string < 0x80) string++;
  return *string == 0;
}

static int is_fixed(const struct ingot_h5_strings *strings) {
  return strings->form == ONE_FIXED || strings->form == MANY_FIXED;
}

int ingot_h5_take_strings(struct ingot_h5_strings *strings, struct ingot_h5_stream *stream, const char *place) {
  memset(strings, 0, sizeof *strings);
  strings->name = ingot_h5_take_string(stream, 255);
  strings->form = (int)ingot_h5_take_number(stream, 1);
  size_t count = (size_t)ingot_h5_take_number(stream, 4), total = 0;
  if (stream->why->status) return stream->why->status;
  if (*strings->name == 0) return ingot_h5_refuse_record(stream, "an attribute has no name");
  if (strings->form > MANY_VARIABLE) return ingot_h5_refuse_record(stream, "an attribute is of no known form");
  if (strings->form < MANY_FIXED ? count != 1 : count > MOST_STRINGS) {
    return ingot_h5_refuse_record(stream, "an attribute has too many strings, or none");
  }
  strings->strings = calloc(count + 1, sizeof *strings->strings);
  if (!strings->strings) return ingot_h5_refuse_record(stream, "there is not enough memory (limit hdf5-memory)");
  for (; strings->count < count; strings->count++) {
    char *string = strings->strings[strings->count] =
        ingot_h5_take_string(stream, is_fixed(strings) ? MOST_BYTES : MOST_TOTAL);
    if (!string) {
      return ingot_h5_refuse(
          stream->why, INGOT_H5_BAD_DATA, place, "attribute %.255s: string %zu is refused", strings->name,
          strings->count);
    }
    total += strlen(string);
    if (total > MOST_TOTAL) return ingot_h5_refuse_record(stream, "an attribute has too many bytes");
  }
  return 0;
}

void ingot_h5_free_strings(struct ingot_h5_strings *strings) {
  for (size_t index = 0; index < strings->count; index++) free(strings->strings[index]);
  free(strings->strings);
  free(strings->name);
}

/// Bytes of one element: of strings of fixed length as many as the longest has, but at least one.
static size_t element_size(const struct ingot_h5_strings *strings) {
  if (!is_fixed(strings)) return VARIABLE_SIZE;
  size_t size = 1;
  for (size_t index = 0; index < strings->count; index++) {
    size_t count = strlen(strings->strings[index]);
    if (count > size) size = count;
  }
  return size;
}

static hid_t make_datatype(const struct ingot_h5_strings *strings, size_t size) {
  if (strings->count == 0) return ingot_h5.Tcopy(*ingot_h5.T_IEEE_F64LE);
  int is_ascii = 1;
  for (size_t index = 0; index < strings->count; index++) is_ascii &= ingot_h5_is_ascii(strings->strings[index]);
  hid_t datatype = ingot_h5.Tcopy(*ingot_h5.T_C_S1);
  if (datatype < 0) return -1;
  if (ingot_h5.Tset_size(datatype, is_fixed(strings) ? size : H5T_VARIABLE) < 0 ||
      ingot_h5.Tset_strpad(datatype, is_fixed(strings) ? H5T_STR_NULLPAD : H5T_STR_NULLTERM) < 0 ||
      ingot_h5.Tset_cset(datatype, is_ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8) < 0) {
    ingot_h5.Tclose(datatype);
    return -1;
  }
  return datatype;
}

/// Writes `count` strings from `first` on as the elements of an attribute.
static int put_elements(
    const struct ingot_h5_strings *strings, size_t first, size_t count, size_t size, hid_t attribute, hid_t datatype) {
  if (count == 0) return 0;
  if (!is_fixed(strings)) return ingot_h5.Awrite(attribute, datatype, strings->strings + first);
  char *bytes = calloc(count, size);
  if (!bytes) return -1;
  for (size_t index = 0; index < count; index++) {
    const char *string = strings->strings[first + index];
    memcpy(bytes + index * size, string, strlen(string));
  }
  herr_t result = ingot_h5.Awrite(attribute, datatype, bytes);
  free(bytes);
  return result;
}

/// Writes one attribute: `count` strings from `first` on. Refuses before anything else is asked of the library, which
/// would forget what went wrong.
static void put_part(
    const struct ingot_h5_strings *strings, const char *name, size_t first, size_t count, size_t size, hid_t datatype,
    hid_t object, const char *place, struct ingot_h5_refusal *why) {
  hsize_t length = count;
  errno = 0;
  hid_t space = strings->form < MANY_FIXED ? ingot_h5.Screate(H5S_SCALAR) : ingot_h5.Screate_simple(1, &length, NULL);
  hid_t attribute = -1;
  if (space >= 0) attribute = ingot_h5.Acreate2(object, name, datatype, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0 || put_elements(strings, first, count, size, attribute, datatype) < 0) {
    ingot_h5_refuse_write(why, place, "an attribute can't be written");
  }
  if (attribute >= 0) ingot_h5.Aclose(attribute);
  if (space >= 0) ingot_h5.Sclose(space);
}

void ingot_h5_put_strings(
    const struct ingot_h5_strings *strings, hid_t object, const char *place, struct ingot_h5_refusal *why) {
  size_t size = element_size(strings), parts = 1;
  // As numpy.array_split: the first parts have one string more, if it doesn't come out even.
  while ((strings->count + parts - 1) / parts * size > MOST_BYTES) parts++;
  hid_t datatype = make_datatype(strings, size);
  if (datatype < 0) {
    ingot_h5_refuse_write(why, place, "an attribute can't be written");
    return;
  }
  for (size_t part = 0, first = 0; part < parts && !why->status; part++) {
    char name[300];
    if (parts == 1) {
      snprintf(name, sizeof name, "%s", strings->name);
    } else {
      snprintf(name, sizeof name, "%s%zu", strings->name, part);
    }
    size_t count = strings->count / parts + (part < strings->count % parts);
    put_part(strings, name, first, count, size, datatype, object, place, why);
    first += count;
  }
  ingot_h5.Tclose(datatype);
}
