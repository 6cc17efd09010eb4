// TIFF by libtiff: the first image, with colors as in Pillow 13.0.0 (TiffImagePlugin.py, src/libImaging/TiffDecode.c).

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#include "image_job.h"
#include "loading.h"

#pragma STDC FP_CONTRACT OFF

static struct {
  TIFF *(*open)(
      const char *name, const char *mode, thandle_t handle, TIFFReadWriteProc read, TIFFReadWriteProc write,
      TIFFSeekProc seek, TIFFCloseProc close, TIFFSizeProc size, TIFFMapFileProc map, TIFFUnmapFileProc unmap);
  void (*close)(TIFF *tiff);
  TIFFErrorHandler (*set_error_handler)(TIFFErrorHandler handler);
  TIFFErrorHandler (*set_warning_handler)(TIFFErrorHandler handler);
  int (*get)(TIFF *tiff, uint32_t tag, ...);
  int (*get_defaulted)(TIFF *tiff, uint32_t tag, ...);
  int (*set)(TIFF *tiff, uint32_t tag, ...);
  int (*is_configured)(uint16_t compression);
  int (*is_tiled)(TIFF *tiff);
  uint64_t (*block_offset)(TIFF *tiff, uint32_t block);
  tmsize_t (*strip_size)(TIFF *tiff);
  tmsize_t (*tile_size)(TIFF *tiff);
  tmsize_t (*scanline_size)(TIFF *tiff);
  tmsize_t (*tile_row_size)(TIFF *tiff);
  uint32_t (*compute_strip)(TIFF *tiff, uint32_t row, uint16_t plane);
  uint32_t (*compute_tile)(TIFF *tiff, uint32_t x, uint32_t y, uint32_t z, uint16_t plane);
  tmsize_t (*read_strip)(TIFF *tiff, uint32_t strip, void *buffer, tmsize_t size);
  tmsize_t (*read_tile)(TIFF *tiff, uint32_t tile, void *buffer, tmsize_t size);
  int (*rgba_ok)(TIFF *tiff, char message[1024]);
  int (*rgba_begin)(TIFFRGBAImage *image, TIFF *tiff, int stop, char message[1024]);
  int (*rgba_get)(TIFFRGBAImage *image, uint32_t *raster, uint32_t width, uint32_t height);
  void (*rgba_end)(TIFFRGBAImage *image);
} tiff_api;
static int is_loaded;

/// The library's last words in this thread.
static _Thread_local char last_error[160];

static void keep_error(const char *module, const char *format, va_list arguments) {
  (void)module;
  vsnprintf(last_error, sizeof last_error, format, arguments);
}

INGOT_LOADS(tiff, "pictures in TIFF", "libtiff.so.6" INGOT_OR "libtiff.so.5");

static void load(void) {
  static const char *const names[] = {"libtiff.so.6", "libtiff.so.5", "libtiff.so", NULL};
  static const char *const symbols[] = {
      "TIFFClientOpen",       "TIFFClose",           "TIFFSetErrorHandler", "TIFFSetWarningHandler",
      "TIFFGetField",         "TIFFGetFieldDefaulted", "TIFFSetField",      "TIFFIsCODECConfigured",
      "TIFFIsTiled",          "TIFFGetStrileOffset", "TIFFStripSize",       "TIFFTileSize",
      "TIFFScanlineSize",     "TIFFTileRowSize",     "TIFFComputeStrip",    "TIFFComputeTile",
      "TIFFReadEncodedStrip", "TIFFReadEncodedTile", "TIFFRGBAImageOK",     "TIFFRGBAImageBegin",
      "TIFFRGBAImageGet",     "TIFFRGBAImageEnd"};
  void *functions[sizeof symbols / sizeof symbols[0]];
  _Static_assert(sizeof tiff_api == sizeof functions, "one address for each function");
  is_loaded = ingot_image_load(names, symbols, functions, sizeof symbols / sizeof symbols[0]);
  if (!is_loaded) return;
  memcpy(&tiff_api, functions, sizeof tiff_api);
  tiff_api.set_error_handler(keep_error);
  tiff_api.set_warning_handler(NULL);
}

/// How samples become RGB.
enum kind {
  /// One sample of 1 to 8 bits a pixel: a shade or an index, looked up in the palette.
  INDEX,
  /// One sample of 12 bits or more, not scaled but clipped to 0...255.
  GREY12,
  GREY16,
  GREY16_SIGNED,
  GREY32_SIGNED,
  GREY_FLOAT,
  COLORS,
  /// Colors that were multiplied by alpha.
  PREMULTIPLIED,
  INKS,
  /// YCbCr without subsampling and compression.
  YCBCR,
  /// YCbCr that the library converts.
  BY_LIBRARY,
};

