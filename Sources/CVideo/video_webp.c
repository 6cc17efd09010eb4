// Animated WebP, which FFmpeg's decoder refuses, by libwebpdemux. Its frames are laid on a canvas, and their alpha is
// dropped, as with Pillow.

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <webp/demux.h>

#include "child_limits.h"
#include "loading.h"
#include "video_decode.h"

// clang-format off
#define FUNCTIONS(X)                                                                                                   \
  X(WebPAnimDecoderOptionsInitInternal) X(WebPAnimDecoderNewInternal) X(WebPAnimDecoderGetDemuxer)                     \
  X(WebPAnimDecoderGetInfo) X(WebPAnimDecoderGetNext) X(WebPAnimDecoderDelete)                                         \
  X(WebPDemuxGetFrame) X(WebPDemuxNextFrame) X(WebPDemuxReleaseIterator)
// clang-format on

static struct {
#define MEMBER(name) __typeof__(&name) name;
  FUNCTIONS(MEMBER)
#undef MEMBER
} webp;

#define SONAME "libwebpdemux.so.2"
INGOT_LOADS(animations, "animated pictures in WebP", SONAME);

static int load(struct ingot_video_refusal *why) {
  const char *name = SONAME;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "needs %s of libwebp, which is not installed", name);
  }
  const char *missing = NULL;
#define FIND(name)                                                       \
  webp.name = (__typeof__(webp.name))dlsym(library, #name);              \
  if (!webp.name && !missing) missing = #name;
  FUNCTIONS(FIND)
#undef FIND
  if (!missing) return 0;
  return ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "needs libwebp's %s, which its library lacks", missing);
}

int ingot_video_is_webp(const struct ingot_video_job *job) {
  char bytes[12];
  return pread(job->descriptor, bytes, sizeof bytes, 0) == sizeof bytes && memcmp(bytes, "RIFF", 4) == 0 &&
         memcmp(bytes + 8, "WEBP", 4) == 0;
}

/// Notes when each frame begins, in milliseconds.
static void list_frames(WebPAnimDecoder *decoder, struct ingot_video_list *list, struct ingot_video_refusal *why) {
  const WebPDemuxer *demuxer = webp.WebPAnimDecoderGetDemuxer(decoder);
  WebPIterator iterator;
  int64_t time = 0;
  int is_there = webp.WebPDemuxGetFrame(demuxer, 1, &iterator);
  if (!is_there) return;
  for (uint32_t number = 0; is_there && !why->status; number++) {
    (void)ingot_video_append(list, time, number, why);
    list->last_duration = iterator.duration > 0 ? iterator.duration : 0;
    time += list->last_duration;
    is_there = webp.WebPDemuxNextFrame(&iterator);
  }
  webp.WebPDemuxReleaseIterator(&iterator);
}

/// Drops the alpha of a canvas.
static void take_colors(const uint8_t *rgba, struct ingot_video_picture *picture) {
  size_t count = (size_t)picture->width * picture->height;
  for (size_t pixel = 0; pixel < count; pixel++) memcpy(picture->pixels + 3 * pixel, rgba + 4 * pixel, 3);
}

static void write_frames(
    struct ingot_video_job *job, WebPAnimDecoder *decoder, WebPAnimInfo info, const struct ingot_video_list *list) {
  uint32_t number = 0;
  if (ingot_video_resize(&job->picture, info.canvas_width, info.canvas_height, &job->why)) return;
  if (ingot_video_write_start(job->output, list, &job->choice, &job->why)) return;
  for (size_t done = 0; done < job->choice.count && !job->why.status; number++) {
    uint8_t *rgba;
    int end;
    if (!webp.WebPAnimDecoderGetNext(decoder, &rgba, &end)) {
      ingot_video_refuse(&job->why, INGOT_VIDEO_BAD_DATA, "is damaged: frame %u can't be decoded", number);
      return;
    }
    if (number != job->choice.picks[done].frame) continue;
    take_colors(rgba, &job->picture);
    ingot_video_write_frame(job->output, list, job->choice.picks[done], &job->picture, &job->why);
    done++;
  }
  if (!job->why.status) ingot_video_write_end(job->output, &job->why);
}

int ingot_video_decode_webp(struct ingot_video_job *job) {
  if (load(&job->why)) return job->why.status;
  ingot_child_confine(job->output);
  if ((unsigned long long)job->length > ingot_video_limits_set.animation) {
    return ingot_video_refuse(
        &job->why, INGOT_VIDEO_BAD_DATA, "is an animation of more than %llu bytes (limit animation-bytes)",
        ingot_video_limits_set.animation);
  }
  void *bytes = mmap(NULL, (size_t)job->length, PROT_READ, MAP_PRIVATE, job->descriptor, 0);
  if (bytes == MAP_FAILED) return ingot_video_refuse_memory(&job->why);
  WebPData data = {bytes, (size_t)job->length};
  WebPAnimDecoderOptions options;
  WebPAnimDecoder *decoder = NULL;
  WebPAnimInfo info;
  if (webp.WebPAnimDecoderOptionsInitInternal(&options, WEBP_DEMUX_ABI_VERSION)) {
    decoder = webp.WebPAnimDecoderNewInternal(&data, &options, WEBP_DEMUX_ABI_VERSION);
  }
  if (!decoder || !webp.WebPAnimDecoderGetInfo(decoder, &info)) {
    ingot_video_refuse(&job->why, INGOT_VIDEO_BAD_DATA, "is a damaged WebP animation, or one that is cut short");
  } else {
    struct ingot_video_list list = {.numerator = 1, .denominator = 1000};
    list_frames(decoder, &list, &job->why);
    if (!job->why.status && !ingot_video_choose(&list, job->picks, &job->choice, &job->why)) {
      write_frames(job, decoder, info, &list);
    }
    ingot_video_forget(&list);
  }
  if (decoder) webp.WebPAnimDecoderDelete(decoder);
  munmap(bytes, (size_t)job->length);
  return job->why.status;
}
