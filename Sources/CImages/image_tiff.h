#ifndef INGOT_IMAGE_TIFF_H
#define INGOT_IMAGE_TIFF_H

// What the parts of the reader of TIFF files share.

#include <tiffio.h>

#include "image_job.h"

/// The functions of libtiff, found at run time: `ingot_tiff_load`.
extern struct ingot_tiff_api {
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
} ingot_tiff_api;

/// How samples become RGB.
enum tiff_kind {
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
  enum tiff_kind kind;
  uint16_t bits, samples, planes, photometric, compression, orientation;
  int is_big_endian;
  uint8_t palette[256][3];
};

/// Finds libtiff, once. Returns whether it is there.
int ingot_tiff_load(void);

/// Opens the job's bytes as `reader->tiff`, which is NULL where that fails.
void ingot_tiff_open(struct tiff_reader *reader);

/// Reads the tags. Returns 0 or a status.
int ingot_tiff_find_layout(struct tiff_reader *reader);

/// Each notes the reason and returns the status; the second one, what libtiff said last in this thread.
int ingot_tiff_refuse(struct tiff_reader *reader, const char *reason);
int ingot_tiff_refuse_damaged(struct tiff_reader *reader);

#endif
