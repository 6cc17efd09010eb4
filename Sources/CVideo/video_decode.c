// The frames that are wanted, through FFmpeg.
//
// In the usual case packets tell all times, and the frames to be decoded are known before one is: decoding then goes
// from key to wanted frame. What packets tell is checked against what the decoder gives; where it isn't so, or can't be
// known, all is decoded in order: once to learn the times, once more for the frames.

#include "video_decode.h"

#include <string.h>

#include "video_picture.h"
#include "video_scan.h"

struct decoding {
  struct ingot_video_job *job;
  struct ingot_video_source source;
  struct ingot_video_scan scan;
  /// Of the wanted frames, how many were written.
  size_t done;
  /// Frames that came since decoding last began.
  size_t frames;
  /// Whether what came is what was coded: no damage since the last key frame.
  int is_sound;
};

/// How a way of decoding ended: done or refused (see `job->why`), or it doesn't work with this video.
enum outcome { ENDED, NEXT_WAY };

static struct ingot_video_refusal *why(const struct decoding *decoding) { return &decoding->job->why; }

/// Looks at the frame that came.
static void judge(struct decoding *decoding) {
  const AVFrame *frame = decoding->source.frame;
  int is_damaged = frame->decode_error_flags != 0 || frame->flags & AV_FRAME_FLAG_CORRUPT;
  if (is_damaged) decoding->is_sound = 0;
  else if (ingot_video_is_key(frame)) decoding->is_sound = 1;
  decoding->frames++;
}

static int refuse_damage(struct decoding *decoding) {
  const char *message = ingot_video_message();
  return ingot_video_refuse(
      why(decoding), INGOT_VIDEO_BAD_DATA, "is damaged: decoding fails after %zu frames%s%s%s", decoding->frames,
      message[0] ? " (FFmpeg: " : "", message, message[0] ? ")" : "");
}

/// Writes the frame that came, which is the next that is wanted.
static void write_frame(struct decoding *decoding) {
  struct ingot_video_job *job = decoding->job;
  struct ingot_video_pick pick = job->choice.picks[decoding->done];
  if (!decoding->is_sound) {
    ingot_video_refuse(
        &job->why, INGOT_VIDEO_BAD_DATA, "is damaged: so is the frame at %.3f s",
        ingot_video_seconds(&decoding->scan.list, pick.frame));
    return;
  }
  if (ingot_video_make_picture(&decoding->source, &job->picture, &job->why)) return;
  if (decoding->done == 0 &&
      ingot_video_write_start(job->output, &decoding->scan.list, &job->choice, &job->why)) {
    return;
  }
  if (ingot_video_write_frame(job->output, &decoding->scan.list, pick, &job->picture, &job->why)) return;
  decoding->done++;
}

/// Begins to decode at the beginning.
static int begin(struct decoding *decoding) {
  decoding->frames = 0;
  decoding->is_sound = 1;
  return ingot_video_open(&decoding->source, why(decoding));
}

// MARK: By the list that packets make

static const struct ingot_video_moment *find_moment(const struct ingot_video_list *list, int64_t time) {
  size_t low = 0, high = list->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (list->moments[middle].time < time) low = middle + 1;
    else high = middle;
  }
  return low < list->count && list->moments[low].time == time ? &list->moments[low] : NULL;
}

static int64_t wanted_time(const struct decoding *decoding, size_t number) {
  return decoding->scan.list.moments[decoding->job->choice.picks[number].frame].time;
}

static int is_wanted(const struct decoding *decoding, int64_t time) {
  size_t low = decoding->done, high = decoding->job->choice.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (wanted_time(decoding, middle) < time) low = middle + 1;
    else high = middle;
  }
  return low < decoding->job->choice.count && wanted_time(decoding, low) == time;
}

/// The last key from which the next wanted frame can be decoded.
static size_t find_key(const struct decoding *decoding) {
  const struct ingot_video_list *list = &decoding->scan.list;
  const struct ingot_video_moment *moment = &list->moments[decoding->job->choice.picks[decoding->done].frame];
  size_t key = moment->packet;
  while (key > 0 && !(decoding->scan.packets[key].is_key && decoding->scan.packets[key].time <= moment->time)) key--;
  return key;
}