struct tiff_reader {
  struct ingot_image_job *job;
  TIFF *tiff;
  size_t position;
  uint32_t width, height;
  enum kind kind;
  uint16_t bits, samples, planes, photometric, compression, orientation;
  int is_big_endian;
  uint8_t palette[256][3];
};

static int refuse(struct tiff_reader *reader, const char *reason) {
  return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "TIFF: %s", reason);
}

static int refuse_damaged(struct tiff_reader *reader) {
  return refuse(reader, last_error[0] ? last_error : "the file is damaged or cut short");
}

static tmsize_t read_bytes(thandle_t handle, void *bytes, tmsize_t count) {
  struct tiff_reader *reader = handle;
  if (count <= 0 || reader->position >= reader->job->count) return 0;
  size_t rest = reader->job->count - reader->position, got = (size_t)count < rest ? (size_t)count : rest;
  memcpy(bytes, reader->job->bytes + reader->position, got);
  reader->position += got;
  return (tmsize_t)got;
}

static tmsize_t write_nothing(thandle_t handle, void *bytes, tmsize_t count) {
  (void)handle;
  (void)bytes;
  (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
  struct tiff_reader *reader = handle;
  toff_t base = whence == SEEK_CUR ? reader->position : whence == SEEK_END ? reader->job->count : 0;
  toff_t position = base + offset;
  // What lies after the end has nothing to read.
  reader->position = position > reader->job->count ? reader->job->count : (size_t)position;
  return position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t find_size(thandle_t handle) { return ((struct tiff_reader *)handle)->job->count; }

static int map_nothing(thandle_t handle, void **bytes, toff_t *count) {
  (void)handle;
  (void)bytes;
  (void)count;
  return 0;
}

static void unmap_nothing(thandle_t handle, void *bytes, toff_t count) {
  (void)handle;
  (void)bytes;
  (void)count;
}

static uint16_t field16(struct tiff_reader *reader, uint32_t tag, uint16_t otherwise) {
  uint16_t value;
  return tiff_api.get(reader->tiff, tag, &value) ? value : otherwise;
}

static int refuse_layout(struct tiff_reader *reader, const char *which) {
  return ingot_image_refuse(
      reader->job, INGOT_IMAGE_BAD_DATA, "TIFF: %s with %u samples of %u bits is not supported", which,
      (unsigned)reader->samples, (unsigned)reader->bits);
}

/// Makes the palette of shades of grey: the lowest is black, or white.
static void fill_greys(struct tiff_reader *reader, int is_white_first) {
  int most = (1 << reader->bits) - 1;
  for (int index = 0; index <= most; index++) {
    int shade = index * (255 / most);
    memset(reader->palette[index], is_white_first ? 255 - shade : shade, 3);
  }
}

static int find_grey(struct tiff_reader *reader, uint16_t format, const uint16_t *extra, uint16_t extras) {
  int is_white_first = reader->photometric == PHOTOMETRIC_MINISWHITE, is_one = reader->samples == 1 && extras == 0;
  int bits = reader->bits;
  if (format == SAMPLEFORMAT_UINT && is_one && (bits == 1 || bits == 2 || bits == 4 || bits == 8)) {
    fill_greys(reader, is_white_first);
    reader->kind = INDEX;
    return 0;
  }
  if (is_one && bits == 8 && format == SAMPLEFORMAT_INT && !is_white_first) {
    // Pillow takes them for numbers without sign.
    fill_greys(reader, 0);
    reader->kind = INDEX;
    return 0;
  }
  if (format == SAMPLEFORMAT_UINT && reader->samples == 2 && extras == 1 && bits == 8 && !is_white_first &&
      (extra[0] == EXTRASAMPLE_UNSPECIFIED || extra[0] == EXTRASAMPLE_UNASSALPHA)) {
    fill_greys(reader, 0);
    reader->kind = INDEX;
    return 0;
  }
  // Of these Pillow inverts none.
  int is_little_endian = !reader->is_big_endian, is_black_first = !is_white_first;
  if (is_one && bits == 12 && format == SAMPLEFORMAT_UINT && is_black_first && is_little_endian) {
    reader->kind = GREY12;
  } else if (is_one && bits == 16 && format == SAMPLEFORMAT_UINT && (is_black_first || is_little_endian)) {
    reader->kind = GREY16;
  } else if (is_one && bits == 16 && format == SAMPLEFORMAT_INT && is_black_first) {
    reader->kind = GREY16_SIGNED;
  } else if (is_one && bits == 32 && format == SAMPLEFORMAT_INT && is_black_first) {
    reader->kind = GREY32_SIGNED;
  } else if (is_one && bits == 32 && format == SAMPLEFORMAT_UINT && is_black_first && is_little_endian) {
    reader->kind = GREY32_SIGNED;
  } else if (is_one && bits == 32 && format == SAMPLEFORMAT_IEEEFP) {
    reader->kind = GREY_FLOAT;
  } else {
    return refuse_layout(reader, "grey");
  }
  if (reader->kind > GREY16 && reader->is_big_endian && reader->compression != COMPRESSION_NONE) {
    // Pillow exchanges the bytes of these once too often.
    return refuse(reader, "compressed big-endian numbers with a sign or a fraction are not supported");
  }
  return 0;
}

static int find_rgb(struct tiff_reader *reader, const uint16_t *extra, uint16_t extras) {
  int bits = reader->bits, is_plain = reader->samples == 3 && extras == 0;
  // A fourth sample that isn't declared is alpha.
  int is_rgba = reader->samples == 4 && (extras == 0 || (extras == 1 && extra[0] <= EXTRASAMPLE_UNASSALPHA));
  int is_more = bits == 8 && reader->samples > 4 && reader->samples <= 6 && extras == reader->samples - 3;
  for (uint16_t index = 0; is_more && index < extras; index++) {
    if (extra[index] > (index == 0 ? EXTRASAMPLE_UNASSALPHA : EXTRASAMPLE_UNSPECIFIED)) is_more = 0;
  }
  if ((bits != 8 && bits != 16) || (!is_plain && !is_rgba && !is_more)) return refuse_layout(reader, "RGB");
  reader->kind = extras > 0 && extra[0] == EXTRASAMPLE_ASSOCALPHA ? PREMULTIPLIED : COLORS;
  return 0;
}

static int find_indexed(struct tiff_reader *reader, const uint16_t *extra, uint16_t extras) {
  int bits = reader->bits;
  int is_one = reader->samples == 1 && extras == 0 && (bits == 1 || bits == 2 || bits == 4 || bits == 8);
  int is_two = reader->samples == 2 && extras == 1 && bits == 8 && extra[0] != EXTRASAMPLE_ASSOCALPHA;
  if (!is_one && !is_two) return refuse_layout(reader, "a palette");
  uint16_t *colors[3];
  if (!tiff_api.get(reader->tiff, TIFFTAG_COLORMAP, &colors[0], &colors[1], &colors[2])) {
    return refuse(reader, "the palette is missing");
  }
  for (int index = 0; index < 1 << bits; index++) {
    for (int channel = 0; channel < 3; channel++) reader->palette[index][channel] = colors[channel][index] >> 8;
  }
  reader->kind = INDEX;
  return 0;
}

static int find_inks(struct tiff_reader *reader, const uint16_t *extra, uint16_t extras) {
  int is_known = (reader->samples == 4 && extras == 0 && (reader->bits == 8 || reader->bits == 16)) ||
                 (reader->bits == 8 && reader->samples == 4 + extras && extras <= 2);
  for (uint16_t index = 0; index < extras; index++) is_known = is_known && extra[index] == EXTRASAMPLE_UNSPECIFIED;
  if (!is_known) return refuse_layout(reader, "CMYK");
  reader->kind = INKS;
  return 0;
}

static int find_ycbcr(struct tiff_reader *reader, uint16_t extras) {
  if (reader->samples == 1 && extras == 0 && reader->bits == 8) {
    fill_greys(reader, 0);
    reader->kind = INDEX;
    return 0;
  }
  if (reader->samples != 3 || extras != 0 || reader->bits != 8) return refuse_layout(reader, "YCbCr");
  if (reader->compression == COMPRESSION_NONE) {
    uint16_t across = 2, down = 2;
    tiff_api.get_defaulted(reader->tiff, TIFFTAG_YCBCRSUBSAMPLING, &across, &down);
    if (across != 1 || down != 1) return refuse(reader, "subsampled YCbCr without compression is not supported");
    reader->kind = YCBCR;
  } else if (reader->compression == COMPRESSION_JPEG && reader->planes == 1) {
    tiff_api.set(reader->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    reader->kind = COLORS;
  } else {
    reader->kind = BY_LIBRARY;
  }
  return 0;
}

static int is_known_compression(uint16_t compression) {
  static const uint16_t known[] = {
      COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,     COMPRESSION_CCITTFAX4, COMPRESSION_LZW,
      COMPRESSION_JPEG, COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_DEFLATE,   COMPRESSION_LZMA,
      COMPRESSION_ZSTD};
  for (size_t index = 0; index < sizeof known / sizeof known[0]; index++) {
    if (known[index] == compression) return tiff_api.is_configured(compression);
  }
  return 0;
}

/// Reads the tags. Returns 0 or a status.
static int find_layout(struct tiff_reader *reader) {
  if (!tiff_api.get(reader->tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
      !tiff_api.get(reader->tiff, TIFFTAG_IMAGELENGTH, &reader->height)) {
    return refuse(reader, "the size is missing");
  }
  int status = ingot_image_check_size(reader->job, reader->width, reader->height);
  if (status) return status;
  reader->compression = field16(reader, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (!is_known_compression(reader->compression)) {
    return ingot_image_refuse(
        reader->job, INGOT_IMAGE_BAD_DATA, "TIFF: compression %u is not supported", (unsigned)reader->compression);
  }
  reader->photometric = field16(reader, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
  reader->bits = field16(reader, TIFFTAG_BITSPERSAMPLE, 1);
  reader->samples = field16(reader, TIFFTAG_SAMPLESPERPIXEL, 1);
  reader->orientation = field16(reader, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  int is_separate = field16(reader, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) == PLANARCONFIG_SEPARATE;
  uint16_t format = field16(reader, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  uint16_t extras = 0, *extra = NULL;
  if (!tiff_api.get(reader->tiff, TIFFTAG_EXTRASAMPLES, &extras, &extra) || !extra) extras = 0;
  reader->planes = is_separate && reader->samples > 1 ? reader->samples : 1;
  if (format != SAMPLEFORMAT_UINT && reader->photometric > PHOTOMETRIC_MINISBLACK) {
    return refuse(reader, "color samples that are not whole numbers without sign are not supported");
  }
  switch (reader->photometric) {
  case PHOTOMETRIC_MINISWHITE:
  case PHOTOMETRIC_MINISBLACK:
    return find_grey(reader, format, extra, extras);
  case PHOTOMETRIC_RGB:
    return find_rgb(reader, extra, extras);
  case PHOTOMETRIC_PALETTE:
    return find_indexed(reader, extra, extras);
  case PHOTOMETRIC_SEPARATED:
    return find_inks(reader, extra, extras);
  case PHOTOMETRIC_YCBCR:
    return find_ycbcr(reader, extras);
  default:
    return ingot_image_refuse(
        reader->job, INGOT_IMAGE_BAD_DATA, "TIFF: color space %u is not supported", (unsigned)reader->photometric);
  }
}

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
    return refuse_damaged(reader);
  }
  // Colors beyond the fourth sample aren't needed.
  uint64_t planes = reader->planes > 4 ? 4 : reader->planes;
  if ((uint64_t)size > largest_block(reader) / planes) return refuse(reader, "its tiles or strips are too large");
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
  if (!tiff_api.get(reader->tiff, TIFFTAG_ROWSPERSTRIP, &rows) || rows == 0 || rows > reader->height) {
    rows = reader->height;
  }
  int status = make_block(
      reader, block, tiff_api.strip_size(reader->tiff), tiff_api.scanline_size(reader->tiff), reader->width, rows);
  if (status) return status;
  unsigned planes = planes_to_read(reader);
  for (uint32_t y = 0; y < reader->height; y += rows) {
    uint32_t count = reader->height - y < rows ? reader->height - y : rows;
    for (uint16_t plane = 0; plane < planes; plane++) {
      uint32_t strip = tiff_api.compute_strip(reader->tiff, y, plane);
      uint8_t *bytes = block->bytes + plane * block->size;
      if (tiff_api.block_offset(reader->tiff, strip) == 0) return refuse(reader, "a part of the image is missing");
      if (tiff_api.read_strip(reader->tiff, strip, bytes, (tmsize_t)block->size) < 0) return refuse_damaged(reader);
    }
    convert_block(reader, block, 0, y, reader->width, count);
    // Not to overflow beyond the last row.
    if (count == reader->height - y) break;
  }
  return 0;
}

static int read_tiles(struct tiff_reader *reader, struct block *block) {
  uint32_t across = 0, down = 0;
  if (!tiff_api.get(reader->tiff, TIFFTAG_TILEWIDTH, &across) ||
      !tiff_api.get(reader->tiff, TIFFTAG_TILELENGTH, &down) || across == 0 || down == 0) {
    return refuse_damaged(reader);
  }
  int status =
      make_block(reader, block, tiff_api.tile_size(reader->tiff), tiff_api.tile_row_size(reader->tiff), across, down);
  if (status) return status;
  unsigned planes = planes_to_read(reader);
  for (uint64_t y = 0; y < reader->height; y += down) {
    for (uint64_t x = 0; x < reader->width; x += across) {
      for (uint16_t plane = 0; plane < planes; plane++) {
        uint32_t tile = tiff_api.compute_tile(reader->tiff, (uint32_t)x, (uint32_t)y, 0, plane);
        uint8_t *bytes = block->bytes + plane * block->size;
        if (tiff_api.block_offset(reader->tiff, tile) == 0) return refuse(reader, "a part of the image is missing");
        if (tiff_api.read_tile(reader->tiff, tile, bytes, (tmsize_t)block->size) < 0) return refuse_damaged(reader);
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
  if (!tiff_api.rgba_ok(reader->tiff, message) || !tiff_api.rgba_begin(&image, reader->tiff, 1, message)) {
    return refuse(reader, message[0] ? message : "the file is damaged");
  }
  tmsize_t size = tiff_api.is_tiled(reader->tiff) ? tiff_api.tile_size(reader->tiff) : tiff_api.strip_size(reader->tiff);
  if (size <= 0 || (uint64_t)size > largest_block(reader)) {
    tiff_api.rgba_end(&image);
    return refuse(reader, "its tiles or strips are too large");
  }
  // Orientation is seen to elsewhere.
  image.orientation = image.req_orientation = ORIENTATION_TOPLEFT;
  uint32_t rows = 0;
  uint32_t tag = tiff_api.is_tiled(reader->tiff) ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP;
  if (!tiff_api.get(reader->tiff, tag, &rows) || rows == 0 || rows > reader->height) rows = reader->height;
  int status = 0;
  block->bytes = calloc((size_t)rows * reader->width, 4);
  if (!block->bytes) status = ingot_image_no_memory(reader->job);
  for (uint64_t y = 0; y < reader->height && !status; y += rows) {
    uint32_t count = reader->height - (uint32_t)y < rows ? reader->height - (uint32_t)y : rows;
    uint32_t *raster = (uint32_t *)(void *)block->bytes;
    image.row_offset = (int)y;
    image.col_offset = 0;
    if (!tiff_api.rgba_get(&image, raster, reader->width, count)) {
      status = refuse_damaged(reader);
      break;
    }
    uint8_t *rgb = reader->job->picture->pixels + (size_t)y * reader->width * 3;
    for (size_t index = 0; index < (size_t)reader->width * count; index++, rgb += 3) {
      rgb[0] = TIFFGetR(raster[index]);
      rgb[1] = TIFFGetG(raster[index]);
      rgb[2] = TIFFGetB(raster[index]);
    }
  }
  tiff_api.rgba_end(&image);
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
  int status = find_layout(reader);
  if (status) return status;
  struct block block = {0};
  status = ingot_image_allocate(reader->job, reader->width, reader->height);
  if (!status) {
    status = reader->kind == BY_LIBRARY              ? read_converted(reader, &block)
             : tiff_api.is_tiled(reader->tiff) ? read_tiles(reader, &block)
                                                     : read_strips(reader, &block);
  }
  free(block.bytes);
  return status ? status : turn(reader);
}

int ingot_image_read_tiff(struct ingot_image_job *job) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  if (!is_loaded) return ingot_image_refuse(job, INGOT_IMAGE_UNAVAILABLE, "needs libtiff, which is not installed");
  struct tiff_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return ingot_image_no_memory(job);
  reader->job = job;
  reader->is_big_endian = job->bytes[0] == 'M';
  last_error[0] = 0;
  // Not mapped into memory, and strips as they are, not divided.
  reader->tiff = tiff_api.open(
      "image", "rmc", reader, read_bytes, write_nothing, seek, close_nothing, find_size, map_nothing, unmap_nothing);
  int status = reader->tiff ? read_image(reader) : refuse_damaged(reader);
  if (reader->tiff) tiff_api.close(reader->tiff);
  free(reader);
  return status;
}
