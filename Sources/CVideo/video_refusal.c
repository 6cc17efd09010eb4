#include "video_refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct ingot_video_limits ingot_video_limits_set;

void ingot_video_set_limits(struct ingot_video_limits limits) { ingot_video_limits_set = limits; }

int ingot_video_refuse(struct ingot_video_refusal *why, int status, const char *format, ...) {
  if (why->status) return why->status;
  why->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why->reason, sizeof why->reason, format, arguments);
  va_end(arguments);
  return status;
}

int ingot_video_refuse_memory(struct ingot_video_refusal *why) {
  return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "needs more memory than decoding is allowed (limit video-memory)");
}

int ingot_video_refuse_size(struct ingot_video_refusal *why, unsigned width, unsigned height) {
  return ingot_video_refuse(
      why, INGOT_VIDEO_BAD_DATA, "has a frame of %u × %u pixels: 1 to %llu are allowed (limit video-pixels)", width,
      height, ingot_video_limits_set.pixels);
}

int ingot_video_report(const struct ingot_video_refusal *why) {
  char line[sizeof why->reason + 1];
  size_t count = 0;
  for (; why->reason[count]; count++) {
    unsigned char byte = (unsigned char)why->reason[count];
    line[count] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
  }
  line[count++] = '\n';
  // Who doesn't read it still sees the status.
  if (write(STDERR_FILENO, line, count) < 0) return why->status;
  return why->status;
}
