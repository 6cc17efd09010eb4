#ifndef INGOT_VIDEO_API_H
#define INGOT_VIDEO_API_H

// FFmpeg's libraries as a table of functions that is filled at run time. They are asked for by the names of the headers'
// major versions, within which structures keep their layout.

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "video_refusal.h"

// clang-format off
#define INGOT_VIDEO_UTIL_FUNCTIONS(X)                                                                                  \
  X(av_malloc) X(av_freep) X(av_strerror) X(av_log_set_callback) X(av_opt_set_int) X(av_dict_set) X(av_dict_free)      \
  X(av_frame_alloc) X(av_frame_free) X(av_frame_unref) X(av_frame_get_buffer) X(av_frame_get_side_data)                \
  X(av_pix_fmt_desc_get)
#define INGOT_VIDEO_SCALE_FUNCTIONS(X)                                                                                 \
  X(sws_alloc_context) X(sws_init_context) X(sws_freeContext) X(sws_setColorspaceDetails) X(sws_getCoefficients)       \
  X(sws_scale)
#define INGOT_VIDEO_CODEC_FUNCTIONS(X)                                                                                 \
  X(avcodec_find_decoder) X(avcodec_alloc_context3) X(avcodec_parameters_to_context) X(avcodec_open2)                  \
  X(avcodec_free_context) X(avcodec_send_packet) X(avcodec_receive_frame) X(avcodec_flush_buffers)                     \
  X(avcodec_get_name) X(av_packet_alloc) X(av_packet_free) X(av_packet_unref)
#define INGOT_VIDEO_FORMAT_FUNCTIONS(X)                                                                                \
  X(avformat_alloc_context) X(avformat_free_context) X(avformat_open_input) X(avformat_close_input)                    \
  X(avformat_find_stream_info) X(avio_alloc_context) X(avio_context_free) X(av_probe_input_buffer2)                    \
  X(av_find_best_stream) X(av_read_frame) X(av_seek_frame) X(av_stream_get_side_data)
// clang-format on

struct ingot_video_api {
#define INGOT_VIDEO_MEMBER(name) __typeof__(&name) name;
  INGOT_VIDEO_UTIL_FUNCTIONS(INGOT_VIDEO_MEMBER)
  INGOT_VIDEO_SCALE_FUNCTIONS(INGOT_VIDEO_MEMBER)
  INGOT_VIDEO_CODEC_FUNCTIONS(INGOT_VIDEO_MEMBER)
  INGOT_VIDEO_FORMAT_FUNCTIONS(INGOT_VIDEO_MEMBER)
#undef INGOT_VIDEO_MEMBER
};

extern struct ingot_video_api ingot_ff;

/// Loads the libraries. Returns 0, or 69 with the reason.
int ingot_video_load(struct ingot_video_refusal *why);

/// Refuses because FFmpeg returned an error: for want of memory, or with `reason` and what it said of it.
int ingot_video_refuse_error(struct ingot_video_refusal *why, int error, const char *reason);

/// The first error that FFmpeg reported since it was last forgotten; "" if none.
const char *ingot_video_message(void);
void ingot_video_forget_message(void);

#endif
