#include "video_api.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "loading.h"

struct ingot_video_api ingot_ff;

#define SONAME(name, version) "lib" name ".so." AV_STRINGIFY(version)
#define UTIL SONAME("avutil", LIBAVUTIL_VERSION_MAJOR)
#define SCALE SONAME("swscale", LIBSWSCALE_VERSION_MAJOR)
#define CODEC SONAME("avcodec", LIBAVCODEC_VERSION_MAJOR)
#define FORMAT SONAME("avformat", LIBAVFORMAT_VERSION_MAJOR)
INGOT_LOADS(video_util, "videos", UTIL);
INGOT_LOADS(video_scale, "videos", SCALE);
INGOT_LOADS(video_codec, "videos", CODEC);
INGOT_LOADS(video_format, "videos", FORMAT);

static char message[256];

/// Takes the place of FFmpeg's own printing: keeps the first error.
static void keep_message(void *context, int level, const char *format, va_list arguments) {
  (void)context;
  if (level > AV_LOG_ERROR || message[0]) return;
  vsnprintf(message, sizeof message, format, arguments);
  for (size_t end = strlen(message); end > 0 && (message[end - 1] == '\n' || message[end - 1] == '.');) {
    message[--end] = 0;
  }
}

const char *ingot_video_message(void) { return message; }

void ingot_video_forget_message(void) { message[0] = 0; }

/// Loads a library by its name, or refuses because there is none or because it can't be loaded.
static void *open_library(const char *file, struct ingot_video_refusal *why) {
  void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (library) return library;
  const char *error = dlerror();
  if (error && strstr(error, "No such file")) {
    ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "needs %s of FFmpeg, which is not installed", file);
  } else {
    // What isn't there in full can't be mapped: there is no room for it.
    const char *limit = error && strstr(error, "failed to map") ? " (limit video-memory)" : "";
    ingot_video_refuse(
        why, INGOT_VIDEO_UNAVAILABLE, "needs %s of FFmpeg, which can't be loaded: %s%s", file, error ? error : "",
        limit);
  }
  return NULL;
}

/// Looks a symbol up.
static void *find(void *library, const char *name, struct ingot_video_refusal *why) {
  void *symbol = dlsym(library, name);
  if (!symbol) ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "needs FFmpeg's %s, which its library lacks", name);
  return symbol;
}

int ingot_video_load(struct ingot_video_refusal *why) {
  void *library;
  // They stay loaded to the end of the process. Lower ones first: the others are found to need what is there already.
#define FIND(name) ingot_ff.name = (__typeof__(ingot_ff.name))find(library, #name, why);
  if (!(library = open_library(UTIL, why))) return why->status;
  INGOT_VIDEO_UTIL_FUNCTIONS(FIND)
  if (!(library = open_library(SCALE, why))) return why->status;
  INGOT_VIDEO_SCALE_FUNCTIONS(FIND)
  if (!(library = open_library(CODEC, why))) return why->status;
  INGOT_VIDEO_CODEC_FUNCTIONS(FIND)
  if (!(library = open_library(FORMAT, why))) return why->status;
  INGOT_VIDEO_FORMAT_FUNCTIONS(FIND)
#undef FIND
  if (!why->status) ingot_ff.av_log_set_callback(keep_message);
  return why->status;
}

int ingot_video_refuse_error(struct ingot_video_refusal *why, int error, const char *reason) {
  if (error == AVERROR(ENOMEM)) return ingot_video_refuse_memory(why);
  char text[128] = "";
  if (!message[0]) ingot_ff.av_strerror(error, text, sizeof text);
  return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "%s (FFmpeg: %s)", reason, message[0] ? message : text);
}

// MARK: What differs between releases

const void *ingot_video_display_matrix(const AVStream *stream) {
  const size_t needed = 9 * sizeof(int32_t);
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  const AVCodecParameters *parameters = stream->codecpar;
  const AVPacketSideData *found = ingot_ff.av_packet_side_data_get(
      parameters->coded_side_data, parameters->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return found && found->size >= needed ? found->data : NULL;
#else
  size_t size = 0;
  const uint8_t *found = ingot_ff.av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return size >= needed ? found : NULL;
#endif
}

int ingot_video_is_key(const AVFrame *frame) {
#ifdef AV_FRAME_FLAG_KEY
  return (frame->flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return frame->key_frame;
#endif
}

/// FFmpeg 9 tells of a packet of MP4 how long it is until the next one is decoded, which says nothing of the last that is
/// shown. As before, it is shown for the least step between frames.
static int64_t shown(const AVFormatContext *format, const AVStream *stream, int64_t duration) {
#if LIBAVFORMAT_VERSION_MAJOR >= 63
  AVRational rate = stream->r_frame_rate, base = stream->time_base;
  if (strstr(format->iformat->name, "mp4") && rate.num > 0 && rate.den > 0 && base.num > 0) {
    return (int64_t)((double)base.den * rate.den / ((double)base.num * rate.num) + 0.5);
  }
#endif
  (void)format;
  (void)stream;
  return duration;
}

int64_t ingot_video_duration(const AVFormatContext *format, const AVStream *stream, const AVFrame *frame) {
#if LIBAVUTIL_VERSION_MAJOR >= 58
  return shown(format, stream, frame->duration);
#else
  return shown(format, stream, frame->pkt_duration);
#endif
}

int64_t ingot_video_packet_duration(const AVFormatContext *format, const AVStream *stream, const AVPacket *packet) {
  return shown(format, stream, packet->duration);
}
