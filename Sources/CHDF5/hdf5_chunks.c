#include "hdf5_chunks.h"

#include <stdlib.h>
#include <string.h>

/// Finds the fill value, as it is stored. None at all means zeros.
static int find_fill(struct ingot_h5_chunks *chunks, hid_t datatype) {
  hid_t creation = ingot_h5.Dget_create_plist(chunks->dataset);
  H5D_fill_value_t defined = H5D_FILL_VALUE_ERROR;
  int is_read = creation >= 0 && ingot_h5.Pfill_value_defined(creation, &defined) >= 0 &&
                (defined == H5D_FILL_VALUE_UNDEFINED ||
                 ingot_h5.Pget_fill_value(creation, datatype, chunks->fill) >= 0);
  if (!is_read) ingot_h5_refuse_read(chunks->source, chunks->why, chunks->name, "the fill value can't be read");
  if (creation >= 0) ingot_h5.Pclose(creation);
  return chunks->why->status;
}

int ingot_h5_open_chunks(
    struct ingot_h5_chunks *chunks, const struct ingot_h5_source *source, hid_t dataset, hid_t datatype,
    const char *name, const struct ingot_h5_dataset *facts, struct ingot_h5_refusal *why) {
  *chunks = (struct ingot_h5_chunks){
      .source = source, .name = name, .dataset = dataset, .facts = facts, .why = why, .bytes = facts->type->size};
  for (int index = 0; index < facts->rank; index++) chunks->bytes *= facts->chunk[index];
  if (find_fill(chunks, datatype)) return why->status;
  for (int index = 0; index < 2; index++) {
    chunks->room[index] = malloc(ingot_h5_filter_room(chunks->bytes));
    if (!chunks->room[index]) return ingot_h5_refuse(why, INGOT_H5_BAD_DATA, name, "there is not enough memory (limit hdf5-memory)");
  }
  return 0;
}

void ingot_h5_close_chunks(struct ingot_h5_chunks *chunks) {
  free(chunks->room[0]);
  free(chunks->room[1]);
}

/// Finds how many bytes the chunk that begins at `origin` takes in the file; 0 if it was never written. Returns 0 or a
/// status.
static int find_chunk(struct ingot_h5_chunks *chunks, const hsize_t *origin, hsize_t *stored) {
  *stored = 0;
  if (ingot_h5.Dget_chunk_storage_size(chunks->dataset, origin, stored) >= 0) return 0;
  // For a chunk that isn't there this may be an error, which only its words tell from others. H5Dget_chunk_info_by_coord
  // is no help: in release 1.10 it takes one chunk for another where other dimensions than the first are unlimited.
  char message[INGOT_H5_MESSAGE];
  ingot_h5_innermost_message(message);
  if (strcmp(message, "chunk storage is not allocated") == 0) return 0;
  return ingot_h5_refuse_read(chunks->source, chunks->why, chunks->name, "a chunk can't be found");
}

/// Reads and unpacks the chunk that begins at `origin`. NULL if it was never written, or is refused.
static const unsigned char *read_chunk(struct ingot_h5_chunks *chunks, const hsize_t *origin) {
  hsize_t stored;
  uint32_t skipped = 0;
  if (find_chunk(chunks, origin, &stored)) return NULL;
  if (stored == 0) return NULL;
  if (stored > ingot_h5_filter_room(chunks->bytes)) {
    ingot_h5_refuse(
        chunks->why, INGOT_H5_BAD_DATA, chunks->name, "a chunk of %zu bytes takes %llu in the file", chunks->bytes,
        (unsigned long long)stored);
    return NULL;
  }
  if (ingot_h5.Dread_chunk(chunks->dataset, H5P_DEFAULT, origin, &skipped, chunks->room[0]) < 0) {
    ingot_h5_refuse_read(chunks->source, chunks->why, chunks->name, "a chunk can't be read");
    return NULL;
  }
  return ingot_h5_unpack(
      &chunks->facts->filters, skipped, chunks->room[0], (size_t)stored, chunks->room[1], chunks->bytes,
      chunks->facts->type->size, chunks->name, chunks->why);
}

/// The part of a dimension that a chunk and a slab have in common.
struct overlap {
  hsize_t first, count;
};

/// Copies what a chunk (NULL: its fill value) and a slab have in common into the slab.
static void copy_chunk(
    const struct ingot_h5_chunks *chunks, const unsigned char *chunk, const hsize_t *origin, const hsize_t *start,
    const hsize_t *counts, unsigned char *elements) {
  int rank = chunks->facts->rank;
  const hsize_t *lengths = chunks->facts->chunk;
  size_t size = chunks->facts->type->size;
  struct overlap overlap[INGOT_HDF5_MAX_RANK];
  hsize_t place[INGOT_HDF5_MAX_RANK];
  for (int index = 0; index < rank; index++) {
    hsize_t end = start[index] + counts[index], chunk_end = origin[index] + lengths[index];
    overlap[index].first = place[index] = origin[index] > start[index] ? origin[index] : start[index];
    overlap[index].count = (chunk_end < end ? chunk_end : end) - overlap[index].first;
  }
  int last = rank - 1;
  for (;;) {
    // A row: all that is in common in the last dimension.
    size_t from = 0, to = 0;
    for (int index = 0; index < rank; index++) {
      from = from * lengths[index] + (place[index] - origin[index]);
      to = to * counts[index] + (place[index] - start[index]);
    }
    size_t row = overlap[last].count;
    if (chunk) {
      memcpy(elements + to * size, chunk + from * size, row * size);
    } else {
      for (size_t element = 0; element < row; element++) memcpy(elements + (to + element) * size, chunks->fill, size);
    }
    int index = last - 1;
    while (index >= 0 && ++place[index] == overlap[index].first + overlap[index].count) {
      place[index] = overlap[index].first;
      index--;
    }
    if (index < 0) return;
  }
}

int ingot_h5_read_chunks(
    struct ingot_h5_chunks *chunks, const hsize_t *start, const hsize_t *counts, unsigned char *elements) {
  int rank = chunks->facts->rank;
  const hsize_t *lengths = chunks->facts->chunk;
  hsize_t origin[INGOT_HDF5_MAX_RANK];
  for (int index = 0; index < rank; index++) origin[index] = start[index] / lengths[index] * lengths[index];
  for (;;) {
    const unsigned char *chunk = read_chunk(chunks, origin);
    if (chunks->why->status) return chunks->why->status;
    copy_chunk(chunks, chunk, origin, start, counts, elements);
    int index = rank - 1;
    while (index >= 0 && (origin[index] += lengths[index]) >= start[index] + counts[index]) {
      origin[index] = start[index] / lengths[index] * lengths[index];
      index--;
    }
    if (index < 0) return 0;
  }
}
