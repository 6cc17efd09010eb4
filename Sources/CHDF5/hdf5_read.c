// Writes the elements of one dataset to a descriptor.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hdf5_chunks.h"
#include "hdf5_slabs.h"
#include "hdf5_text.h"

/// Opens a member of a group by the links that a list follows, and no others.
static hid_t open_member(
    const struct ingot_h5_source *source, hid_t group, const char *member, const char *name,
    struct ingot_h5_refusal *why) {
  struct ingot_h5_link_info info = {.type = H5L_TYPE_ERROR};
  hid_t object = -1;
  if (ingot_h5_name_fault(member)) {
    ingot_h5_refuse(why, INGOT_H5_BAD_DATA, name, "not the name of an array");
  } else if (ingot_h5.Lget_info(group, member, &info, H5P_DEFAULT) < 0) {
    ingot_h5_refuse_read(source, why, name, "there is no such array");
  } else if (!ingot_h5_check_link(info.type, name, why)) {
    object = ingot_h5.Oopen(group, member, H5P_DEFAULT);
    if (object < 0) ingot_h5_refuse_read(source, why, name, "the object can't be opened");
  }
  return object;
}

static hid_t open_object(const struct ingot_h5_source *source, const char *name, struct ingot_h5_refusal *why) {
  hid_t object = ingot_h5.Gopen2(source->file, "/", H5P_DEFAULT);
  if (object < 0) ingot_h5_refuse_read(source, why, "/", "the root group can't be opened");
  for (const char *rest = name; object >= 0 && rest;) {
    char member[INGOT_HDF5_MAX_NAME + 1];
    const char *slash = strchr(rest, '/');
    size_t count = slash ? (size_t)(slash - rest) : strlen(rest);
    memcpy(member, rest, count);
    member[count] = 0;
    rest = slash ? slash + 1 : NULL;
    hid_t inner = open_member(source, object, member, name, why);
    ingot_h5.Oclose(object);
    object = inner;
  }
  return object;
}

static hid_t open_dataset(const struct ingot_h5_source *source, const char *name, struct ingot_h5_refusal *why) {
  if (strlen(name) > INGOT_HDF5_MAX_NAME) {
    ingot_h5_refuse(why, INGOT_H5_BAD_DATA, "name", "it is too long");
    return -1;
  }
  hid_t object = open_object(source, name, why);
  struct ingot_h5_object_info info = {.type = H5O_TYPE_UNKNOWN};
  if (object < 0 || (ingot_h5.Oget_info(object, &info, H5O_INFO_BASIC) >= 0 && info.type == H5O_TYPE_DATASET)) {
    return object;
  }
  ingot_h5.Oclose(object);
  ingot_h5_refuse_read(source, why, name, "not an array");
  return -1;
}

static void reverse_numbers(unsigned char *bytes, size_t count, unsigned size) {
  for (size_t number = 0; number < count; number += size) {
    for (unsigned low = 0, high = size - 1; low < high; low++, high--) {
      unsigned char byte = bytes[number + low];
      bytes[number + low] = bytes[number + high];
      bytes[number + high] = byte;
    }
  }
}

/// A dataset while its elements are read.
struct reading {
  const struct ingot_h5_source *source;
  const char *name;
  hid_t dataset;
  /// A copy of the stored type, so that the library has nothing to convert.
  hid_t datatype;
  struct ingot_h5_dataset facts;
  struct ingot_h5_chunks chunks;
  unsigned char *bytes;
  struct ingot_h5_refusal *why;
};

static int read_slab(hid_t memory, hid_t file, void *context) {
  struct reading *reading = context;
  if (ingot_h5.Dread(reading->dataset, reading->datatype, memory, file, H5P_DEFAULT, reading->bytes) >= 0) return 0;
  return ingot_h5_refuse_read(reading->source, reading->why, reading->name, "its elements can't be read");
}

/// Makes of the elements as they are stored what is given out.
static int convert(const struct reading *reading, size_t count) {
  if (reading->facts.is_big_endian) reverse_numbers(reading->bytes, count, ingot_h5_number_size(reading->facts.type));
  if (reading->facts.type->kind != INGOT_H5_BOOL) return 0;
  for (size_t index = 0; index < count; index++) {
    if (reading->bytes[index] > 1) {
      return ingot_h5_refuse(
          reading->why, INGOT_H5_BAD_DATA, reading->name, "an element is %u, which is neither FALSE nor TRUE",
          reading->bytes[index]);
    }
  }
  return 0;
}

static int read_piece(struct reading *reading, const struct ingot_h5_slabs *slabs) {
  if (reading->facts.is_chunked) {
    return ingot_h5_read_chunks(&reading->chunks, slabs->start, slabs->counts, reading->bytes);
  }
  if (ingot_h5_with_slab(slabs, reading->dataset, read_slab, reading) == 0) return 0;
  return ingot_h5_refuse_read(reading->source, reading->why, reading->name, "its elements can't be selected");
}

static void write_elements(struct reading *reading, int output) {
  struct ingot_h5_slabs slabs;
  if (!ingot_h5_begin_slabs(&slabs, &reading->facts)) return;
  reading->bytes = calloc(slabs.bytes, 1);
  if (!reading->bytes) {
    ingot_h5_refuse(reading->why, INGOT_H5_BAD_DATA, reading->name, "there is not enough memory (limit hdf5-memory)");
    return;
  }
  if (!reading->facts.is_chunked ||
      !ingot_h5_open_chunks(
          &reading->chunks, reading->source, reading->dataset, reading->datatype, reading->name, &reading->facts,
          reading->why)) {
    do {
      if (read_piece(reading, &slabs) == 0 && convert(reading, slabs.bytes) == 0 &&
          ingot_h5_write_all(output, reading->bytes, slabs.bytes) != 0) {
        ingot_h5_refuse(reading->why, INGOT_H5_IO, "output", "%s", strerror(errno));
      }
    } while (!reading->why->status && ingot_h5_next_slab(&slabs));
  }
  ingot_h5_close_chunks(&reading->chunks);
  free(reading->bytes);
}

static void read_dataset(
    const struct ingot_h5_source *source, const char *name, int output, struct ingot_h5_refusal *why) {
  struct reading reading = {.source = source, .name = name, .why = why};
  reading.dataset = open_dataset(source, name, why);
  if (reading.dataset < 0) return;
  if (!ingot_h5_examine(source, reading.dataset, name, &reading.facts, why) &&
      !ingot_h5_check_total(source, reading.facts.bytes, name, why)) {
    hid_t stored = ingot_h5.Dget_type(reading.dataset);
    reading.datatype = stored < 0 ? -1 : ingot_h5.Tcopy(stored);
    if (reading.datatype < 0) {
      ingot_h5_refuse_read(source, why, name, "the element type can't be read");
    } else {
      write_elements(&reading, output);
      ingot_h5.Tclose(reading.datatype);
    }
    if (stored >= 0) ingot_h5.Tclose(stored);
  }
  ingot_h5.Oclose(reading.dataset);
}

int ingot_hdf5_read(
    const char *path, unsigned long long base, unsigned long long length, const char *dataset, int output) {
  struct ingot_h5_source source;
  struct ingot_h5_refusal why = {0};
  if (!ingot_h5_open_source(&source, path, base, length, output, &why)) {
    read_dataset(&source, dataset, output, &why);
  }
  ingot_h5_close_source(&source);
  return why.status ? ingot_h5_report(&why) : 0;
}
