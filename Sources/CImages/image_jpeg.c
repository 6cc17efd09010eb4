// JPEG by libjpeg, with the settings of Pillow 13.0.0 (src/libImaging/JpegDecode.c), which are the library's own: the
// accurate integer transform and smooth upsampling.

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "image_job.h"

enum {
  /// What a progressive image needs is about a dozen. A hostile one may have a scan in every few bytes, each of which
  /// costs as much as the whole image.
  MOST_SCANS = 100,
};
/// Pixels times scans: several seconds of work.
#define MOST_WORK 4000000000ULL

struct jpeg_reader {
  struct jpeg_decompress_struct decompress;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  /// A line of samples, where they aren't RGB.
  uint8_t *line;
  struct ingot_image_job *job;
  int status;
};

static struct jpeg_reader *reader_of(j_common_ptr common) { return common->client_data; }

static void fail(j_common_ptr common) {
  struct jpeg_reader *reader = reader_of(common);
  char message[JMSG_LENGTH_MAX];
  common->err->format_message(common, message);
  reader->status = common->err->msg_code == JERR_OUT_OF_MEMORY
                       ? ingot_image_no_memory(reader->job)
                       : ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "JPEG: %s", message);
  longjmp(reader->failed, 1);
}

static void keep_quiet(j_common_ptr common) { (void)common; }
static void do_nothing(j_decompress_ptr decompress) { (void)decompress; }

/// All there is was given at the beginning: this suspends the library for good, which makes an image that is cut short
/// tell itself from one that isn't.
static boolean fill_nothing(j_decompress_ptr decompress) {
  (void)decompress;
  return FALSE;
}

static void skip(j_decompress_ptr decompress, long count) {
  if (count <= 0) return;
  struct jpeg_source_mgr *source = decompress->src;
  size_t skipped = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
  source->next_input_byte += skipped;
  source->bytes_in_buffer -= skipped;
}

static void watch_scans(j_common_ptr common) {
  j_decompress_ptr decompress = (j_decompress_ptr)common;
  unsigned long long scans = (unsigned long long)decompress->input_scan_number,
                     pixels = (unsigned long long)decompress->image_width * decompress->image_height;
  if (scans > MOST_SCANS || (scans > 10 && scans * pixels > MOST_WORK)) {
    struct jpeg_reader *reader = reader_of(common);
    reader->status = ingot_image_refuse(
        reader->job, INGOT_IMAGE_BAD_DATA, "JPEG: has more scans than an image of its size needs: %llu", scans);
    longjmp(reader->failed, 1);
  }
}

static int refuse_cut_short(struct jpeg_reader *reader) {
  return ingot_image_refuse(reader->job, INGOT_IMAGE_BAD_DATA, "JPEG: the file ends before the image does");
}

static void convert_line(uint8_t *rgb, const uint8_t *line, size_t width, int components) {
  if (components == 1) {
    for (size_t x = 0; x < width; x++) memset(rgb + 3 * x, line[x], 3);
  } else {
    // Four inks, which Pillow takes to be stored upside down whatever the file says, as Adobe's programs do.
    for (size_t x = 0; x < width; x++) {
      const uint8_t *pixel = line + 4 * x;
      ingot_cmyk(rgb + 3 * x, 255 - pixel[0], 255 - pixel[1], 255 - pixel[2], 255 - pixel[3]);
    }
  }
}

/// Reads the image. What fails inside the library ends in `longjmp`, so that nothing here may be kept in a variable.
static int read_image(struct jpeg_reader *reader) {
  j_decompress_ptr decompress = &reader->decompress;
  int found;
  do {
    found = jpeg_read_header(decompress, FALSE);
  } while (found == JPEG_HEADER_TABLES_ONLY);
  if (found == JPEG_SUSPENDED) return refuse_cut_short(reader);

  switch (decompress->num_components) {
  case 1:
    decompress->out_color_space = JCS_GRAYSCALE;
    break;
  case 3:
    decompress->out_color_space = JCS_RGB;
    break;
  case 4:
    decompress->out_color_space = JCS_CMYK;
    break;
  default:
    return ingot_image_refuse(
        reader->job, INGOT_IMAGE_BAD_DATA, "JPEG: %d components are not supported: 1, 3 and 4 are",
        decompress->num_components);
  }
  int status = ingot_image_check_size(reader->job, decompress->image_width, decompress->image_height);
  if (status) return status;
  if (!jpeg_start_decompress(decompress)) return refuse_cut_short(reader);

  status = ingot_image_allocate(reader->job, decompress->output_width, decompress->output_height);
  if (status) return status;
  if (decompress->output_components != 3) {
    reader->line = malloc((size_t)decompress->output_width * (size_t)decompress->output_components);
    if (!reader->line) return ingot_image_no_memory(reader->job);
  }
  while (decompress->output_scanline < decompress->output_height) {
    uint8_t *rgb =
        reader->job->picture->pixels + (size_t)decompress->output_scanline * decompress->output_width * 3;
    JSAMPROW row = reader->line ? reader->line : rgb;
    if (jpeg_read_scanlines(decompress, &row, 1) != 1) return refuse_cut_short(reader);
    if (reader->line) convert_line(rgb, reader->line, decompress->output_width, decompress->output_components);
  }
  // Looks for the end marker. That there is none is no matter any more; another one that is out of place is.
  jpeg_finish_decompress(decompress);
  return 0;
}

int ingot_image_read_jpeg(struct ingot_image_job *job) {
  // On the heap: after `longjmp` this is the only state that counts, and none of it is in a register.
  struct jpeg_reader *const reader = calloc(1, sizeof *reader);
  if (!reader) return ingot_image_no_memory(job);
  reader->job = job;
  reader->decompress.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = fail;
  reader->errors.output_message = keep_quiet;
  reader->decompress.client_data = reader;
  reader->source = (struct jpeg_source_mgr){
      .next_input_byte = job->bytes,
      .bytes_in_buffer = job->count,
      .init_source = do_nothing,
      .fill_input_buffer = fill_nothing,
      .skip_input_data = skip,
      .resync_to_restart = jpeg_resync_to_restart,
      .term_source = do_nothing,
  };
  reader->progress.progress_monitor = watch_scans;
  if (setjmp(reader->failed) == 0) {
    jpeg_create_decompress(&reader->decompress);
    reader->decompress.src = &reader->source;
    reader->decompress.progress = &reader->progress;
    reader->status = read_image(reader);
  }
  int status = reader->status;
  jpeg_destroy_decompress(&reader->decompress);
  free(reader->line);
  free(reader);
  return status;
}
