#ifndef INGOT_VIDEO_OUTPUT_H
#define INGOT_VIDEO_OUTPUT_H

#include "video_list.h"

/// An RGB picture, rows adjacent; its memory grows with the pictures that are put into it.
struct ingot_video_picture {
  uint8_t *pixels;
  size_t room;
  uint32_t width, height;
};

/// Gives a picture its size. Returns 0 or a status.
int ingot_video_resize(
    struct ingot_video_picture *picture, uint32_t width, uint32_t height, struct ingot_video_refusal *why);

/// Writes the beginning, and the record that says what follows. Returns 0 or a status.
int ingot_video_write_start(
    int output, const struct ingot_video_list *list, const struct ingot_video_choice *choice,
    struct ingot_video_refusal *why);

/// Writes the record of a frame. Returns 0 or a status.
int ingot_video_write_frame(
    int output, const struct ingot_video_list *list, struct ingot_video_pick pick,
    const struct ingot_video_picture *picture, struct ingot_video_refusal *why);

int ingot_video_write_end(int output, struct ingot_video_refusal *why);

#endif
