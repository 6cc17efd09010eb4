// PNG by libpng, which unpacks, unfilters and deinterlaces. Chunks and colors are handled here, as Pillow 13.0.0 does
// (PngImagePlugin.py): it checks the checksums of all chunks before the pixels and of none after, takes no notice of
// color spaces, and drops alpha and transparency.

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "image_job.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGB_ALPHA = 6 };

/// What libpng gets to read: a file of the header, the image data and an end, with nothing else in it.
enum stage { BEGINNING, CHUNK_HEADER, CHUNK_DATA, CHUNK_END, ENDING, NOTHING };

struct png_reader {
  struct ingot_image_job *job;
  uint32_t width, height;
  int depth, color, is_interlaced;
  /// The part of the picture that the image data are for: all of it, unless this is an animation that begins with less.
  uint32_t x, y, part_width, part_height;
  uint8_t palette[256][3];
  int has_animation;
  uint32_t frames;
  /// The next frame's number in the sequence.
  uint32_t sequence;
  /// Where the first chunk of image data begins.
  size_t data;

  enum stage stage;
  /// Bytes to give at once, and where those after them come from.
  const uint8_t *next;
  size_t left, position;
  uint8_t beginning[8 + 25 + 15], chunk_header[8];

  png_structp png;
  png_infop info;
  jmp_buf failed;
  /// Rows of samples, where they are not RGB.
  uint8_t *samples;
  int status;
};

static int refuse(struct png_reader *reader, const char *reason) {
  return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "PNG: %s", reason);
}

static int refuse_cut_short(struct png_reader *reader) {
  return refuse(reader, "the file ends before the image does");
}

/// One chunk; `size` is what it says, `data` is inside of the file as far as that goes.
struct chunk {
  const uint8_t *name, *data;
  size_t size;
};

static int is_named(const struct chunk *chunk, const char *name) { return memcmp(chunk->name, name, 4) == 0; }

