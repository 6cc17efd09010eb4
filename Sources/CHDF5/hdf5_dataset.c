#include "hdf5_dataset.h"

#include <string.h>

#include "hdf5_limits.h"

int ingot_h5_check_link(int type, const char *place, struct ingot_h5_refusal *why) {
  switch (type) {
  case H5L_TYPE_HARD:
  case H5L_TYPE_SOFT:
    return 0;
  case H5L_TYPE_EXTERNAL:
    return ingot_h5_set_aside(why, place, "a link to another file, which isn't followed");
  default:
    return ingot_h5_set_aside(why, place, "a link of type %d, which isn't followed", type);
  }
}

/// Whether datasets of so many bytes can be what the file means.
static int is_plausible(const struct ingot_h5_source *source, unsigned long long bytes) {
  return bytes <= INGOT_HDF5_FREE_BYTES ||
         (bytes - INGOT_HDF5_FREE_BYTES) / ingot_h5_limits.expansion <= source->length;
}

int ingot_h5_check_total(
    const struct ingot_h5_source *source, unsigned long long bytes, const char *place, struct ingot_h5_refusal *why) {
  if (is_plausible(source, bytes)) return 0;
  return ingot_h5_refuse(
      why, INGOT_H5_BAD_DATA, place, "with it %llu bytes of elements are declared: no file of %llu bytes "
      "can hold them (limit hdf5-expansion)",
      bytes, source->length);
}

int ingot_h5_check_names(
    const struct ingot_h5_source *source, unsigned long long bytes, const char *place, struct ingot_h5_refusal *why) {
  if (is_plausible(source, bytes)) return 0;
  return ingot_h5_refuse(
      why, INGOT_H5_BAD_DATA, place, "with this further name of it, a file of %llu bytes lists %llu bytes of elements "
      "(limit hdf5-expansion)",
      source->length, bytes);
}

/// Finds shape and size in bytes.
static int find_shape(
    const struct ingot_h5_source *source, hid_t dataset, const char *name, H5D_layout_t layout,
    struct ingot_h5_dataset *facts, struct ingot_h5_refusal *why) {
  hid_t space = ingot_h5.Dget_space(dataset);
  if (space < 0) return ingot_h5_refuse_read(source, why, name, "the shape can't be read");
  hsize_t shape[H5S_MAX_RANK];
  int rank = -1;
  H5S_class_t class = ingot_h5.Sget_simple_extent_type(space);
  if (class == H5S_SCALAR || class == H5S_SIMPLE) {
    rank = ingot_h5.Sget_simple_extent_ndims(space);
    // The library never has more dimensions than this; a check all the same before it fills `shape`.
    if (rank > H5S_MAX_RANK || ingot_h5.Sget_simple_extent_dims(space, shape, NULL) != rank) rank = -1;
  }
  ingot_h5.Sclose(space);
  if (class == H5S_NULL) return ingot_h5_set_aside(why, name, "it has no elements and no shape (null)");
  if (rank < 0) return ingot_h5_refuse_read(source, why, name, "the shape can't be read");
  if (rank > INGOT_HDF5_MAX_RANK) {
    return ingot_h5_set_aside(
        why, name, "%d dimensions: no more than %d are accepted", rank, INGOT_HDF5_MAX_RANK);
  }
  facts->rank = rank;
  // Dimensions of 0 are left out of the product that must not overflow, so that their place makes no difference.
  unsigned long long product = facts->type->size;
  int is_empty = 0;
  for (int index = 0; index < rank; index++) {
    facts->shape[index] = shape[index];
    if (shape[index] == 0) {
      is_empty = 1;
    } else if (__builtin_mul_overflow(product, (unsigned long long)shape[index], &product) || product >> 63) {
      // Chunks can be few, whatever the shape; other data can't be there.
      ingot_h5_refuse(why, INGOT_H5_BAD_DATA, name, "the shape is too large: its bytes don't fit in 63 bits");
      why->is_aside = layout == H5D_CHUNKED;
      return why->status;
    }
  }
  facts->bytes = is_empty ? 0 : product;
  if (facts->bytes > INGOT_HDF5_MAX_BYTES) {
    return ingot_h5_set_aside(
        why, name, "%llu bytes: no more than %llu are accepted", facts->bytes, INGOT_HDF5_MAX_BYTES);
  }
  return 0;
}

static int find_filters(
    const struct ingot_h5_source *source, hid_t creation, const char *name, struct ingot_h5_dataset *facts,
    struct ingot_h5_refusal *why) {
  int count = ingot_h5.Pget_nfilters(creation);
  if (count < 0) return ingot_h5_refuse_read(source, why, name, "the filters can't be read");
  for (int index = 0; index < count; index++) {
    unsigned flags, values[1] = {0}, configuration;
    size_t value_count = 1;
    char label[64] = "";
    int filter = ingot_h5.Pget_filter2(
        creation, (unsigned)index, &flags, &value_count, values, sizeof label, label, &configuration);
    if (filter < 0) return ingot_h5_refuse_read(source, why, name, "the filters can't be read");
    if (filter != INGOT_H5_DEFLATE && filter != INGOT_H5_SHUFFLE && filter != INGOT_H5_FLETCHER32 &&
        filter != INGOT_H5_LZF) {
      return ingot_h5_set_aside(
          why, name, "filter %d (%.40s): only deflate (1), shuffle (2), fletcher32 (3) and lzf (32000) are read",
          filter, label[0] ? label : "of no name");
    }
    if (filter == INGOT_H5_SHUFFLE && values[0] != facts->type->size) {
      return ingot_h5_refuse(
          why, INGOT_H5_BAD_DATA, name, "the shuffle filter takes elements for %u bytes, and they have %u", values[0],
          facts->type->size);
    }
    // Deflated twice, little can unpack to very much.
    for (int other = 0; other < facts->filters.count; other++) {
      if (facts->filters.numbers[other] != filter) continue;
      return ingot_h5_set_aside(why, name, "filter %d stands there twice", filter);
    }
    facts->filters.numbers[facts->filters.count++] = filter;
  }
  return 0;
}

