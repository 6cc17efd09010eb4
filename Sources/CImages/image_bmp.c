// BMP, as Pillow 13.0.0 reads it (BmpImagePlugin.py), oddities included.

#include <stdlib.h>
#include <string.h>

#include "image_job.h"

enum { RAW = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

struct bmp {
  struct ingot_image_job *job;
  uint32_t header_size, width, height, bits, compression, colors;
  int is_top_down;
  /// Bytes of a color in the palette.
  uint32_t color_size;
  uint32_t masks[4];
  /// Where reading goes on, and where the pixels are.
  uint64_t position, pixels;
  uint8_t palette[256][3];
  /// Bits of a stored pixel, which is an index or a shade below 15 (15 and 16 both take two bytes).
  unsigned stored_bits;
  /// The places of red, green and blue in a pixel of 24 or 32 bits.
  unsigned char places[3];
};

static int refuse(struct bmp *bmp, const char *reason) {
  return ingot_image_refuse(bmp->job, INGOT_IMAGE_BAD_DATA, "BMP: %s", reason);
}

static int read_header(struct bmp *bmp) {
  static const char cut_short[] = "the header is cut short";
  const uint8_t *bytes = bmp->job->bytes;
  if (bmp->job->count < 18) return refuse(bmp, cut_short);
  bmp->pixels = ingot_little32(bytes + 10);
  bmp->header_size = ingot_little32(bytes + 14);
  const uint8_t *header = bytes + 18;
  if (bmp->header_size > bmp->job->count - 14) return refuse(bmp, cut_short);
  bmp->position = 14 + (uint64_t)bmp->header_size;
  switch (bmp->header_size) {
  case 12:
    bmp->width = ingot_little16(header);
    bmp->height = ingot_little16(header + 2);
    bmp->bits = ingot_little16(header + 6);
    bmp->compression = RAW;
    bmp->color_size = 3;
    break;
  case 40:
  case 52:
  case 56:
  case 64:
  case 108:
  case 124:
    bmp->is_top_down = header[7] == 0xff;
    bmp->width = ingot_little32(header);
    bmp->height = ingot_little32(header + 4);
    if (bmp->is_top_down) bmp->height = 0 - bmp->height;
    bmp->bits = ingot_little16(header + 10);
    bmp->compression = ingot_little32(header + 12);
    bmp->colors = ingot_little32(header + 28);
    bmp->color_size = 4;
    if (bmp->compression == BITFIELDS) {
      // Three masks behind a header of 40 bytes, or three or four inside of a longer one.
      int is_inside = bmp->header_size >= 52;
      if (!is_inside && bmp->position + 12 > bmp->job->count) return refuse(bmp, cut_short);
      const uint8_t *masks = is_inside ? header + 36 : bytes + bmp->position;
      for (int index = 0; index < (bmp->header_size >= 56 ? 4 : 3); index++) {
        bmp->masks[index] = ingot_little32(masks + 4 * index);
      }
      if (!is_inside) bmp->position += 12;
    }
    break;
  default:
    return ingot_image_refuse(
        bmp->job, INGOT_IMAGE_BAD_DATA, "BMP: a header of %u bytes is not supported", bmp->header_size);
  }
  return 0;
}

/// Finds how pixels of 16, 24 or 32 bits are stored.
static int find_layout(struct bmp *bmp) {
  static const struct {
    uint32_t bits, masks[4], stored_bits;
    unsigned char places[3];
  } layouts[] = {
      {32, {0xff0000, 0xff00, 0xff, 0}, 32, {2, 1, 0}},
      {32, {0xff000000, 0xff0000, 0xff00, 0}, 32, {3, 2, 1}},
      {32, {0xff000000, 0xff00, 0xff, 0}, 32, {3, 1, 0}},
      {32, {0xff000000, 0xff0000, 0xff00, 0xff}, 32, {3, 2, 1}},
      {32, {0xff, 0xff00, 0xff0000, 0xff000000}, 32, {0, 1, 2}},
      {32, {0xff0000, 0xff00, 0xff, 0xff000000}, 32, {2, 1, 0}},
      {32, {0xff000000, 0xff00, 0xff, 0xff0000}, 32, {3, 1, 0}},
      {32, {0, 0, 0, 0}, 32, {2, 1, 0}},
      {24, {0xff0000, 0xff00, 0xff, 0}, 24, {2, 1, 0}},
      {16, {0xf800, 0x7e0, 0x1f, 0}, 16, {0}},
      {16, {0x7c00, 0x3e0, 0x1f, 0}, 15, {0}},
  };
  static const unsigned char blue_first[3] = {2, 1, 0};
  memcpy(bmp->places, blue_first, 3);
  bmp->stored_bits = bmp->bits == 16 ? 15 : bmp->bits;
  if (bmp->compression == RAW) return 0;
  if (bmp->compression != BITFIELDS) return refuse(bmp, "run lengths don't go with so many bits");
  for (size_t index = 0; index < sizeof layouts / sizeof layouts[0]; index++) {
    // The mask of alpha counts for 32 bits only.
    size_t compared = (bmp->bits == 32 ? 4 : 3) * sizeof(uint32_t);
    if (layouts[index].bits != bmp->bits || memcmp(layouts[index].masks, bmp->masks, compared) != 0) continue;
    bmp->stored_bits = layouts[index].stored_bits;
    memcpy(bmp->places, layouts[index].places, 3);
    return 0;
  }
  return refuse(bmp, "these bit fields are not supported");
}

/// Reads the palette. One of plain greys is taken for none: what is stored then counts as shades, not as indices, and
/// of 8 bits (of one, if there are two colors) even where the header says 4.
static int read_palette(struct bmp *bmp) {
  if (bmp->compression == BITFIELDS) return refuse(bmp, "bit fields don't go with a palette");
  if (bmp->colors > 65536) return refuse(bmp, "the palette is too large");
  const uint8_t *colors = bmp->job->bytes + bmp->position;
  uint64_t rest = bmp->job->count - bmp->position, wanted = (uint64_t)bmp->color_size * bmp->colors;
  uint64_t size = wanted < rest ? wanted : rest;
  bmp->position += size;
  uint64_t count = size / bmp->color_size;
  // The last color needs no more than its three bytes to be a grey.
  int is_grey = size >= wanted || (count == bmp->colors - 1 && size - count * bmp->color_size >= 3);
  for (uint64_t index = 0; is_grey && index < bmp->colors; index++) {
    const uint8_t *color = colors + index * bmp->color_size;
    uint8_t shade = (uint8_t)(bmp->colors == 2 ? index * 255 : index);
    is_grey = color[0] == shade && color[1] == shade && color[2] == shade;
  }
  if (is_grey) {
    int is_bilevel = bmp->colors <= 2;
    bmp->stored_bits = is_bilevel ? 1 : 8;
    for (int index = 0; index < 256; index++) {
      // A bilevel image is black at 0 and white elsewhere.
      memset(bmp->palette[index], is_bilevel ? (index ? 255 : 0) : index, 3);
    }
    return 0;
  }
  if (count > 256) return refuse(bmp, "the palette is too large");
  bmp->stored_bits = bmp->bits;
  for (uint64_t index = 0; index < count; index++) {
    const uint8_t *color = colors + index * bmp->color_size;
    for (int channel = 0; channel < 3; channel++) bmp->palette[index][channel] = color[2 - channel];
  }
  return 0;
}

static void convert_row(const struct bmp *bmp, const uint8_t *row, uint8_t *rgb) {
  for (uint32_t x = 0; x < bmp->width; x++, rgb += 3) {
    unsigned pixel;
    switch (bmp->stored_bits) {
    case 1:
      memcpy(rgb, bmp->palette[row[x / 8] >> (7 - x % 8) & 1], 3);
      break;
    case 4:
      memcpy(rgb, bmp->palette[row[x / 2] >> (x % 2 ? 0 : 4) & 15], 3);
      break;
    case 8:
      memcpy(rgb, bmp->palette[row[x]], 3);
      break;
    case 15:
      pixel = ingot_little16(row + 2 * (size_t)x);
      rgb[0] = (uint8_t)((pixel >> 10 & 31) * 255 / 31);
      rgb[1] = (uint8_t)((pixel >> 5 & 31) * 255 / 31);
      rgb[2] = (uint8_t)((pixel & 31) * 255 / 31);
      break;
    case 16:
      pixel = ingot_little16(row + 2 * (size_t)x);
      rgb[0] = (uint8_t)((pixel >> 11 & 31) * 255 / 31);
      rgb[1] = (uint8_t)((pixel >> 5 & 63) * 255 / 63);
      rgb[2] = (uint8_t)((pixel & 31) * 255 / 31);
      break;
    default:
      for (int channel = 0; channel < 3; channel++) {
        rgb[channel] = row[(size_t)x * (bmp->stored_bits / 8) + bmp->places[channel]];
      }
    }
  }
}

static uint8_t *picture_row(const struct bmp *bmp, uint32_t line) {
  uint32_t y = bmp->is_top_down ? line : bmp->height - 1 - line;
  return bmp->job->picture->pixels + (size_t)y * bmp->width * 3;
}

static int read_rows(struct bmp *bmp) {
  uint64_t stored = bmp->stored_bits == 15 ? 16 : bmp->stored_bits;
  uint64_t size = (bmp->width * stored + 7) / 8, stride = ((uint64_t)bmp->width * bmp->bits + 31) / 32 * 4;
  if (stride < size) return refuse(bmp, "this grey palette is not supported");
  // The padding of the last row may be missing.
  uint64_t needed = stride * (bmp->height - 1) + size;
  if (bmp->pixels > bmp->job->count || needed > bmp->job->count - bmp->pixels) {
    return refuse(bmp, "the file ends before the image does");
  }
  int status = ingot_image_allocate(bmp->job, bmp->width, bmp->height);
  if (status) return status;
  for (uint32_t line = 0; line < bmp->height; line++) {
    convert_row(bmp, bmp->job->bytes + bmp->pixels + line * stride, picture_row(bmp, line));
  }
  return 0;
}

/// Writes pixels one after the other, row after row; what is too much is dropped.
struct runs {
  struct bmp *bmp;
  uint64_t count, total;
};

static void append(struct runs *runs, uint8_t index) {
  if (runs->count < runs->total) {
    const struct bmp *bmp = runs->bmp;
    uint8_t *row = picture_row(bmp, (uint32_t)(runs->count / bmp->width));
    memcpy(row + runs->count % bmp->width * 3, bmp->palette[index], 3);
  }
  runs->count++;
}

/// Reads run lengths. `x` is kept as Pillow does, which is not always where the next pixel goes.
static int read_runs(struct bmp *bmp) {
  int is_rle4 = bmp->compression == RLE4;
  const uint8_t *bytes = bmp->job->bytes;
  uint64_t end = bmp->job->count, position = bmp->pixels;
  int status = ingot_image_allocate(bmp->job, bmp->width, bmp->height);
  if (status) return status;
  struct runs runs = {.bmp = bmp, .total = (uint64_t)bmp->width * bmp->height};
  uint64_t x = 0;
  while (runs.count < runs.total && position < end && end - position >= 2) {
    unsigned length = bytes[position], value = bytes[position + 1];
    position += 2;
    if (length > 0) {
      // A run that is too long for its row is cut off.
      if (x + length > bmp->width) length = x < bmp->width ? (unsigned)(bmp->width - x) : 0;
      for (unsigned index = 0; index < length; index++) {
        append(&runs, (uint8_t)(!is_rle4 ? value : index % 2 ? value & 15 : value >> 4));
      }
      x += length;
    } else if (value == 0) {
      while (runs.count % bmp->width != 0) append(&runs, 0);
      x = 0;
    } else if (value == 1) {
      break;
    } else if (value == 2) {
      if (end - position < 2) break;
      uint64_t skipped = bytes[position] + (uint64_t)bytes[position + 1] * bmp->width;
      position += 2;
      if (skipped > runs.total - runs.count) skipped = runs.total - runs.count;
      while (skipped-- > 0) append(&runs, 0);
      x = runs.count % bmp->width;
    } else {
      uint64_t count = runs.total - runs.count < value ? runs.total - runs.count : value;
      uint64_t size = is_rle4 ? (count + 1) / 2 : count;
      if (size > end - position) break;
      for (uint64_t index = 0; index < count; index++) {
        uint8_t byte = bytes[position + (is_rle4 ? index / 2 : index)];
        append(&runs, (uint8_t)(!is_rle4 ? byte : index % 2 ? byte & 15 : byte >> 4));
      }
      position += size;
      x += value;
      // To an even place, counted from the beginning of the file.
      position += position & 1;
    }
  }
  return runs.count < runs.total ? refuse(bmp, "the file ends before the image does") : 0;
}

static int read_image(struct bmp *bmp) {
  int status = read_header(bmp);
  if (status) return status;
  if (bmp->bits != 1 && bmp->bits != 4 && bmp->bits != 8 && bmp->bits != 16 && bmp->bits != 24 && bmp->bits != 32) {
    return ingot_image_refuse(
        bmp->job, INGOT_IMAGE_BAD_DATA, "BMP: %u bits a pixel are not supported", bmp->bits);
  }
  if (bmp->compression > BITFIELDS) {
    return ingot_image_refuse(
        bmp->job, INGOT_IMAGE_BAD_DATA, "BMP: compression %u is not supported", bmp->compression);
  }
  status = ingot_image_check_size(bmp->job, bmp->width, bmp->height);
  if (status) return status;
  if (bmp->colors == 0) bmp->colors = bmp->bits < 32 ? 1u << bmp->bits : 0;
  // Some writers say that the pixels begin where the palette does.
  if (bmp->pixels == 14 + (uint64_t)bmp->header_size && bmp->bits <= 8) {
    bmp->pixels += (uint64_t)bmp->color_size * bmp->colors;
  }
  status = bmp->bits <= 8 ? read_palette(bmp) : find_layout(bmp);
  if (status) return status;
  if (bmp->pixels == 0) bmp->pixels = bmp->position;
  return bmp->compression == RLE8 || bmp->compression == RLE4 ? read_runs(bmp) : read_rows(bmp);
}

int ingot_image_read_bmp(struct ingot_image_job *job) {
  struct bmp *bmp = calloc(1, sizeof *bmp);
  if (!bmp) return ingot_image_no_memory(job);
  bmp->job = job;
  int status = read_image(bmp);
  free(bmp);
  return status;
}
