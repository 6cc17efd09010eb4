// The tags of a TIFF file: which samples its pixels have, and how these become RGB.

#include <string.h>

#include "image_tiff.h"

static uint16_t field16(struct tiff_reader *reader, uint32_t tag, uint16_t otherwise) {
  uint16_t value;
  return ingot_tiff_api.get(reader->tiff, tag, &value) ? value : otherwise;
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
    return ingot_tiff_refuse(reader, "compressed big-endian numbers with a sign or a fraction are not supported");
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
  if (!ingot_tiff_api.get(reader->tiff, TIFFTAG_COLORMAP, &colors[0], &colors[1], &colors[2])) {
    return ingot_tiff_refuse(reader, "the palette is missing");
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
    ingot_tiff_api.get_defaulted(reader->tiff, TIFFTAG_YCBCRSUBSAMPLING, &across, &down);
    if (across != 1 || down != 1) return ingot_tiff_refuse(reader, "subsampled YCbCr without compression is not supported");
    reader->kind = YCBCR;
  } else if (reader->compression == COMPRESSION_JPEG && reader->planes == 1) {
    ingot_tiff_api.set(reader->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
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
    if (known[index] == compression) return ingot_tiff_api.is_configured(compression);
  }
  return 0;
}

/// Reads the tags. Returns 0 or a status.
int ingot_tiff_find_layout(struct tiff_reader *reader) {
  if (!ingot_tiff_api.get(reader->tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
      !ingot_tiff_api.get(reader->tiff, TIFFTAG_IMAGELENGTH, &reader->height)) {
    return ingot_tiff_refuse(reader, "the size is missing");
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
  if (!ingot_tiff_api.get(reader->tiff, TIFFTAG_EXTRASAMPLES, &extras, &extra) || !extra) extras = 0;
  reader->planes = is_separate && reader->samples > 1 ? reader->samples : 1;
  if (format != SAMPLEFORMAT_UINT && reader->photometric > PHOTOMETRIC_MINISBLACK) {
    return ingot_tiff_refuse(reader, "color samples that are not whole numbers without sign are not supported");
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
