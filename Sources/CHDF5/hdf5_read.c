// Writes the elements of one dataset to a descriptor.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hdf5_dataset.h"
#include "hdf5_slabs.h"
#include "hdf5_text.h"

/// Opens an object by its name, one link after the other: the library would follow soft links on the way.
static hid_t open_object(const struct ingot_h5_source *source, const char *name, struct ingot_h5_refusal *why) {
  char part[INGOT_HDF5_MAX_NAME + 1];
  const char *rest = name;
  hid_t object = ingot_h5.Gopen2(source->file, "/", H5P_DEFAULT);
  while (object >= 0 && rest) {
    const char *slash = strchr(rest, '/');
    size_t count = slash ? (size_t)(slash - rest) : strlen(rest);
    memcpy(part, rest, count);
    part[count] = 0;
    rest = slash ? slash + 1 : NULL;
    struct ingot_h5_link_info info = {.type = H5L_TYPE_ERROR};
    hid_t inner = -1;
    if (ingot_h5_name_fault(part)) {
      ingot_h5_refuse(why, INGOT_H5_BAD_DATA, name, "not the name of an array");
    } else if (ingot_h5.Lget_info(object, part, &info, H5P_DEFAULT) < 0) {
      ingot_h5_refuse_read(source, why, name, "there is no such array");
    } else if (!ingot_h5_check_link(info.type, name, why)) {
      inner = ingot_h5.Oopen(object, part, H5P_DEFAULT);
    }
    ingot_h5.Oclose(object);
    object = inner;
  }
  if (object < 0) ingot_h5_refuse_read(source, why, name, "the object can't be opened");
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

static void reverse_elements(unsigned char *bytes, size_t count, unsigned size) {
  for (size_t element = 0; element < count; element += size) {
    for (unsigned low = 0, high = size - 1; low < high; low++, high--) {
      unsigned char byte = bytes[element + low];
      bytes[element + low] = bytes[element + high];
      bytes[element + high] = byte;
    }
  }
}

/// Makes of the elements as they are stored what is given out.
static int convert(
    unsigned char *bytes, size_t count, const struct ingot_h5_dataset *facts, const char *name,
    struct ingot_h5_refusal *why) {
  if (facts->is_big_endian) reverse_elements(bytes, count, facts->type->size);
  if (facts->type->kind != INGOT_H5_BOOL) return 0;
  for (size_t index = 0; index < count; index++) {
    if (bytes[index] > 1) {
      return ingot_h5_refuse(
          why, INGOT_H5_BAD_DATA, name, "an element is %u, which is neither FALSE nor TRUE", bytes[index]);
    }
  }
  return 0;
}

static herr_t read_slab(hid_t dataset, hid_t datatype, hid_t memory, hid_t file, void *bytes) {
  return ingot_h5.Dread(dataset, datatype, memory, file, H5P_DEFAULT, bytes);
}

/// `datatype` is a copy of the stored one, so that the library has nothing to convert.
static int write_elements(
    const struct ingot_h5_source *source, hid_t dataset, hid_t datatype, const struct ingot_h5_dataset *facts,
    const char *name, int output, struct ingot_h5_refusal *why) {
  struct ingot_h5_slabs slabs;
  size_t largest = ingot_h5_begin_slabs(&slabs, facts);
  if (largest == 0) return 0;
  unsigned char *bytes = calloc(largest, 1);
  if (!bytes) return ingot_h5_refuse(why, INGOT_H5_BAD_DATA, name, "there is not enough memory");
  do {
    size_t count = ingot_h5_transfer_slab(&slabs, dataset, datatype, bytes, read_slab);
    if (count == 0) {
      ingot_h5_refuse_read(source, why, name, "its elements can't be read");
    } else if (!convert(bytes, count, facts, name, why) && ingot_h5_write_all(output, bytes, count) != 0) {
      ingot_h5_refuse(why, INGOT_H5_IO, "output", "%s", strerror(errno));
    }
  } while (!why->status && ingot_h5_next_slab(&slabs));
  free(bytes);
  return why->status;
}

static void read_dataset(
    const struct ingot_h5_source *source, const char *name, int output, struct ingot_h5_refusal *why) {
  hid_t dataset = open_dataset(source, name, why);
  if (dataset < 0) return;
  struct ingot_h5_dataset facts;
  if (!ingot_h5_examine(source, dataset, name, &facts, why) &&
      !ingot_h5_check_total(source, facts.bytes, name, why)) {
    hid_t stored = ingot_h5.Dget_type(dataset);
    hid_t datatype = stored < 0 ? -1 : ingot_h5.Tcopy(stored);
    if (datatype < 0) {
      ingot_h5_refuse_read(source, why, name, "the element type can't be read");
    } else {
      write_elements(source, dataset, datatype, &facts, name, output, why);
      ingot_h5.Tclose(datatype);
    }
    if (stored >= 0) ingot_h5.Tclose(stored);
  }
  ingot_h5.Oclose(dataset);
}

int ingot_hdf5_read(
    const char *path, unsigned long long base, unsigned long long length, const char *dataset, int output) {
  struct ingot_h5_source source;
  struct ingot_h5_refusal why = {0};
  if (!ingot_h5_open_source(&source, path, base, length, INGOT_HDF5_CHUNK_CACHE, output, &why)) {
    read_dataset(&source, dataset, output, &why);
  }
  ingot_h5_close_source(&source);
  return why.status ? ingot_h5_report(&why) : 0;
}
