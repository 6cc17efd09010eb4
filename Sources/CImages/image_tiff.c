// TIFF by libtiff: the first image, with colors as in Pillow 13.0.0 (TiffImagePlugin.py, src/libImaging/TiffDecode.c).

#include <stdlib.h>
#include <string.h>

#include "image_tiff.h"

#pragma STDC FP_CONTRACT OFF

static uint16_t load16(const uint8_t *bytes) {
  uint16_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

static uint8_t clip(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

static uint8_t clip_float(const uint8_t *bytes) {
  float value;
  memcpy(&value, bytes, sizeof value);
  // What is not a number becomes 0.
  return (uint8_t)(!(value > 0) ? 0 : value >= 255 ? 255 : (int)value);
}

/// A number with 6 binary places, rounded the way it is in Pillow's tables: halves up, but towards 0 below 0.
static int fixed(double number) { return (int)(number * 64 + 0.5); }

/// YCbCr as Pillow converts it (src/libImaging/ConvertYCbCr.c).
static void convert_ycbcr(uint8_t *rgb, int y, int cb, int cr) {
  cb -= 128;
  cr -= 128;
  int red = fixed(1.402 * cr), blue = fixed(1.772 * cb), green = fixed(-0.34414 * cb) + fixed(-0.71414 * cr);
  rgb[0] = clip(y + (red >> 6));
  rgb[1] = clip(y + (green >> 6));
  rgb[2] = clip(y + (blue >> 6));
}

/// Converts a row of one-sample pixels; `step` is the bytes from one to the next where they are whole bytes.
static void convert_single(
    const struct tiff_reader *reader, const uint8_t *row, size_t step, uint32_t count, uint8_t *rgb) {
  for (uint32_t x = 0; x < count; x++, rgb += 3) {
    size_t bit = (size_t)x * reader->bits;
    int shade;
    switch (reader->kind) {
    case GREY12: {
      const uint8_t *bytes = row + bit / 8;
      int value = x % 2 ? (bytes[0] & 15) << 8 | bytes[1] : bytes[0] << 4 | bytes[1] >> 4;
      shade = clip(value);
      break;
    }
    case GREY16:
      shade = clip(load16(row + x * step));
      break;
    case GREY16_SIGNED:
      shade = clip((int16_t)load16(row + x * step));
      break;
    case GREY32_SIGNED: {
      int32_t value;
      memcpy(&value, row + x * step, sizeof value);
      shade = clip(value);
      break;
    }
    case GREY_FLOAT:
      shade = clip_float(row + x * step);
      break;
    default: {
      int index = reader->bits == 8 ? row[x * step]
                                    : row[bit / 8] >> (8 - reader->bits - bit % 8) & ((1 << reader->bits) - 1);
      memcpy(rgb, reader->palette[index], 3);
      continue;
    }
    }
    memset(rgb, shade, 3);
  }
}

/// Converts a row of pixels with several samples. Of 16 bits the upper 8 count.
static void convert_several(
    const struct tiff_reader *reader, const uint8_t *const *row, size_t step, uint32_t count, uint8_t *rgb) {
  for (uint32_t x = 0; x < count; x++, rgb += 3) {
    uint8_t sample[4] = {0};
    for (int index = 0; index < 4 && index < reader->samples; index++) {
      const uint8_t *place = row[index] + x * step;
      sample[index] = reader->bits == 16 ? (uint8_t)(load16(place) >> 8) : *place;
    }
    if (reader->kind == INKS) {
      ingot_cmyk(rgb, sample[0], sample[1], sample[2], sample[3]);
    } else if (reader->kind == YCBCR) {
      convert_ycbcr(rgb, sample[0], sample[1], sample[2]);
    } else if (reader->kind == PREMULTIPLIED && sample[3] < 255) {
      for (int index = 0; index < 3; index++) {
        rgb[index] = sample[3] == 0 ? 0 : clip(255 * sample[index] / sample[3]);
      }
    } else {
      memcpy(rgb, sample, 3);
    }
  }
}

/// A strip or tile, of each plane.
struct block {
  uint8_t *bytes;
  /// Bytes of one plane of it, and of a row of that.
  size_t size, row_size;
};

/// Converts what a block has of the picture: `width` times `height` pixels at `x`, `y`.
static void convert_block(
    const struct tiff_reader *reader, const struct block *block, uint32_t x, uint32_t y, uint32_t width,
    uint32_t height) {
  size_t sample_size = reader->bits / 8, step = reader->planes > 1 ? sample_size : sample_size * reader->samples;
  for (uint32_t line = 0; line < height; line++) {
    const uint8_t *row[4];
    for (unsigned index = 0; index < 4; index++) {
      row[index] = block->bytes + line * block->row_size +
                   (index < reader->planes ? index * block->size : 0) + (reader->planes > 1 ? 0 : index * sample_size);
    }
    uint8_t *rgb = reader->job->picture->pixels + ((size_t)(y + line) * reader->width + x) * 3;
    if (reader->kind < COLORS) {
      convert_single(reader, row[0], step, width, rgb);
    } else {
      convert_several(reader, row, step, width, rgb);
    }
  }
}

/// A block is at most as large as the picture, with some room for tiles that stick out.
static uint64_t largest_block(const struct tiff_reader *reader) {
  uint64_t pixel = ((uint64_t)reader->bits * reader->samples + 7) / 8, pixels = (uint64_t)reader->width * reader->height;
  uint64_t picture = pixels * (pixel < 8 ? 8 : pixel);
  return picture < (1 << 27) ? 1 << 27 : picture;
}

/// Makes room for a block. `columns` is the pixels of its rows, `rows` how many of them are used.
static int make_block(
    struct tiff_reader *reader, struct block *block, tmsize_t size, tmsize_t row_size, uint32_t columns,
    uint32_t rows) {
  unsigned per_plane = reader->planes > 1 ? 1 : reader->samples;
  uint64_t bits = (uint64_t)columns * per_plane * reader->bits, needed = (bits + 7) / 8;
  if (size <= 0 || row_size <= 0 || needed > (uint64_t)row_size || (uint64_t)size / (uint64_t)row_size < rows) {
    return ingot_tiff_refuse_damaged(reader);
  }
  // Colors beyond the fourth sample aren't needed.
  uint64_t planes = reader->planes > 4 ? 4 : reader->planes;
  if ((uint64_t)size > largest_block(reader) / planes) return ingot_tiff_refuse(reader, "its tiles or strips are too large");
  block->size = (size_t)size;
  block->row_size = (size_t)row_size;
  block->bytes = calloc((size_t)planes, block->size);
  return block->bytes ? 0 : ingot_image_no_memory(reader->job);
}

static unsigned planes_to_read(const struct tiff_reader *reader) {
  if (reader->planes == 1 || reader->kind == INDEX) return 1;
  return reader->planes < 4 ? reader->planes : reader->kind == COLORS ? 3 : 4;
}

static int read_strips(struct tiff_reader *reader, struct block *block) {
  uint32_t rows = 0;
  if (!ingot_tiff_api.get(reader->tiff, TIFFTAG_ROWSPERSTRIP, &rows) || rows == 0 || rows > reader->height) {
    rows = reader->height;
  }
  int status = make_block(
      reader, block, ingot_tiff_api.strip_size(reader->tiff), ingot_tiff_api.scanline_size(reader->tiff), reader->width, rows);
  if (status) return status;
  unsigned planes = planes_to_read(reader);
  for (uint32_t y = 0; y < reader->height; y += rows) {
    uint32_t count = reader->height - y < rows ? reader->height - y : rows;
    for (uint16_t plane = 0; plane < planes; plane++) {
      uint32_t strip = ingot_tiff_api.compute_strip(reader->tiff, y, plane);
      uint8_t *bytes = block->bytes + plane * block->size;
      if (ingot_tiff_api.block_offset(reader->tiff, strip) == 0) return ingot_tiff_refuse(reader, "a part of the image is missing");
      if (ingot_tiff_api.read_strip(reader->tiff, strip, bytes, (tmsize_t)block->size) < 0) return ingot_tiff_refuse_damaged(reader);
    }
    convert_block(reader, block, 0, y, reader->width, count);
    // Not to overflow beyond the last row.
    if (count == reader->height - y) break;
  }
  return 0;
}

static int read_tiles(struct tiff_reader *reader, struct block *block) {
  uint32_t across = 0, down = 0;
  if (!ingot_tiff_api.get(reader->tiff, TIFFTAG_TILEWIDTH, &across) ||
      !ingot_tiff_api.get(reader->tiff, TIFFTAG_TILELENGTH, &down) || across == 0 || down == 0) {
    return ingot_tiff_refuse_damaged(reader);
  }
  int status =
      make_block(reader, block, ingot_tiff_api.tile_size(reader->tiff), ingot_tiff_api.tile_row_size(reader->tiff), across, down);
  if (status) return status;
  unsigned planes = planes_to_read(reader);
  for (uint64_t y = 0; y < reader->height; y += down) {
    for (uint64_t x = 0; x < reader->width; x += across) {
      for (uint16_t plane = 0; plane < planes; plane++) {
        uint32_t tile = ingot_tiff_api.compute_tile(reader->tiff, (uint32_t)x, (uint32_t)y, 0, plane);
        uint8_t *bytes = block->bytes + plane * block->size;
        if (ingot_tiff_api.block_offset(reader->tiff, tile) == 0) return ingot_tiff_refuse(reader, "a part of the image is missing");
        if (ingot_tiff_api.read_tile(reader->tiff, tile, bytes, (tmsize_t)block->size) < 0) return ingot_tiff_refuse_damaged(reader);
      }
      uint32_t width = reader->width - (uint32_t)x, height = reader->height - (uint32_t)y;
      convert_block(
          reader, block, (uint32_t)x, (uint32_t)y, width < across ? width : across, height < down ? height : down);
    }
  }
  return 0;
}

/// Lets the library make RGB of subsampled YCbCr, some rows at a time.
static int read_converted(struct tiff_reader *reader, struct block *block) {
  char message[1024] = "";
  TIFFRGBAImage image;
  if (!ingot_tiff_api.rgba_ok(reader->tiff, message) || !ingot_tiff_api.rgba_begin(&image, reader->tiff, 1, message)) {
    return ingot_tiff_refuse(reader, message[0] ? message : "the file is damaged");
  }
  tmsize_t size = ingot_tiff_api.is_tiled(reader->tiff) ? ingot_tiff_api.tile_size(reader->tiff) : ingot_tiff_api.strip_size(reader->tiff);
  if (size <= 0 || (uint64_t)size > largest_block(reader)) {
    ingot_tiff_api.rgba_end(&image);
    return ingot_tiff_refuse(reader, "its tiles or strips are too large");
  }
  // Orientation is seen to elsewhere.
  image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
  uint32_t rows = 0;
  uint32_t tag = ingot_tiff_api.is_tiled(reader->tiff) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP;
  if (!ingot_tiff_api.get(reader->tiff, tag, &rows) || rows == 0 || rows > reader->height) rows = reader->height;
  int status = 0;
  block->bytes = calloc((size_t)rows * reader->width, 4);
  if (!block->bytes) status = ingot_image_no_memory(reader->job);
  for (uint64_t y = 0; y < reader->height && !status; y += rows) {
    uint32_t count = reader->height - (uint32_t)y < rows ? reader->height - (uint32_t)y : rows;
    uint32_t *raster = (uint32_t *)(void *)block->bytes;
    image.row_offset = (int)y;
    image.col_offset = 0;
    if (!ingot_tiff_api.rgba_get(&image, raster, reader->width, count)) {
      status = ingot_tiff_refuse_damaged(reader);
      break;
    }
    uint8_t *rgb = reader->job->picture->pixels + (size_t)y * reader->width * 3;
    for (size_t index = 0; index < (size_t)reader->width * count; index++, rgb += 3) {
      rgb[0] = TIFFGetR(raster[index]);
      rgb[1] = TIFFGetG(raster[index]);
      rgb[2] = TIFFGetB(raster[index]);
    }
  }
  ingot_tiff_api.rgba_end(&image);
  return status;
}

/// Turns the picture the way its orientation says, as Pillow does for TIFF alone.
static int turn(struct tiff_reader *reader) {
  // By orientation: whether rows become columns, and whether the result is mirrored left to right, top to bottom.
  static const struct {
    int is_transposed, is_mirrored, is_upside_down;
  } turns[9] = {{0, 0, 0}, {0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};
  if (reader->orientation < 2 || reader->orientation > 8) return 0;
  ingot_picture old = *reader->job->picture;
  *reader->job->picture = (ingot_picture){0};
  int is_transposed = turns[reader->orientation].is_transposed;
  int status = ingot_image_allocate(
      reader->job, is_transposed ? old.height : old.width, is_transposed ? old.width : old.height);
  ingot_picture *new = reader->job->picture;
  for (size_t y = 0; !status && y < new->height; y++) {
    size_t from_y = turns[reader->orientation].is_upside_down ? new->height - 1 - y : y;
    for (size_t x = 0; x < new->width; x++) {
      size_t from_x = turns[reader->orientation].is_mirrored ? new->width - 1 - x : x;
      size_t from = is_transposed ? from_x * old.width + from_y : from_y * old.width + from_x;
      memcpy(new->pixels + (y * new->width + x) * 3, old.pixels + from * 3, 3);
    }
  }
  ingot_picture_free(&old);
  return status;
}

static int read_image(struct tiff_reader *reader) {
  int status = ingot_tiff_find_layout(reader);
  if (status) return status;
  struct block block = {0};
  status = ingot_image_allocate(reader->job, reader->width, reader->height);
  if (!status) {
    status = reader->kind == BY_LIBRARY              ? read_converted(reader, &block)
             : ingot_tiff_api.is_tiled(reader->tiff) ? read_tiles(reader, &block)
                                                     : read_strips(reader, &block);
  }
  free(block.bytes);
  return status ? status : turn(reader);
}

int ingot_image_read_tiff(struct ingot_image_job *job) {
  if (!ingot_tiff_load()) {
    return ingot_image_refuse(job, INGOT_IMAGE_UNAVAILABLE, "needs libtiff, which is not installed");
  }
  struct tiff_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return ingot_image_no_memory(job);
  reader->job = job;
  reader->is_big_endian = job->bytes[0] == 'M';
  ingot_tiff_open(reader);
  int status = reader->tiff ? read_image(reader) : ingot_tiff_refuse_damaged(reader);
  if (reader->tiff) ingot_tiff_api.close(reader->tiff);
  free(reader);
  return status;
}
