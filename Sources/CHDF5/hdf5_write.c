// Makes an HDF5 file from a stream of records.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hdf5_slabs.h"
#include "hdf5_stream.h"
#include "hdf5_strings.h"
#include "hdf5_text.h"

struct writing {
  struct ingot_h5_stream stream;
  struct ingot_h5_refusal why;
  hid_t file;
  /// Properties of links: groups on the way are made. ASCII and UTF-8.
  hid_t links[2];
  hid_t creation;
};

/// Reads a path and checks its parts; "" is the root, which not every record may name.
static char *take_path(struct writing *writing, int may_be_root) {
  char *path = ingot_h5_take_string(&writing->stream, INGOT_HDF5_MAX_NAME);
  if (!path || (may_be_root && *path == 0)) return path;
  for (char *part = path; part;) {
    char *slash = strchr(part, '/');
    if (slash) *slash = 0;
    const char *fault = ingot_h5_name_fault(part);
    if (slash) *slash = '/';
    if (fault) {
      ingot_h5_refuse(&writing->why, INGOT_H5_BAD_DATA, *path ? path : "/", "a part of this path %s", fault);
      free(path);
      return NULL;
    }
    part = slash ? slash + 1 : NULL;
  }
  return path;
}

static hid_t link_properties(const struct writing *writing, const char *path) {
  return writing->links[!ingot_h5_is_ascii(path)];
}

static void write_group(struct writing *writing) {
  char *path = take_path(writing, 0);
  if (!path) return;
  errno = 0;
  hid_t group = ingot_h5.Gcreate2(writing->file, path, link_properties(writing, path), H5P_DEFAULT, H5P_DEFAULT);
  if (group < 0) {
    ingot_h5_refuse_write(&writing->why, path, "the group can't be made");
  } else {
    ingot_h5.Gclose(group);
  }
  free(path);
}

static void write_attribute(struct writing *writing) {
  char *path = take_path(writing, 1);
  if (!path) return;
  const char *place = *path ? path : "/";
  struct ingot_h5_strings strings;
  if (!ingot_h5_take_strings(&strings, &writing->stream, place)) {
    errno = 0;
    hid_t object = ingot_h5.Oopen(writing->file, place, H5P_DEFAULT);
    if (object < 0) {
      ingot_h5_refuse_write(&writing->why, place, "there is no such object to have an attribute");
    } else {
      ingot_h5_put_strings(&strings, object, place, &writing->why);
      ingot_h5.Oclose(object);
    }
  }
  ingot_h5_free_strings(&strings);
  free(path);
}

/// Reads type and shape of a dataset.
static int take_facts(struct writing *writing, const char *path, struct ingot_h5_dataset *facts) {
  struct ingot_h5_refusal *why = &writing->why;
  memset(facts, 0, sizeof *facts);
  char *name = ingot_h5_take_string(&writing->stream, 16);
  if (!name) return why->status;
  facts->type = ingot_h5_type_named(name);
  free(name);
  if (!facts->type) return ingot_h5_refuse(why, INGOT_H5_BAD_DATA, path, "its element type is unknown");
  facts->rank = (int)ingot_h5_take_number(&writing->stream, 1);
  if (facts->rank > INGOT_HDF5_MAX_RANK) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, path, "%d dimensions: no more than %d are accepted", facts->rank, INGOT_HDF5_MAX_RANK);
  }
  facts->bytes = facts->type->size;
  for (int index = 0; index < facts->rank; index++) {
    facts->shape[index] = ingot_h5_take_number(&writing->stream, 8);
    facts->chunk[index] = 1;
    if (__builtin_mul_overflow(facts->bytes, (unsigned long long)facts->shape[index], &facts->bytes) ||
        facts->bytes > INGOT_HDF5_MAX_BYTES) {
      return ingot_h5_refuse(
          why, INGOT_H5_BAD_DATA, path, "its shape is too large: no more than %llu bytes are accepted",
          INGOT_HDF5_MAX_BYTES);
    }
  }
  return why->status;
}

/// A dataset while its elements are written.
struct elements {
  struct writing *writing;
  const char *path;
  hid_t dataset, datatype;
  void *bytes;
};

static int write_slab(hid_t memory, hid_t file, void *context) {
  struct elements *elements = context;
  errno = 0;
  if (ingot_h5.Dwrite(elements->dataset, elements->datatype, memory, file, H5P_DEFAULT, elements->bytes) >= 0) return 0;
  return ingot_h5_refuse_write(&elements->writing->why, elements->path, "its elements can't be written");
}

static void copy_elements(struct elements *elements, const struct ingot_h5_dataset *facts) {
  struct writing *writing = elements->writing;
  struct ingot_h5_slabs slabs;
  if (!ingot_h5_begin_slabs(&slabs, facts)) return;
  elements->bytes = malloc(slabs.bytes);
  if (!elements->bytes) {
    ingot_h5_refuse(&writing->why, INGOT_H5_BAD_DATA, elements->path, "there is not enough memory");
    return;
  }
  do {
    if (ingot_h5_take(&writing->stream, elements->bytes, slabs.bytes)) break;
    if (ingot_h5_with_slab(&slabs, elements->dataset, write_slab, elements) != 0) {
      ingot_h5_refuse_write(&writing->why, elements->path, "its elements can't be selected");
    }
  } while (!writing->why.status && ingot_h5_next_slab(&slabs));
  free(elements->bytes);
}