static int find_chunk(
    const struct ingot_h5_source *source, hid_t creation, const char *name, struct ingot_h5_dataset *facts,
    struct ingot_h5_refusal *why) {
  hsize_t chunk[H5S_MAX_RANK];
  if (ingot_h5.Pget_chunk(creation, H5S_MAX_RANK, chunk) != facts->rank) {
    return ingot_h5_refuse_read(source, why, name, "the chunks don't have the dimensions of the whole");
  }
  unsigned long long bytes = facts->type->size;
  for (int index = 0; index < facts->rank; index++) {
    facts->chunk[index] = chunk[index];
    if (__builtin_mul_overflow(bytes, (unsigned long long)chunk[index], &bytes) || bytes == 0 ||
        bytes > ingot_h5_limits.chunk) {
      return ingot_h5_set_aside(
          why, name, "the chunks are empty or larger than %llu bytes (limit hdf5-chunk)", ingot_h5_limits.chunk);
    }
  }
  unsigned options = 0;
  if (ingot_h5.Pget_chunk_opts(creation, &options) < 0 || options != 0) {
    return ingot_h5_set_aside(why, name, "chunk options (%u) are not accepted", options);
  }
  facts->is_chunked = 1;
  return 0;
}

/// Checks data that stand in one piece, in the file or in the dataset's own header, and finds out where.
static int find_piece(
    const struct ingot_h5_source *source, hid_t dataset, const char *name, H5D_layout_t layout,
    struct ingot_h5_dataset *facts, struct ingot_h5_refusal *why) {
  haddr_t offset = layout == H5D_CONTIGUOUS ? ingot_h5.Dget_offset(dataset) : HADDR_UNDEF;
  if (layout == H5D_CONTIGUOUS && offset == HADDR_UNDEF) return 0;  // never written: it consists of its fill value
  unsigned long long stored = ingot_h5.Dget_storage_size(dataset);
  if (stored < facts->bytes) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, name, "the shape needs %llu bytes and %llu are stored", facts->bytes, stored);
  }
  if (layout == H5D_COMPACT || facts->bytes == 0) return 0;
  if (offset > source->length || facts->bytes > source->length - offset) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, name, "its %llu bytes at byte %llu go past the end of the HDF5 data, which is at %llu",
        facts->bytes, (unsigned long long)offset, source->length);
  }
  if (offset < source->superblock_end) {
    return ingot_h5_refuse(
        why, INGOT_H5_BAD_DATA, name, "its elements can't be read: they would stand where the superblock is");
  }
  // Bools are left to `ingot_hdf5_read`, which looks at every byte.
  if (!facts->is_big_endian && facts->type->kind != INGOT_H5_BOOL) facts->offset = source->base + offset;
  return 0;
}

/// Checks how the elements are stored, by the properties the dataset was made with.
static int check_storage(
    const struct ingot_h5_source *source, hid_t dataset, hid_t creation, const char *name,
    struct ingot_h5_dataset *facts, struct ingot_h5_refusal *why) {
  H5D_layout_t layout = ingot_h5.Pget_layout(creation);
  // Both before the shape is asked for, to answer which the library would look for the other files.
  if (layout == H5D_VIRTUAL) {
    return ingot_h5_set_aside(why, name, "a virtual dataset, put together from others");
  }
  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED) {
    return ingot_h5_refuse_read(source, why, name, "its layout can't be read");
  }
  if (ingot_h5.Pget_external_count(creation) != 0) {
    return ingot_h5_set_aside(why, name, "its elements are stored in other files");
  }
  int status = find_shape(source, dataset, name, layout, facts, why);
  if (!status) status = find_filters(source, creation, name, facts, why);
  if (status) return status;
  if (layout == H5D_CHUNKED) return find_chunk(source, creation, name, facts, why);
  if (facts->filters.count != 0) {
    return ingot_h5_set_aside(why, name, "it has filters, which only chunked data can have");
  }
  return find_piece(source, dataset, name, layout, facts, why);
}

int ingot_h5_examine(
    const struct ingot_h5_source *source, hid_t dataset, const char *name, struct ingot_h5_dataset *facts,
    struct ingot_h5_refusal *why) {
  memset(facts, 0, sizeof *facts);
  for (int index = 0; index < INGOT_HDF5_MAX_RANK; index++) facts->chunk[index] = 1;
  hid_t datatype = ingot_h5.Dget_type(dataset);
  if (datatype < 0) return ingot_h5_refuse_read(source, why, name, "the element type can't be read");
  int status = ingot_h5_find_type(datatype, dataset, name, &facts->type, &facts->is_big_endian, why);
  ingot_h5.Tclose(datatype);
  if (status) return status;
  hid_t creation = ingot_h5.Dget_create_plist(dataset);
  if (creation < 0) return ingot_h5_refuse_read(source, why, name, "the properties can't be read");
  status = check_storage(source, dataset, creation, name, facts, why);
  ingot_h5.Pclose(creation);
  return status;
}