/// Finds the chunk at a position. Returns 0 where the file ends or there is none.
static int find_chunk(const struct ingot_image_job *job, size_t position, struct chunk *chunk) {
  if (position > job->count || job->count - position < 8) return 0;
  const uint8_t *bytes = job->bytes + position;
  *chunk = (struct chunk){bytes + 4, bytes + 8, ingot_big32(bytes)};
  for (int index = 0; index < 4; index++) {
    uint8_t letter = chunk->name[index];
    if (!((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
          letter == '_')) {
      return 0;
    }
  }
  return 1;
}

static size_t bytes_after_header(const struct ingot_image_job *job, const struct chunk *chunk) {
  return job->count - (size_t)(chunk->data - job->bytes);
}

static int has_checksum(const struct ingot_image_job *job, const struct chunk *chunk) {
  if (bytes_after_header(job, chunk) - chunk->size < 4) return 0;
  static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  uint32_t sum = 0xffffffff;
  for (size_t index = 0; index < chunk->size + 4; index++) {
    sum ^= chunk->name[index];
    sum = sum >> 4 ^ table[sum & 15];
    sum = sum >> 4 ^ table[sum & 15];
  }
  return ~sum == ingot_big32(chunk->data + chunk->size);
}

static int read_header(struct png_reader *reader, const struct chunk *chunk) {
  const uint8_t *data = chunk->data;
  if (chunk->size < 13) return refuse(reader, "the header is cut short");
  reader->width = reader->part_width = ingot_big32(data);
  reader->height = reader->part_height = ingot_big32(data + 4);
  reader->depth = data[8];
  reader->color = data[9];
  reader->is_interlaced = data[12] != 0;
  if (data[11] != 0) return refuse(reader, "this kind of filter is not supported");
  int depth = reader->depth, is_byte = depth == 8 || depth == 16, is_less = depth == 1 || depth == 2 || depth == 4;
  int is_known = reader->color == GREY        ? is_byte || is_less
                 : reader->color == PALETTE   ? depth == 8 || is_less
                 : reader->color == RGB       ? is_byte
                 : reader->color == GREY_ALPHA ? is_byte
                 : reader->color == RGB_ALPHA ? is_byte
                                              : 0;
  if (!is_known) {
    return ingot_image_refuse(
        reader->job, INGOT_IMAGE_BAD_DATA, "PNG: color type %d with %d bits is not supported", reader->color, depth);
  }
  return ingot_image_check_size(reader->job, reader->width, reader->height);
}

static int read_palette(struct png_reader *reader, const struct chunk *chunk) {
  if (reader->color != PALETTE) return 0;
  if (chunk->size / 3 > 256) return refuse(reader, "the palette is too large");
  memset(reader->palette, 0, sizeof reader->palette);
  memcpy(reader->palette, chunk->data, chunk->size / 3 * 3);
  return 0;
}

/// A frame of an animation, of which the first may be the image that is read.
static int read_frame(struct png_reader *reader, const struct chunk *chunk) {
  if (chunk->size < 26) return refuse(reader, "an animation's frame is cut short");
  const uint8_t *data = chunk->data;
  if (ingot_big32(data) != reader->sequence) return refuse(reader, "an animation's frames are out of order");
  reader->sequence++;
  uint32_t width = ingot_big32(data + 4), height = ingot_big32(data + 8);
  uint32_t x = ingot_big32(data + 12), y = ingot_big32(data + 16);
  if (x > reader->width || width > reader->width - x || y > reader->height || height > reader->height - y) {
    return refuse(reader, "an animation's frame lies outside of the image");
  }
  reader->x = x;
  reader->y = y;
  reader->part_width = width;
  reader->part_height = height;
  return 0;
}

/// Reads what counts of a chunk, and refuses what Pillow refuses.
static int read_chunk(struct png_reader *reader, const struct chunk *chunk, int is_before_data) {
  static const struct {
    const char *name;
    size_t least;
  } least[] = {{"gAMA", 4}, {"cHRM", 32}, {"sRGB", 1}, {"pHYs", 9}, {"acTL", 8}};
  for (size_t index = 0; index < sizeof least / sizeof least[0]; index++) {
    if (is_named(chunk, least[index].name) && chunk->size < least[index].least) {
      return ingot_image_refuse(
          reader->job, INGOT_IMAGE_BAD_DATA, "PNG: the chunk %s is cut short", least[index].name);
    }
  }
  if (is_named(chunk, "tRNS") && reader->color != PALETTE && reader->color < GREY_ALPHA &&
      chunk->size < (reader->color == RGB ? 6 : 2)) {
    return refuse(reader, "the chunk tRNS is cut short");
  }
  if (is_named(chunk, "acTL")) {
    uint32_t frames = ingot_big32(chunk->data);
    reader->frames = reader->has_animation || frames > 0x80000000 ? 0 : frames;
    reader->has_animation = reader->frames > 0;
  }
  if (is_named(chunk, "fcTL")) {
    uint32_t kept[4] = {reader->x, reader->y, reader->part_width, reader->part_height};
    int status = read_frame(reader, chunk);
    if (!is_before_data) {
      reader->x = kept[0];
      reader->y = kept[1];
      reader->part_width = kept[2];
      reader->part_height = kept[3];
    }
    return status;
  }
  if (is_before_data && is_named(chunk, "IHDR")) return read_header(reader, chunk);
  if (is_before_data && is_named(chunk, "PLTE")) return read_palette(reader, chunk);
  return 0;
}

/// Reads all chunks before the image data.
static int read_beginning(struct png_reader *reader) {
  size_t position = 8;
  for (;;) {
    struct chunk chunk;
    if (!find_chunk(reader->job, position, &chunk)) {
      return position > reader->job->count || reader->job->count - position < 8 ? refuse_cut_short(reader)
                                                                                 : refuse(reader, "a chunk is damaged");
    }
    if (is_named(&chunk, "IDAT")) break;
    if (is_named(&chunk, "IEND") || is_named(&chunk, "fdAT")) return refuse(reader, "there is no image in it");
    if (chunk.size > bytes_after_header(reader->job, &chunk)) return refuse_cut_short(reader);
    int status = read_chunk(reader, &chunk, 1);
    if (status) return status;
    if (!has_checksum(reader->job, &chunk)) {
      return ingot_image_refuse(
          reader->job, INGOT_IMAGE_BAD_DATA, "PNG: the checksum of the chunk %.4s is wrong", (const char *)chunk.name);
    }
    position += chunk.size + 12;
  }
  reader->data = position;
  if (reader->width == 0) return refuse(reader, "there is no header");
  if (reader->part_width == 0 || reader->part_height == 0) return refuse(reader, "an animation's frame has no pixels");
  return 0;
}

/// Walks over what comes after the image data, where Pillow stumbles over chunks that are cut short.
static int read_ending(struct png_reader *reader) {
  size_t position = reader->data;
  for (struct chunk chunk; find_chunk(reader->job, position, &chunk); position += chunk.size + 12) {
    size_t rest = bytes_after_header(reader->job, &chunk);
    if (is_named(&chunk, "IEND")) break;
    if (is_named(&chunk, "fcTL") && reader->has_animation && reader->frames > 1) break;
    int is_data = is_named(&chunk, "IDAT");
    if (chunk.size > rest) {
      // The image data are allowed to be: there were enough of them.
      return is_data ? 0 : refuse_cut_short(reader);
    }
    int status = is_data ? 0 : read_chunk(reader, &chunk, 0);
    if (status) return status;
  }
  return 0;
}

static void put_big32(uint8_t *bytes, uint32_t value) {
  for (int index = 0; index < 4; index++) bytes[index] = (uint8_t)(value >> (24 - 8 * index));
}

static const uint8_t zeros[4];
static const uint8_t ending[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D'};

/// Goes on to the next piece of what libpng reads.
static void advance(struct png_reader *reader) {
  struct chunk chunk;
  int is_data = reader->stage < ENDING && find_chunk(reader->job, reader->position, &chunk) && is_named(&chunk, "IDAT");
  if (reader->stage == BEGINNING || reader->stage == CHUNK_END) {
    if (!is_data) {
      reader->stage = ENDING;
      reader->next = ending;
      reader->left = sizeof ending;
      return;
    }
    size_t rest = bytes_after_header(reader->job, &chunk), size = chunk.size < rest ? chunk.size : rest;
    put_big32(reader->chunk_header, (uint32_t)size);
    memcpy(reader->chunk_header + 4, "IDAT", 4);
    reader->stage = CHUNK_HEADER;
    reader->next = reader->chunk_header;
    reader->left = 8;
  } else if (reader->stage == CHUNK_HEADER) {
    reader->stage = CHUNK_DATA;
    reader->next = chunk.data;
    reader->left = ingot_big32(reader->chunk_header);
  } else if (reader->stage == CHUNK_DATA) {
    reader->stage = CHUNK_END;
    reader->next = zeros;
    reader->left = 4;
    reader->position += chunk.size + 12;
  } else {
    reader->stage = NOTHING;
  }
}

static void give(png_structp png, png_bytep bytes, size_t count) {
  struct png_reader *reader = png_get_io_ptr(png);
  while (count > 0) {
    if (reader->left == 0) advance(reader);
    if (reader->stage == NOTHING) png_error(png, "the file ends before the image does");
    size_t got = reader->left < count ? reader->left : count;
    memcpy(bytes, reader->next, got);
    reader->next += got;
    reader->left -= got;
    bytes += got;
    count -= got;
  }
}

static void fail(png_structp png, png_const_charp message) {
  struct png_reader *reader = png_get_error_ptr(png);
  if (reader->stage >= ENDING) {
    reader->status = refuse_cut_short(reader);
  } else if (strstr(message, "emory")) {
    reader->status = ingot_image_no_memory(reader->job);
  } else {
    reader->status = ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "PNG: %s", message);
  }
  longjmp(reader->failed, 1);
}

static void keep_quiet(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

/// Writes the header that libpng reads: that of the file, with the size of the part.
static void make_beginning(struct png_reader *reader) {
  uint8_t *bytes = reader->beginning;
  memcpy(bytes, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  put_big32(bytes + 16, reader->part_width);
  put_big32(bytes + 20, reader->part_height);
  bytes[24] = (uint8_t)reader->depth;
  bytes[25] = (uint8_t)reader->color;
  bytes[28] = (uint8_t)reader->is_interlaced;
  size_t count = 33;
  if (reader->color == PALETTE) {
    // A palette there must be; the colors are looked up elsewhere.
    memcpy(bytes + count, "\0\0\0\3PLTE", 8);
    count += 15;
  }
  reader->next = bytes;
  reader->left = count;
  reader->position = reader->data;
  reader->stage = BEGINNING;
}

static void convert_row(const struct png_reader *reader, const uint8_t *samples, uint8_t *rgb) {
  int is_wide_grey = reader->color == GREY && reader->depth == 16;
  int factor = reader->color != GREY || reader->depth > 4 ? 1 : 255 / ((1 << reader->depth) - 1);
  for (uint32_t x = 0; x < reader->part_width; x++) {
    if (reader->color == PALETTE) {
      memcpy(rgb + 3 * (size_t)x, reader->palette[samples[x]], 3);
    } else if (is_wide_grey) {
      // Pillow does not scale these: what is above 255 is white.
      memset(rgb + 3 * (size_t)x, samples[2 * (size_t)x] ? 255 : samples[2 * (size_t)x + 1], 3);
    } else {
      memset(rgb + 3 * (size_t)x, samples[x] * factor, 3);
    }
  }
}

/// Reads the pixels. What fails inside the library ends in `longjmp`, so that nothing here may be kept in a variable.
static int read_pixels(struct png_reader *reader) {
  png_structp png = reader->png;
  png_set_read_fn(png, reader, give);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
  png_set_benign_errors(png, 1);
  make_beginning(reader);
  png_read_info(png, reader->info);
  // Samples of 16 bits lose their lower 8, except for grey without alpha; see `convert_row`.
  if (reader->depth == 16 && reader->color != GREY) png_set_strip_16(png);
  if (reader->color == GREY_ALPHA || reader->color == RGB_ALPHA) png_set_strip_alpha(png);
  if (reader->depth < 8) png_set_packing(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);

  int is_rgb = reader->color == RGB || reader->color == RGB_ALPHA;
  size_t row_bytes = png_get_rowbytes(png, reader->info);
  size_t expected = (size_t)reader->part_width * (is_rgb ? 3 : reader->color == GREY && reader->depth == 16 ? 2 : 1);
  if (row_bytes != expected) return refuse(reader, "libpng unpacks the image differently from what was asked");

  int status = ingot_image_allocate(reader->job, reader->width, reader->height);
  if (status) return status;
  ingot_picture *picture = reader->job->picture;
  uint8_t *part = picture->pixels + ((size_t)reader->y * picture->width + reader->x) * 3;
  if (is_rgb) {
    for (int pass = 0; pass < passes; pass++) {
      for (uint32_t y = 0; y < reader->part_height; y++) png_read_row(png, part + y * picture->width * 3, NULL);
    }
    return 0;
  }
  // All rows at once where several passes need them, else one.
  size_t rows = passes > 1 ? reader->part_height : 1;
  reader->samples = calloc(rows, row_bytes);
  if (!reader->samples) return ingot_image_no_memory(reader->job);
  for (int pass = 0; pass < passes; pass++) {
    for (uint32_t y = 0; y < reader->part_height; y++) {
      uint8_t *samples = reader->samples + (passes > 1 ? y * row_bytes : 0);
      png_read_row(png, samples, NULL);
      if (pass == passes - 1) convert_row(reader, samples, part + y * picture->width * 3);
    }
  }
  return 0;
}

int ingot_image_read_png(struct ingot_image_job *job) {
  // On the heap: after `longjmp` this is the only state that counts, and none of it is in a register.
  struct png_reader *const reader = calloc(1, sizeof *reader);
  if (!reader) return ingot_image_no_memory(job);
  reader->job = job;
  reader->status = read_beginning(reader);
  if (reader->status == 0 && setjmp(reader->failed) == 0) {
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, keep_quiet);
    reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
    reader->status = reader->info ? read_pixels(reader) : ingot_image_no_memory(job);
    if (reader->status == 0) reader->status = read_ending(reader);
  }
  int status = reader->status;
  if (reader->png) png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader->samples);
  free(reader);
  return status;
}
