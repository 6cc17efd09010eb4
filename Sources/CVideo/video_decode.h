#ifndef INGOT_VIDEO_DECODE_H
#define INGOT_VIDEO_DECODE_H

#include "video_output.h"

/// A job: where frames come from, which are wanted, and where they go.
struct ingot_video_job {
  int descriptor;
  int64_t length;
  unsigned picks;
  int output;
  struct ingot_video_choice choice;
  struct ingot_video_picture picture;
  struct ingot_video_refusal why;
};

/// Writes the wanted frames of a video that FFmpeg reads. Returns 0 or a status.
int ingot_video_decode(struct ingot_video_job *job);

/// Whether a file begins as a WebP does.
int ingot_video_is_webp(const struct ingot_video_job *job);

/// The same of an animated WebP.
int ingot_video_decode_webp(struct ingot_video_job *job);

/// Whether a file has a brand of HEIC: of films in that container, none has.
int ingot_video_is_heic(const struct ingot_video_job *job);

/// Writes a HEIC picture as the one frame.
int ingot_video_decode_heic(struct ingot_video_job *job);

#endif
