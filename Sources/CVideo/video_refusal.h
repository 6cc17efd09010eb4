#ifndef INGOT_VIDEO_REFUSAL_H
#define INGOT_VIDEO_REFUSAL_H

#include <stddef.h>

#include "include/video_child.h"

/// Exit statuses after BSD's sysexits.h.
enum {
  INGOT_VIDEO_BAD_DATA = 65,
  INGOT_VIDEO_NO_INPUT = 66,
  INGOT_VIDEO_UNAVAILABLE = 69,
  INGOT_VIDEO_IO = 74,
};

/// The bounds in force.
extern struct ingot_video_limits ingot_video_limits_set;

/// Why something isn't done; the first reason stands.
struct ingot_video_refusal {
  int status;
  char reason[512];
};

/// Keeps the reason unless there is one already. Returns the status that stands.
__attribute__((format(printf, 3, 4))) int ingot_video_refuse(
    struct ingot_video_refusal *why, int status, const char *format, ...);

int ingot_video_refuse_memory(struct ingot_video_refusal *why);

/// Refuses because a frame has so many pixels.
int ingot_video_refuse_size(struct ingot_video_refusal *why, unsigned width, unsigned height);

/// Writes the reason as one line to standard error, whatever bytes are in it. Returns the status.
int ingot_video_report(const struct ingot_video_refusal *why);

#endif
