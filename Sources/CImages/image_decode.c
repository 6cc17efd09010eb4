#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_job.h"
#include "loading.h"

struct format {
  const char *name;
  int (*read)(struct ingot_image_job *job);
  /// Loads its library; NULL: it has none that is loaded.
  int (*load)(void);
};
static const struct format formats[] = {
    {"JPEG", ingot_image_read_jpeg, NULL}, {"PNG", ingot_image_read_png, NULL},
    {"WebP", ingot_image_read_webp, ingot_webp_load}, {"BMP", ingot_image_read_bmp, NULL},
    {"GIF", ingot_image_read_gif, NULL}, {"TIFF", ingot_image_read_tiff, ingot_tiff_load},
};

static int begins(const uint8_t *bytes, size_t count, const char *with, size_t length) {
  return count >= length && memcmp(bytes, with, length) == 0;
}

static int is_webp(const uint8_t *bytes, size_t count) {
  return count >= 16 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBPVP8", 7) == 0 &&
         (bytes[15] == ' ' || bytes[15] == 'X' || bytes[15] == 'L');
}

static const struct format *find_format(const uint8_t *bytes, size_t count) {
  if (begins(bytes, count, "\xff\xd8\xff", 3)) return &formats[0];
  if (begins(bytes, count, "\x89PNG\r\n\x1a\n", 8)) return &formats[1];
  if (is_webp(bytes, count)) return &formats[2];
  if (begins(bytes, count, "BM", 2)) return &formats[3];
  if (begins(bytes, count, "GIF87a", 6) || begins(bytes, count, "GIF89a", 6)) return &formats[4];
  // TIFF in two byte orders, and BigTIFF in the only one that Pillow reads.
  if (begins(bytes, count, "II*\0", 4) || begins(bytes, count, "MM\0*", 4) || begins(bytes, count, "II+\0", 4)) {
    return &formats[5];
  }
  return NULL;
}

const char *ingot_image_format(const uint8_t *bytes, size_t count) {
  const struct format *format = find_format(bytes, count);
  return format ? format->name : NULL;
}

void ingot_image_prepare(const uint8_t *bytes, size_t count) {
  const struct format *format = find_format(bytes, count);
  if (format && format->load) (void)format->load();
}

int ingot_image_refuse(struct ingot_image_job *job, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(job->reason, INGOT_IMAGE_REASON, format, arguments);
  va_end(arguments);
  for (char *character = job->reason; *character; character++) {
    if ((unsigned char)*character < 0x20 || *character == 0x7f) *character = '?';
  }
  return status;
}

int ingot_image_no_memory(struct ingot_image_job *job) {
  return ingot_image_refuse(job, INGOT_IMAGE_NO_MEMORY, "there is not enough memory for the image");
}

int ingot_image_check_size(struct ingot_image_job *job, unsigned long long width, unsigned long long height) {
  if (width == 0 || height == 0) {
    return ingot_image_refuse(job, INGOT_IMAGE_BAD_DATA, "is %llu × %llu pixels: it has none", width, height);
  }
  if (width > job->max_pixels / height) {
    return ingot_image_refuse(
        job, INGOT_IMAGE_BAD_DATA, "is %llu × %llu pixels: more than the %llu allowed", width, height,
        job->max_pixels);
  }
  return 0;
}

int ingot_image_allocate(struct ingot_image_job *job, unsigned long long width, unsigned long long height) {
  int status = ingot_image_check_size(job, width, height);
  if (status) return status;
  // The limit keeps the product in 64 bits, which is not to say that it and the factor 3 fit in a size.
  if (width * height > (SIZE_MAX >> 1) / 3) return ingot_image_no_memory(job);
  job->picture->pixels = calloc((size_t)(width * height), 3);
  if (!job->picture->pixels) return ingot_image_no_memory(job);
  job->picture->width = (size_t)width;
  job->picture->height = (size_t)height;
  return 0;
}

int ingot_image_decode(
    const uint8_t *bytes, size_t count, unsigned long long max_pixels, ingot_picture *picture,
    char reason[INGOT_IMAGE_REASON]) {
  *picture = (ingot_picture){0};
  reason[0] = 0;
  struct ingot_image_job job = {bytes, count, max_pixels, picture, reason};
  const struct format *format = find_format(bytes, count);
  if (!format) {
    return ingot_image_refuse(
        &job, INGOT_IMAGE_BAD_DATA, "is not an image of a known format; known are JPEG, PNG, WebP, BMP, GIF and TIFF");
  }
  int status = format->read(&job);
  if (status) ingot_picture_free(picture);
  return status;
}

void ingot_picture_free(ingot_picture *picture) {
  free(picture->pixels);
  *picture = (ingot_picture){0};
}

int ingot_image_load(const char *const *names, const char *const *symbols, void **functions, size_t count) {
  void *library = ingot_load_first(names);
  if (!library) return 0;
  for (size_t index = 0; index < count; index++) {
    functions[index] = dlsym(library, symbols[index]);
    if (!functions[index]) {
      dlclose(library);
      return 0;
    }
  }
  // It stays loaded to the end of the process.
  return 1;
}
