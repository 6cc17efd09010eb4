// PNG written by libpng's simplified interface, into memory of its own.

#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "images.h"

enum { MOST_SIDE = 65500 };

int ingot_image_encode_png(const uint8_t *rgb, size_t width, size_t height, uint8_t **bytes, size_t *count) {
  *bytes = NULL;
  *count = 0;
  if (width == 0 || height == 0 || width > MOST_SIDE || height > MOST_SIDE) return INGOT_IMAGE_BAD_DATA;
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  image.format = PNG_FORMAT_RGB;
  // An upper bound: deflate stores what it can't shrink.
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  uint8_t *memory = malloc(size);
  if (!memory) return INGOT_IMAGE_NO_MEMORY;
  if (!png_image_write_to_memory(&image, memory, &size, 0, rgb, 0, NULL)) {
    png_image_free(&image);
    free(memory);
    return INGOT_IMAGE_NO_MEMORY;
  }
  *bytes = memory;
  *count = size;
  return INGOT_IMAGE_OK;
}
