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

// What differs between FFmpeg's releases, from 5 on, stands in this file and in the functions `ingot_video_…` declared
// at its end. Side data of a stream moved from the stream to its codec parameters in FFmpeg 7.
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define INGOT_VIDEO_SIDE_DATA_OF_PARAMETERS(X) X(av_packet_side_data_get)
#define INGOT_VIDEO_SIDE_DATA_OF_STREAM(X)
#else
#define INGOT_VIDEO_SIDE_DATA_OF_PARAMETERS(X)
#define INGOT_VIDEO_SIDE_DATA_OF_STREAM(X) X(av_stream_get_side_data)
#endif

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
  X(avcodec_get_name) X(av_packet_alloc) X(av_packet_free) X(av_packet_unref)                                          \
  INGOT_VIDEO_SIDE_DATA_OF_PARAMETERS(X)
#define INGOT_VIDEO_FORMAT_FUNCTIONS(X)                                                                                \
  X(avformat_alloc_context) X(avformat_free_context) X(avformat_open_input) X(avformat_close_input)                    \
  X(avformat_find_stream_info) X(avio_alloc_context) X(avio_context_free) X(av_probe_input_buffer2)                    \
  X(av_read_frame) X(av_seek_frame) INGOT_VIDEO_SIDE_DATA_OF_STREAM(X)
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

/// The matrix that a stream asks for its frames to be shown by, 9 numbers of 32 bits; NULL where it asks for none.
const void *ingot_video_display_matrix(const AVStream *stream);

/// Whether decoding can begin with that frame.
int ingot_video_is_key(const AVFrame *frame);

/// How long a frame is shown, in units of its stream's time base; 0 where that isn't known.
int64_t ingot_video_duration(const AVFormatContext *format, const AVStream *stream, const AVFrame *frame);

/// How long the frame of a packet is shown, likewise.
int64_t ingot_video_packet_duration(const AVFormatContext *format, const AVStream *stream, const AVPacket *packet);

/// The first error that FFmpeg reported since it was last forgotten; "" if none.
const char *ingot_video_message(void);
void ingot_video_forget_message(void);

#endif
