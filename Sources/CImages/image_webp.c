// WebP by libwebp. Of an animation the first image, on a canvas that is black where the image isn't, as with Pillow
// (which reads every file by libwebp's animation decoder).

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "image_job.h"
#include "loading.h"

INGOT_LOADS(webp, "pictures in WebP", "libwebp.so.7");

static struct {
  int (*get_info)(const uint8_t *bytes, size_t count, int *width, int *height);
  uint8_t *(*decode)(const uint8_t *bytes, size_t count, uint8_t *rgb, size_t size, int stride);
} webp;
static int is_loaded;

static void load(void) {
  static const char *const names[] = {"libwebp.so.7", "libwebp.so", NULL};
  static const char *const symbols[] = {"WebPGetInfo", "WebPDecodeRGBInto"};
  void *functions[2];
  is_loaded = ingot_image_load(names, symbols, functions, 2);
  if (is_loaded) {
    memcpy(&webp.get_info, &functions[0], sizeof functions[0]);
    memcpy(&webp.decode, &functions[1], sizeof functions[1]);
  }
}

int ingot_webp_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  return is_loaded;
}

static uint32_t little24(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
}

static int refuse_damaged(struct ingot_image_job *job) {
  return ingot_image_refuse(job, INGOT_IMAGE_BAD_DATA, "WebP: the file is damaged or cut short");
}

/// Decodes an image that stands alone into a part of the picture.
static int decode(
    struct ingot_image_job *job, const uint8_t *bytes, size_t count, uint32_t x, uint32_t y, uint32_t width,
    uint32_t height) {
  int found_width, found_height;
  if (!webp.get_info(bytes, count, &found_width, &found_height)) return refuse_damaged(job);
  if ((uint32_t)found_width != width || (uint32_t)found_height != height) return refuse_damaged(job);
  // The height is at least 1, and the image lies inside of the picture.
  size_t stride = job->picture->width * 3, start = y * stride + (size_t)x * 3;
  if (stride > 0x7fffffff) return refuse_damaged(job);
  size_t size = stride * (height - 1) + (size_t)width * 3;
  uint8_t *decoded = webp.decode(bytes, count, job->picture->pixels + start, size, (int)stride);
  return decoded ? 0 : refuse_damaged(job);
}

/// Finds the first image of an animation and decodes it.
static int read_animation(struct ingot_image_job *job, const uint8_t *bytes, size_t count) {
  size_t position = 30;
  while (position + 8 <= count) {
    const uint8_t *chunk = bytes + position;
    size_t size = ingot_little32(chunk + 4);
    if (size > count - position - 8) break;
    if (memcmp(chunk, "ANMF", 4) == 0) {
      if (size < 16) break;
      uint32_t x = little24(chunk + 8) * 2, y = little24(chunk + 11) * 2;
      uint32_t width = little24(chunk + 14) + 1, height = little24(chunk + 17) + 1;
      if (x + width > job->picture->width || y + height > job->picture->height) break;
      return decode(job, chunk + 24, size - 16, x, y, width, height);
    }
    position += 8 + size + (size & 1);
  }
  return refuse_damaged(job);
}

int ingot_image_read_webp(struct ingot_image_job *job) {
  if (!ingot_webp_load()) return ingot_image_refuse(job, INGOT_IMAGE_UNAVAILABLE, "needs libwebp, which is not installed");

  // What comes after the RIFF container is not looked at; what it lacks is missed.
  size_t count = (size_t)ingot_little32(job->bytes + 4) + 8;
  if (count < 20 || count > job->count) return refuse_damaged(job);
  if (memcmp(job->bytes + 12, "VP8X", 4) == 0) {
    if (count < 30 || ingot_little32(job->bytes + 16) < 10) return refuse_damaged(job);
    uint32_t width = little24(job->bytes + 24) + 1, height = little24(job->bytes + 27) + 1;
    int status = ingot_image_allocate(job, width, height);
    if (status) return status;
    if (job->bytes[20] & 2) return read_animation(job, job->bytes, count);
    return decode(job, job->bytes, count, 0, 0, width, height);
  }
  int width, height;
  if (!webp.get_info(job->bytes, count, &width, &height) || width <= 0 || height <= 0) return refuse_damaged(job);
  int status = ingot_image_allocate(job, (unsigned long long)width, (unsigned long long)height);
  return status ? status : decode(job, job->bytes, count, 0, 0, (uint32_t)width, (uint32_t)height);
}
