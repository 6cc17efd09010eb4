#ifndef INGOT_VIDEO_SCAN_H
#define INGOT_VIDEO_SCAN_H

#include "video_list.h"
#include "video_source.h"

/// A packet of the video, in the order of decoding.
struct ingot_video_packet {
  /// When it is shown, and when decoded.
  int64_t time, order;
  /// Whether decoding can begin here.
  int is_key;
};

/// What packets say of a video, without a frame of it being decoded.
struct ingot_video_scan {
  struct ingot_video_packet *packets;
  size_t count, room;
  /// The frames that packets make.
  struct ingot_video_list list;
  /// Whether that is sure: each has a time of its own, and nothing says that a packet might make no frame or several.
  int is_sure;
  /// Whether decoding may begin at a later packet than the first, and leave frames out that no other needs.
  int can_seek;
};

/// Reads all packets of a video that was just opened. Returns 0 or a status.
int ingot_video_scan(
    struct ingot_video_source *source, struct ingot_video_scan *scan, struct ingot_video_refusal *why);

void ingot_video_end_scan(struct ingot_video_scan *scan);

#endif
