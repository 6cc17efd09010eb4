// HEIC, the pictures of phones, by libheif: it puts tiles together, and turns and mirrors as the file says. FFmpeg before 7
// takes the first tile for the picture.

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child_limits.h"
#include "loading.h"
#include "video_decode.h"

// What is used of libheif/heif.h, whose interface is the same since version 1.0: building needs no headers of it.
struct heif_error {
  int code, subcode;
  const char *message;
};
enum { COLORSPACE_RGB = 1, CHROMA_INTERLEAVED_RGB = 10, CHANNEL_INTERLEAVED = 10 };

static struct {
  void *(*heif_context_alloc)(void);
  void (*heif_context_free)(void *context);
  struct heif_error (*heif_context_read_from_memory_without_copy)(
      void *context, const void *bytes, size_t count, const void *options);
  struct heif_error (*heif_context_get_primary_image_handle)(void *context, void **handle);
  void (*heif_image_handle_release)(const void *handle);
  int (*heif_image_handle_get_width)(const void *handle);
  int (*heif_image_handle_get_height)(const void *handle);
  struct heif_error (*heif_decode_image)(const void *handle, void **image, int colorspace, int chroma, const void *options);
  void (*heif_image_release)(const void *image);
  int (*heif_image_get_width)(const void *image, int channel);
  int (*heif_image_get_height)(const void *image, int channel);
  const uint8_t *(*heif_image_get_plane_readonly)(const void *image, int channel, int *stride);
} heif;

#define SONAME "libheif.so.1"
INGOT_LOADS(heic, "pictures in HEIC", SONAME);

static int load(struct ingot_video_refusal *why) {
  const char *name = SONAME;
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "is a HEIC picture, which needs %s, which is not installed", name);
  }
  const char *missing = NULL;
#define FIND(function)                                                          \
  heif.function = (__typeof__(heif.function))dlsym(library, #function);         \
  if (!heif.function && !missing) missing = #function;
  FIND(heif_context_alloc)
  FIND(heif_context_free)
  FIND(heif_context_read_from_memory_without_copy)
  FIND(heif_context_get_primary_image_handle)
  FIND(heif_image_handle_release)
  FIND(heif_image_handle_get_width)
  FIND(heif_image_handle_get_height)
  FIND(heif_decode_image)
  FIND(heif_image_release)
  FIND(heif_image_get_width)
  FIND(heif_image_get_height)
  FIND(heif_image_get_plane_readonly)
#undef FIND
  if (missing) {
    return ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "is a HEIC picture, which needs libheif's %s, which its library lacks", missing);
  }
  // From 1.13 on, decoders may be libraries of their own: they are loaded now, before nothing can be opened any more.
  struct heif_error (*initialize)(void *) = (__typeof__(initialize))dlsym(library, "heif_init");
  if (initialize) (void)initialize(NULL);
  return 0;
}

// Of heif_error_code and heif_suberror_code.
enum { UNSUPPORTED_FILETYPE = 3, UNSUPPORTED_FEATURE = 4, UNSUPPORTED_CODEC = 3000 };

static int refuse(struct ingot_video_refusal *why, struct heif_error error) {
  const char *message = error.message ? error.message : "";
  if (error.code == UNSUPPORTED_FEATURE && error.subcode == UNSUPPORTED_CODEC) {
    return ingot_video_refuse(why, INGOT_VIDEO_UNAVAILABLE, "is a HEIC picture that libheif has no decoder for: %s", message);
  }
  if (error.code == UNSUPPORTED_FEATURE || error.code == UNSUPPORTED_FILETYPE) {
    return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is a HEIC picture of a kind that libheif doesn't read: %s", message);
  }
  return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is a damaged HEIC picture, or one that is cut short: %s", message);
}