/// Goes to a key, or to a packet before it, and gives the number of the first packet that came, which is sent already;
/// negative if that doesn't work.
static int64_t seek(struct decoding *decoding, size_t key) {
  struct ingot_video_source *source = &decoding->source;
  struct ingot_video_packet packet = decoding->scan.packets[key];
  // Matroska's index is of times shown, others' are of times decoded.
  int is_by_time = packet.order == AV_NOPTS_VALUE || strcmp(source->format->iformat->name, "matroska,webm") == 0;
  if (ingot_ff.av_seek_frame(
          source->format, source->stream->index, is_by_time ? packet.time : packet.order, AVSEEK_FLAG_BACKWARD) < 0) {
    return -1;
  }
  ingot_ff.avcodec_flush_buffers(source->decoder);
  source->is_draining = 0;
  decoding->frames = 0;
  decoding->is_sound = 1;
  if (ingot_video_read(source, why(decoding)) != INGOT_VIDEO_GOT) return -1;
  const struct ingot_video_moment *moment = find_moment(&decoding->scan.list, source->packet->pts);
  int64_t first = moment ? moment->packet : -1;
  if (first > (int64_t)key) first = -1;
  source->decoder->skip_frame = AVDISCARD_DEFAULT;
  if (first < 0) ingot_ff.av_packet_unref(source->packet);
  else if (ingot_video_send(source) == INGOT_VIDEO_FAILED && first == (int64_t)key) first = -1;
  return first;
}

/// Decodes until the next wanted frame comes, and writes it. `position` counts the packets that were read. Where keys are
/// gone to, what isn't whole may only have been gone at in a wrong way.
static enum outcome advance(struct decoding *decoding, size_t *position, int goes_by_keys) {
  struct ingot_video_source *source = &decoding->source;
  int64_t wanted = wanted_time(decoding, decoding->done);
  for (;;) {
    enum ingot_video_got got = ingot_video_receive(source);
    if (got == INGOT_VIDEO_NEEDS_MORE) {
      got = ingot_video_read(source, why(decoding));
      if (why(decoding)->status) return ENDED;
      if (got == INGOT_VIDEO_END) {
        ingot_video_drain(source);
        continue;
      }
      source->decoder->skip_frame =
          goes_by_keys && !is_wanted(decoding, source->packet->pts) ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
      ++*position;
      // Before the first frame comes, packets may lack what came before them.
      if (ingot_video_send(source) == INGOT_VIDEO_FAILED && decoding->frames > 0) return NEXT_WAY;
      continue;
    }
    if (got != INGOT_VIDEO_GOT) return NEXT_WAY;
    judge(decoding);
    int64_t time = source->frame->pts;
    int is_it = time == wanted && (decoding->is_sound || !goes_by_keys);
    if (is_it) write_frame(decoding);
    ingot_ff.av_frame_unref(source->frame);
    if (is_it) return ENDED;
    if (time == wanted || time == AV_NOPTS_VALUE || time > wanted) return NEXT_WAY;
  }
}

/// Goes from key to wanted frame.
static enum outcome decode_by_keys(struct decoding *decoding) {
  // The packets were all read: there is nothing to go on from.
  size_t position = decoding->scan.count;
  int is_lost = 1;
  while (decoding->done < decoding->job->choice.count && !why(decoding)->status) {
    size_t key = find_key(decoding);
    if (is_lost || key > position) {
      int64_t first = seek(decoding, key);
      if (first < 0) return why(decoding)->status ? ENDED : NEXT_WAY;
      position = (size_t)first + 1;
      is_lost = 0;
    }
    if (advance(decoding, &position, 1) != ENDED) return NEXT_WAY;
  }
  return ENDED;
}

/// Decodes all from the beginning, as far as frames are wanted.
static enum outcome decode_in_order(struct decoding *decoding) {
  if (begin(decoding)) return ENDED;
  size_t position = 0;
  while (decoding->done < decoding->job->choice.count && !why(decoding)->status) {
    if (advance(decoding, &position, 0) != ENDED) return NEXT_WAY;
  }
  return ENDED;
}

// MARK: By what the decoder gives