static void write_dataset(struct writing *writing) {
  char *path = take_path(writing, 0);
  if (!path) return;
  struct ingot_h5_dataset facts;
  if (!take_facts(writing, path, &facts)) {
    errno = 0;
    hid_t datatype = ingot_h5_make_datatype(facts.type);
    hid_t space = facts.rank ? ingot_h5.Screate_simple(facts.rank, facts.shape, NULL) : ingot_h5.Screate(H5S_SCALAR);
    hid_t dataset = -1;
    if (datatype >= 0 && space >= 0) {
      dataset = ingot_h5.Dcreate2(
          writing->file, path, datatype, space, link_properties(writing, path), writing->creation, H5P_DEFAULT);
    }
    if (dataset < 0) {
      ingot_h5_refuse_write(&writing->why, path, "the dataset can't be made");
    } else {
      struct elements elements = {.writing = writing, .path = path, .dataset = dataset, .datatype = datatype};
      copy_elements(&elements, &facts);
      errno = 0;
      if (ingot_h5.Dclose(dataset) < 0) ingot_h5_refuse_write(&writing->why, path, "the dataset can't be written");
    }
    if (space >= 0) ingot_h5.Sclose(space);
    if (datatype >= 0) ingot_h5.Tclose(datatype);
  }
  free(path);
}

static void write_records(struct writing *writing) {
  struct ingot_h5_stream *stream = &writing->stream;
  char magic[8];
  if (!ingot_h5_take(stream, magic, sizeof magic) && memcmp(magic, "INGOTH5\x01", sizeof magic) != 0) {
    ingot_h5_refuse_record(stream, "the records don't begin with INGOTH5 and version 1");
  }
  while (!writing->why.status) {
    int kind = (int)ingot_h5_take_number(stream, 1);
    if (writing->why.status) return;
    if (kind == 'G') {
      write_group(writing);
    } else if (kind == 'A') {
      write_attribute(writing);
    } else if (kind == 'D') {
      write_dataset(writing);
    } else if (kind == 'E') {
      if (!ingot_h5_is_at_end(stream)) ingot_h5_refuse_record(stream, "bytes follow the end of the records");
      return;
    } else {
      ingot_h5_refuse_record(stream, "a record is of no known kind");
    }
  }
}

/// Properties with which the same records make the same bytes: no times, and no difference between releases of the
/// library in the form of the file, which is the oldest that serves.
static int make_file(struct writing *writing, const char *path) {
  hid_t access = ingot_h5.Pcreate(*ingot_h5.P_CLS_FILE_ACCESS_ID);
  int is_ready = access >= 0 && ingot_h5.Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110) >= 0;
  for (int index = 0; index < 2; index++) {
    hid_t links = writing->links[index] = ingot_h5.Pcreate(*ingot_h5.P_CLS_LINK_CREATE_ID);
    is_ready = is_ready && links >= 0 && ingot_h5.Pset_create_intermediate_group(links, 1) >= 0 &&
               ingot_h5.Pset_char_encoding(links, index ? H5T_CSET_UTF8 : H5T_CSET_ASCII) >= 0;
  }
  hid_t creation = writing->creation = ingot_h5.Pcreate(*ingot_h5.P_CLS_DATASET_CREATE_ID);
  // Every element is written, so nothing has to be filled.
  is_ready = is_ready && creation >= 0 && ingot_h5.Pset_obj_track_times(creation, 0) >= 0 &&
             ingot_h5.Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0 &&
             ingot_h5.Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0;
  if (!is_ready) {
    ingot_h5_refuse_library(&writing->why, INGOT_H5_UNAVAILABLE, "libhdf5", "the library can't be set up");
  } else {
    errno = 0;
    writing->file = ingot_h5.Fcreate(path, 2 /* H5F_ACC_TRUNC, of which the macro calls the library */, 0, access);
    if (writing->file < 0) {
      ingot_h5_refuse(
          &writing->why, INGOT_H5_CANNOT_CREATE, "file", "it can't be created%s%s", errno ? ": " : "",
          errno ? strerror(errno) : "");
    }
  }
  if (access >= 0) ingot_h5.Pclose(access);
  return writing->why.status;
}

static void finish(struct writing *writing) {
  for (int index = 0; index < 2; index++) {
    if (writing->links[index] >= 0) ingot_h5.Pclose(writing->links[index]);
  }
  if (writing->creation >= 0) ingot_h5.Pclose(writing->creation);
  errno = 0;
  if (writing->file >= 0 && ingot_h5.Fclose(writing->file) < 0) {
    ingot_h5_refuse_write(&writing->why, "file", "it can't be written to its end");
  }
}

int ingot_hdf5_write(const char *path, int input) {
  struct writing *writing = calloc(1, sizeof *writing);
  if (!writing) return INGOT_H5_BAD_DATA;
  writing->file = writing->links[0] = writing->links[1] = writing->creation = -1;
  writing->stream.descriptor = input;
  writing->stream.why = &writing->why;
  if (!ingot_h5_load(&writing->why)) {
    if (!make_file(writing, path)) write_records(writing);
    finish(writing);
  }
  int status = writing->why.status ? ingot_h5_report(&writing->why) : 0;
  free(writing);
  return status;
}