/// Copies the rows of a decoded picture.
static void take(const void *image, struct ingot_video_job *job) {
  int width = heif.heif_image_get_width(image, CHANNEL_INTERLEAVED), stride = 0;
  int height = heif.heif_image_get_height(image, CHANNEL_INTERLEAVED);
  const uint8_t *rows = heif.heif_image_get_plane_readonly(image, CHANNEL_INTERLEAVED, &stride);
  if (!rows || width <= 0 || height <= 0 || stride < 3 * (int64_t)width) {
    ingot_video_refuse(&job->why, INGOT_VIDEO_BAD_DATA, "is a HEIC picture without pixels");
    return;
  }
  if (ingot_video_resize(&job->picture, (uint32_t)width, (uint32_t)height, &job->why)) return;
  for (size_t row = 0; row < (size_t)height; row++) {
    memcpy(job->picture.pixels + row * 3 * (size_t)width, rows + row * (size_t)stride, 3 * (size_t)width);
  }
}

/// Writes the one picture as a film of one frame.
static void write_picture(struct ingot_video_job *job) {
  struct ingot_video_list list = {.numerator = 1, .denominator = 1};
  if (!ingot_video_append(&list, 0, 0, &job->why) && !ingot_video_choose(&list, job->picks, &job->choice, &job->why) &&
      !ingot_video_write_start(job->output, &list, &job->choice, &job->why) &&
      !ingot_video_write_frame(job->output, &list, job->choice.picks[0], &job->picture, &job->why)) {
    ingot_video_write_end(job->output, &job->why);
  }
  ingot_video_forget(&list);
}

static void decode(struct ingot_video_job *job, void *context, const void *bytes) {
  void *handle = NULL, *image = NULL;
  struct heif_error error = heif.heif_context_read_from_memory_without_copy(context, bytes, (size_t)job->length, NULL);
  if (!error.code) error = heif.heif_context_get_primary_image_handle(context, &handle);
  if (!error.code) {
    // Before there is memory for it.
    int width = heif.heif_image_handle_get_width(handle), height = heif.heif_image_handle_get_height(handle);
    if (width <= 0 || height <= 0) width = height = 1;
    if (ingot_video_resize(&job->picture, (uint32_t)width, (uint32_t)height, &job->why)) {
      heif.heif_image_handle_release(handle);
      return;
    }
    error = heif.heif_decode_image(handle, &image, COLORSPACE_RGB, CHROMA_INTERLEAVED_RGB, NULL);
  }
  if (error.code) refuse(&job->why, error);
  else take(image, job);
  if (image) heif.heif_image_release(image);
  if (handle) heif.heif_image_handle_release(handle);
}

int ingot_video_is_heic(const struct ingot_video_job *job) {
  uint8_t bytes[512];
  ssize_t count = pread(job->descriptor, bytes, sizeof bytes, 0);
  if (count < 16 || memcmp(bytes + 4, "ftyp", 4) != 0) return 0;
  size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
  if (length > (size_t)count) length = (size_t)count;
  // The major brand, then, after a version, those that the file is compatible with.
  const char *brands[] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"};
  const char *general[] = {"mif1", "msf1", "mif2", "miaf", "heif"};
  int is_general = 0, is_av1 = 0;
  for (size_t index = 0; index < sizeof brands / sizeof brands[0]; index++) {
    if (memcmp(bytes + 8, brands[index], 4) == 0) return 1;
  }
  for (size_t index = 0; index < sizeof general / sizeof general[0]; index++) {
    is_general |= memcmp(bytes + 8, general[index], 4) == 0;
  }
  for (size_t start = 8; start + 4 <= length; start += start == 8 ? 8 : 4) {
    if (memcmp(bytes + start, "avif", 4) == 0 || memcmp(bytes + start, "avis", 4) == 0) is_av1 = 1;
  }
  return is_general && !is_av1;
}

int ingot_video_decode_heic(struct ingot_video_job *job) {
  if (load(&job->why)) return job->why.status;
  // libde265, which decodes for libheif, always starts a thread, and waits for ever for one that can't be started.
  ingot_child_confine_with_threads(job->output);
  void *bytes = mmap(NULL, (size_t)job->length, PROT_READ, MAP_PRIVATE, job->descriptor, 0);
  if (bytes == MAP_FAILED) return ingot_video_refuse_memory(&job->why);
  void *context = heif.heif_context_alloc();
  if (!context) {
    ingot_video_refuse_memory(&job->why);
  } else {
    decode(job, context, bytes);
    if (!job->why.status) write_picture(job);
    heif.heif_context_free(context);
  }
  munmap(bytes, (size_t)job->length);
  return job->why.status;
}
