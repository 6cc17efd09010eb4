#ifndef INGOT_IMAGE_JOB_H
#define INGOT_IMAGE_JOB_H

#include "images.h"

/// One file to read.
struct ingot_image_job {
  const uint8_t *bytes;
  size_t count;
  unsigned long long max_pixels;
  /// Empty until `ingot_image_allocate`.
  ingot_picture *picture;
  char *reason;
};

/// Writes the reason and returns the status. Of text that a library or the file gave, nothing but printable characters
/// gets through.
int ingot_image_refuse(struct ingot_image_job *job, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int ingot_image_no_memory(struct ingot_image_job *job);

/// Refuses a size that is 0 or above the limit. Returns 0 or a status.
int ingot_image_check_size(struct ingot_image_job *job, unsigned long long width, unsigned long long height);

/// Checks the size and makes the picture, of black pixels. Returns 0 or a status.
int ingot_image_allocate(struct ingot_image_job *job, unsigned long long width, unsigned long long height);

// The readers, one a format. Each returns 0 or a status; the picture of one that failed is freed by the caller.
int ingot_image_read_jpeg(struct ingot_image_job *job);
int ingot_image_read_png(struct ingot_image_job *job);
int ingot_image_read_webp(struct ingot_image_job *job);
int ingot_image_read_bmp(struct ingot_image_job *job);
int ingot_image_read_gif(struct ingot_image_job *job);
int ingot_image_read_tiff(struct ingot_image_job *job);

// Each loads its library, once. Returns whether it is there.
int ingot_webp_load(void);
int ingot_tiff_load(void);

/// Loads the first of these libraries that is installed (the list ends with NULL), and from it the functions: `symbols`
/// has `count` names, `functions` gets as many addresses. Returns whether all were found.
int ingot_image_load(const char *const *names, const char *const *symbols, void **functions, size_t count);

static inline unsigned ingot_little16(const uint8_t *bytes) { return bytes[0] | (unsigned)bytes[1] << 8; }
static inline uint32_t ingot_little32(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}
static inline uint32_t ingot_big32(const uint8_t *bytes) {
  return bytes[3] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[0] << 24;
}

/// a * b / 255, rounded as Pillow does.
static inline int ingot_multiply255(int a, int b) {
  int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// CMYK to RGB as Pillow converts it: without any profile.
static inline void ingot_cmyk(uint8_t *rgb, int c, int m, int y, int k) {
  int rest = 255 - k;
  // None of these is ever negative: a * b / 255 is at most b.
  rgb[0] = (uint8_t)(rest - ingot_multiply255(c, rest));
  rgb[1] = (uint8_t)(rest - ingot_multiply255(m, rest));
  rgb[2] = (uint8_t)(rest - ingot_multiply255(y, rest));
}

#endif
