#include "video_list.h"

#include <stdlib.h>

int ingot_video_append(
    struct ingot_video_list *list, int64_t time, uint32_t packet, struct ingot_video_refusal *why) {
  if (list->count == ingot_video_limits_set.frames) {
    return ingot_video_refuse(
        why, INGOT_VIDEO_BAD_DATA, "has more than %llu frames (limit video-frames)", ingot_video_limits_set.frames);
  }
  if (list->count == list->room) {
    size_t room = list->room ? 2 * list->room : 1024;
    struct ingot_video_moment *moments = realloc(list->moments, room * sizeof *moments);
    if (!moments) return ingot_video_refuse_memory(why);
    list->moments = moments;
    list->room = room;
  }
  list->moments[list->count++] = (struct ingot_video_moment){time, packet};
  return 0;
}

void ingot_video_forget(struct ingot_video_list *list) {
  free(list->moments);
  list->moments = NULL;
  list->count = list->room = 0;
  list->last_duration = 0;
}

static int compare(const void *left, const void *right) {
  const struct ingot_video_moment *a = left, *b = right;
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  return (a->packet > b->packet) - (a->packet < b->packet);
}

void ingot_video_sort(struct ingot_video_list *list) {
  if (list->count > 0) qsort(list->moments, list->count, sizeof *list->moments, compare);
}

int ingot_video_choose(
    const struct ingot_video_list *list, unsigned picks, struct ingot_video_choice *choice,
    struct ingot_video_refusal *why) {
  choice->count = 0;
  if (list->count == 0) return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "holds no frames that can be decoded");
  const struct ingot_video_moment *moments = list->moments;
  int64_t length, last = list->last_duration;
  // Where nobody says how long the last frame is shown: as long as the one before.
  if (last <= 0 && list->count > 1) {
    if (__builtin_sub_overflow(moments[list->count - 1].time, moments[list->count - 2].time, &last)) last = 0;
  }
  if (__builtin_sub_overflow(moments[list->count - 1].time, moments[0].time, &length) ||
      __builtin_add_overflow(length, last > 0 ? last : 0, &length)) {
    return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is damaged: the times of its frames make no sense");
  }
  choice->length = (double)length * (double)list->numerator / (double)list->denominator;
  size_t frame = 0;
  for (unsigned pick = 0; pick < picks; pick++) {
    // (pick + 1/2) / picks of the length, without rounding.
    __int128 centre = (__int128)(2 * (int64_t)pick + 1) * length;
    while (frame + 1 < list->count &&
           (__int128)(2 * (int64_t)picks) * (moments[frame + 1].time - moments[0].time) <= centre) {
      frame++;
    }
    if (choice->count > 0 && choice->picks[choice->count - 1].frame == frame) {
      choice->picks[choice->count - 1].picks++;
    } else {
      choice->picks[choice->count++] = (struct ingot_video_pick){(uint32_t)frame, 1};
    }
  }
  return 0;
}

double ingot_video_seconds(const struct ingot_video_list *list, size_t frame) {
  double ticks = (double)(list->moments[frame].time - list->moments[0].time);
  return ticks * (double)list->numerator / (double)list->denominator;
}
