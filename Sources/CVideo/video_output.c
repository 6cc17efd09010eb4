#include "video_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child_limits.h"

int ingot_video_resize(
    struct ingot_video_picture *picture, uint32_t width, uint32_t height, struct ingot_video_refusal *why) {
  if (width == 0 || height == 0 || width > ingot_video_limits_set.pixels / height) {
    return ingot_video_refuse_size(why, width, height);
  }
  size_t count = (size_t)width * height * 3;
  if (count > picture->room) {
    free(picture->pixels);
    picture->pixels = malloc(count);
    picture->room = picture->pixels ? count : 0;
    if (!picture->pixels) return ingot_video_refuse_memory(why);
  }
  picture->width = width;
  picture->height = height;
  return 0;
}

/// Writes bytes; the clock stands still while their reader takes its time.
static int write_all(int output, const void *bytes, size_t count, struct ingot_video_refusal *why) {
  const char *position = bytes;
  ingot_child_stop_clock();
  while (count > 0) {
    ssize_t written = write(output, position, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return ingot_video_refuse(why, INGOT_VIDEO_IO, "its frames can't be written");
    position += written;
    count -= (size_t)written;
  }
  ingot_child_start_clock();
  return 0;
}

static uint8_t *put(uint8_t *position, uint64_t value, unsigned size) {
  for (unsigned index = 0; index < size; index++) *position++ = (uint8_t)(value >> 8 * index);
  return position;
}

static uint8_t *put_double(uint8_t *position, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return put(position, bits, 8);
}

int ingot_video_write_start(
    int output, const struct ingot_video_list *list, const struct ingot_video_choice *choice,
    struct ingot_video_refusal *why) {
  uint8_t bytes[29] = "INGOTVF\1H";
  uint8_t *position = put(bytes + 9, list->count, 8);
  position = put_double(position, choice->length);
  put(position, choice->count, 4);
  return write_all(output, bytes, sizeof bytes, why);
}

int ingot_video_write_frame(
    int output, const struct ingot_video_list *list, struct ingot_video_pick pick,
    const struct ingot_video_picture *picture, struct ingot_video_refusal *why) {
  uint8_t bytes[29] = "F";
  uint8_t *position = put(bytes + 1, pick.frame, 8);
  position = put_double(position, ingot_video_seconds(list, pick.frame));
  position = put(position, pick.picks, 4);
  position = put(position, picture->width, 4);
  put(position, picture->height, 4);
  if (write_all(output, bytes, sizeof bytes, why)) return why->status;
  return write_all(output, picture->pixels, (size_t)picture->width * picture->height * 3, why);
}

int ingot_video_write_end(int output, struct ingot_video_refusal *why) { return write_all(output, "E", 1, why); }
