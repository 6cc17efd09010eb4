#include "video_picture.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/// How a frame is to be shown: rows made columns, then the order of columns and of rows turned round.
struct orientation {
  int is_transposed, flips_columns, flips_rows;
};

/// What a display matrix asks for. Of others than the eight ways to lay a rectangle on itself, and those only up to a
/// degree, nothing is made.
static struct orientation read_matrix(const void *bytes) {
  struct orientation none = {0, 0, 0};
  if (!bytes) return none;
  int32_t matrix[9];
  memcpy(matrix, bytes, sizeof matrix);
  // A point (x, y) goes to (a x + c y, b x + d y), but for a shift.
  double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4], degree = 0.0175;
  if (fmax(fabs(b), fabs(c)) < degree * fmin(fabs(a), fabs(d))) return (struct orientation){0, a < 0, d < 0};
  if (fmax(fabs(a), fabs(d)) < degree * fmin(fabs(b), fabs(c))) return (struct orientation){1, c < 0, b < 0};
  return none;
}

static struct orientation find_orientation(const struct ingot_video_source *source) {
  const AVFrameSideData *of_frame = ingot_ff.av_frame_get_side_data(source->frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (of_frame && of_frame->size >= 9 * sizeof(int32_t)) return read_matrix(of_frame->data);
  return read_matrix(ingot_video_display_matrix(source->stream));
}

/// The matrix of YUV. Where a video says none, players take that of its time: BT.709 for HD, BT.601 for smaller frames.
static int find_matrix(const AVFrame *frame) {
  if (frame->colorspace != AVCOL_SPC_UNSPECIFIED) return frame->colorspace;
  return frame->width >= 1280 || frame->height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

static int is_full_range(const AVFrame *frame) {
  if (frame->color_range != AVCOL_RANGE_UNSPECIFIED) return frame->color_range == AVCOL_RANGE_JPEG;
  switch (frame->format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P: return 1;
    default: return 0;
  }
}

/// A converter of that frame to RGB of the same size; NULL if there can't be one. All is computed exactly as in
/// swscale's portable code, so that every machine gives the same bytes.
static struct SwsContext *make_converter(const AVFrame *frame) {
  struct SwsContext *scaler = ingot_ff.sws_alloc_context();
  if (!scaler) return NULL;
  const AVPixFmtDescriptor *description = ingot_ff.av_pix_fmt_desc_get(frame->format);
  struct {
    const char *name;
    int value;
  } options[] = {
      {"srcw", frame->width}, {"srch", frame->height}, {"src_format", frame->format},
      {"dstw", frame->width}, {"dsth", frame->height}, {"dst_format", AV_PIX_FMT_RGB24},
      {"src_range", is_full_range(frame)}, {"dst_range", 1},
      {"sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT},
      // Half as many rows of colour stand between rows of brightness.
      {"src_v_chr_pos", description && description->log2_chroma_h == 1 ? 128 : -513},
  };
  int status = 0;
  for (size_t index = 0; index < sizeof options / sizeof options[0]; index++) {
    if (status >= 0) status = ingot_ff.av_opt_set_int(scaler, options[index].name, options[index].value, 0);
  }
  if (status >= 0) {
    const int *from = ingot_ff.sws_getCoefficients(find_matrix(frame));
    const int *to = ingot_ff.sws_getCoefficients(SWS_CS_DEFAULT);
    // Means nothing for frames that are no YUV, and says so by its result.
    (void)ingot_ff.sws_setColorspaceDetails(scaler, from, is_full_range(frame), to, 1, 0, 1 << 16, 1 << 16);
    status = ingot_ff.sws_init_context(scaler, NULL, NULL);
  }
  if (status >= 0) return scaler;
  ingot_ff.sws_freeContext(scaler);
  return NULL;
}

/// Lays the RGB frame into the picture.
static void lay(const AVFrame *rgb, struct orientation how, struct ingot_video_picture *picture) {
  ptrdiff_t stride = rgb->linesize[0];
  // Where the picture's first pixel is in the frame, and how far the next in its row and in its column are from there.
  ptrdiff_t right = how.is_transposed ? stride : 3, down = how.is_transposed ? 3 : stride;
  const uint8_t *row = rgb->data[0];
  if (how.flips_columns) row += right * ((ptrdiff_t)picture->width - 1), right = -right;
  if (how.flips_rows) row += down * ((ptrdiff_t)picture->height - 1), down = -down;
  uint8_t *out = picture->pixels;
  for (uint32_t y = 0; y < picture->height; y++, row += down) {
    if (right == 3) {
      memcpy(out, row, (size_t)picture->width * 3);
      out += (size_t)picture->width * 3;
      continue;
    }
    const uint8_t *pixel = row;
    for (uint32_t x = 0; x < picture->width; x++, pixel += right, out += 3) memcpy(out, pixel, 3);
  }
}

int ingot_video_make_picture(
    const struct ingot_video_source *source, struct ingot_video_picture *picture, struct ingot_video_refusal *why) {
  const AVFrame *frame = source->frame;
  struct orientation how = find_orientation(source);
  uint32_t width = (uint32_t)frame->width, height = (uint32_t)frame->height;
  if (ingot_video_resize(picture, how.is_transposed ? height : width, how.is_transposed ? width : height, why)) {
    return why->status;
  }
  struct SwsContext *scaler = make_converter(frame);
  AVFrame *rgb = ingot_ff.av_frame_alloc();
  int status = scaler && rgb ? 0 : AVERROR(EINVAL);
  if (status >= 0) {
    rgb->format = AV_PIX_FMT_RGB24;
    rgb->width = frame->width;
    rgb->height = frame->height;
    status = ingot_ff.av_frame_get_buffer(rgb, 0);
  }
  if (status >= 0) {
    status = ingot_ff.sws_scale(
        scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, rgb->data, rgb->linesize);
  }
  if (status >= 0) lay(rgb, how, picture);
  if (rgb) ingot_ff.av_frame_free(&rgb);
  ingot_ff.sws_freeContext(scaler);
  if (status < 0) return ingot_video_refuse_error(why, status, "its frames can't be made RGB");
  return 0;
}