/// Gives a frame its time: that which it has, unless it has none or the clock was set back; then it follows the one before.
static int64_t next_time(struct decoding *decoding, int64_t *shift) {
  const struct ingot_video_list *list = &decoding->scan.list;
  const AVFrame *frame = decoding->source.frame;
  AVRational rate = decoding->source.stream->avg_frame_rate;
  if (list->count == 0) return frame->best_effort_timestamp == AV_NOPTS_VALUE ? 0 : frame->best_effort_timestamp;
  int64_t last = list->moments[list->count - 1].time, step;
  step = ingot_video_duration(decoding->source.format, decoding->source.stream, frame);
  if (step <= 0 && list->count > 1) step = last - list->moments[list->count - 2].time;
  if (step <= 0 && rate.num > 0 && rate.den > 0) {
    step = (int64_t)((double)list->denominator * rate.den / ((double)list->numerator * rate.num));
  }
  if (step <= 0) step = 1;
  int64_t time = frame->best_effort_timestamp, next;
  if (__builtin_add_overflow(last, step, &next)) return last;
  if (time == AV_NOPTS_VALUE || __builtin_add_overflow(time, *shift, &time)) return next;
  if (time > last) return time;
  if (__builtin_sub_overflow(next, frame->best_effort_timestamp, shift)) *shift = 0;
  return next;
}

/// Decodes all; notes the frames' times where there is no choice yet, else writes those that are wanted.
static int decode_all(struct decoding *decoding, int is_choosing) {
  struct ingot_video_source *source = &decoding->source;
  struct ingot_video_job *job = decoding->job;
  int64_t shift = 0;
  uint32_t number = 0;
  if (begin(decoding)) return job->why.status;
  while (!job->why.status && (is_choosing || decoding->done < job->choice.count)) {
    enum ingot_video_got got = ingot_video_receive(source);
    if (got == INGOT_VIDEO_END) break;
    if (got == INGOT_VIDEO_NEEDS_MORE) {
      got = ingot_video_read(source, &job->why);
      if (got == INGOT_VIDEO_END) ingot_video_drain(source);
      if (got == INGOT_VIDEO_GOT && ingot_video_send(source) == INGOT_VIDEO_FAILED && decoding->frames > 0) {
        return refuse_damage(decoding);
      }
      continue;
    }
    if (got == INGOT_VIDEO_FAILED) return refuse_damage(decoding);
    judge(decoding);
    if (is_choosing) {
      decoding->scan.list.last_duration = ingot_video_duration(source->format, source->stream, source->frame);
      (void)ingot_video_append(&decoding->scan.list, next_time(decoding, &shift), number, &job->why);
    } else if (number == job->choice.picks[decoding->done].frame) {
      write_frame(decoding);
    }
    number++;
    ingot_ff.av_frame_unref(source->frame);
  }
  return job->why.status;
}

// MARK: The whole

static int choose(struct decoding *decoding) {
  struct ingot_video_job *job = decoding->job;
  return ingot_video_choose(&decoding->scan.list, job->picks, &job->choice, &job->why);
}

int ingot_video_decode(struct ingot_video_job *job) {
  struct decoding decoding = {.job = job, .source = {.descriptor = job->descriptor, .length = job->length}};
  struct ingot_video_refusal *why = &job->why;
  enum outcome outcome = NEXT_WAY;
  if (!begin(&decoding)) ingot_video_scan(&decoding.source, &decoding.scan, why);
  if (!why->status && decoding.scan.is_sure && !choose(&decoding)) {
    if (decoding.scan.can_seek) outcome = decode_by_keys(&decoding);
    if (!why->status && outcome == NEXT_WAY) outcome = decode_in_order(&decoding);
  }
  // Once frames were written by what packets told, it is too late for another list.
  if (!why->status && outcome == NEXT_WAY && decoding.done == 0) {
    ingot_video_forget(&decoding.scan.list);
    if (!decode_all(&decoding, 1) && !choose(&decoding)) decode_all(&decoding, 0);
  }
  if (!why->status && decoding.done < job->choice.count) refuse_damage(&decoding);
  if (!why->status) ingot_video_write_end(job->output, why);
  ingot_video_close(&decoding.source);
  ingot_video_end_scan(&decoding.scan);
  return why->status;
}
