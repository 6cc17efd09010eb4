// JPEG written by libjpeg, into memory of its own: for small pictures that are shown, not for any that are measured.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "images.h"

enum {
  /// The memory that an encoder begins with; it doubles when it is full.
  FIRST_CAPACITY = 1 << 14,
};

struct jpeg_writer {
  struct jpeg_compress_struct compress;
  struct jpeg_error_mgr errors;
  struct jpeg_destination_mgr destination;
  jmp_buf failed;
  uint8_t *bytes;
  size_t capacity;
  int status;
};

static struct jpeg_writer *writer_of(j_common_ptr common) { return common->client_data; }

static void fail(j_common_ptr common) {
  struct jpeg_writer *writer = writer_of(common);
  writer->status =
      common->err->msg_code == JERR_OUT_OF_MEMORY ? INGOT_IMAGE_NO_MEMORY : INGOT_IMAGE_BAD_DATA;
  longjmp(writer->failed, 1);
}

static void keep_quiet(j_common_ptr common) { (void)common; }
static void do_nothing(j_compress_ptr compress) { (void)compress; }

static void grow(struct jpeg_writer *writer, size_t used) {
  size_t capacity = writer->capacity ? 2 * writer->capacity : FIRST_CAPACITY;
  uint8_t *bytes = realloc(writer->bytes, capacity);
  if (!bytes) {
    writer->status = INGOT_IMAGE_NO_MEMORY;
    longjmp(writer->failed, 1);
  }
  writer->bytes = bytes;
  writer->capacity = capacity;
  writer->destination.next_output_byte = bytes + used;
  writer->destination.free_in_buffer = capacity - used;
}

static void begin(j_compress_ptr compress) { grow(writer_of((j_common_ptr)compress), 0); }

/// The library calls this when the memory is full to the last byte, whatever the destination's numbers say.
static boolean take_more(j_compress_ptr compress) {
  struct jpeg_writer *writer = writer_of((j_common_ptr)compress);
  grow(writer, writer->capacity);
  return TRUE;
}

/// Writes the image. What fails inside the library ends in `longjmp`, so that nothing here may be kept in a variable.
static void write_image(struct jpeg_writer *writer, const uint8_t *rgb, size_t width, size_t height, int quality) {
  j_compress_ptr compress = &writer->compress;
  compress->image_width = (JDIMENSION)width;
  compress->image_height = (JDIMENSION)height;
  compress->input_components = 3;
  compress->in_color_space = JCS_RGB;
  jpeg_set_defaults(compress);
  jpeg_set_quality(compress, quality, TRUE);
  compress->optimize_coding = TRUE;
  jpeg_start_compress(compress, TRUE);
  while (compress->next_scanline < compress->image_height) {
    // The library reads rows only, though its type doesn't say so.
    JSAMPROW row = (JSAMPROW)(uintptr_t)(rgb + (size_t)compress->next_scanline * width * 3);
    jpeg_write_scanlines(compress, &row, 1);
  }
  jpeg_finish_compress(compress);
}

int ingot_image_encode_jpeg(
    const uint8_t *rgb, size_t width, size_t height, int quality, uint8_t **bytes, size_t *count) {
  *bytes = NULL;
  *count = 0;
  if (width == 0 || height == 0 || width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION) {
    return INGOT_IMAGE_BAD_DATA;
  }
  // On the heap: after `longjmp` this is the only state that counts, and none of it is in a register.
  struct jpeg_writer *const writer = calloc(1, sizeof *writer);
  if (!writer) return INGOT_IMAGE_NO_MEMORY;
  writer->compress.err = jpeg_std_error(&writer->errors);
  writer->errors.error_exit = fail;
  writer->errors.output_message = keep_quiet;
  writer->compress.client_data = writer;
  writer->destination = (struct jpeg_destination_mgr){
      .init_destination = begin,
      .empty_output_buffer = take_more,
      .term_destination = do_nothing,
  };
  if (setjmp(writer->failed) == 0) {
    jpeg_create_compress(&writer->compress);
    writer->compress.dest = &writer->destination;
    write_image(writer, rgb, width, height, quality);
  }
  jpeg_destroy_compress(&writer->compress);
  int status = writer->status;
  if (status == INGOT_IMAGE_OK) {
    *bytes = writer->bytes;
    *count = writer->capacity - writer->destination.free_in_buffer;
  } else {
    free(writer->bytes);
  }
  free(writer);
  return status;
}

void ingot_image_free_bytes(uint8_t *bytes) { free(bytes); }
