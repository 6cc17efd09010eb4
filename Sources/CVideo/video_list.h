#ifndef INGOT_VIDEO_LIST_H
#define INGOT_VIDEO_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "video_refusal.h"

/// When a frame begins to be shown, in ticks, and which of the file's packets it is in.
struct ingot_video_moment {
  int64_t time;
  uint32_t packet;
};

/// The frames of a video.
struct ingot_video_list {
  /// By their times once `ingot_video_choose` is called.
  struct ingot_video_moment *moments;
  size_t count, room;
  /// Ticks that the last frame is shown; 0 where nobody says it.
  int64_t last_duration;
  /// A tick is `numerator / denominator` seconds.
  int64_t numerator, denominator;
};

/// A frame that is wanted, and how many of the picks it is.
struct ingot_video_pick {
  uint32_t frame;
  uint32_t picks;
};

/// The frames that are wanted, by their times.
struct ingot_video_choice {
  struct ingot_video_pick picks[INGOT_VIDEO_MAX_PICKS];
  size_t count;
  /// Of the whole video, in seconds.
  double length;
};

/// Appends a frame. Returns 0 or a status.
int ingot_video_append(
    struct ingot_video_list *list, int64_t time, uint32_t packet, struct ingot_video_refusal *why);

void ingot_video_forget(struct ingot_video_list *list);

/// Sorts the frames by their times.
void ingot_video_sort(struct ingot_video_list *list);

/// Chooses `picks` frames of a sorted list: the last that begins at the centre, or earlier, of each of as many equal
/// intervals. Returns 0 or a status.
int ingot_video_choose(
    const struct ingot_video_list *list, unsigned picks, struct ingot_video_choice *choice,
    struct ingot_video_refusal *why);

/// Seconds from the first frame to that one.
double ingot_video_seconds(const struct ingot_video_list *list, size_t frame);

#endif
