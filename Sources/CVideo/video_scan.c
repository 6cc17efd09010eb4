#include "video_scan.h"

#include <stdlib.h>
#include <string.h>

static int append_packet(
    struct ingot_video_scan *scan, const AVPacket *packet, struct ingot_video_refusal *why) {
  if (scan->count == ingot_video_limits_set.frames) {
    return ingot_video_refuse(
        why, INGOT_VIDEO_BAD_DATA, "has more than %llu frames (limit video-frames)", ingot_video_limits_set.frames);
  }
  if (scan->count == scan->room) {
    size_t room = scan->room ? 2 * scan->room : 1024;
    struct ingot_video_packet *packets = realloc(scan->packets, room * sizeof *packets);
    if (!packets) return ingot_video_refuse_memory(why);
    scan->packets = packets;
    scan->room = room;
  }
  scan->packets[scan->count++] =
      (struct ingot_video_packet){packet->pts, packet->dts, (packet->flags & AV_PKT_FLAG_KEY) != 0};
  return 0;
}

/// Whether a packet only helps to decode others: outside of what is shown, or a reference that VP8 says is hidden.
static int is_hidden(const AVPacket *packet, enum AVCodecID codec) {
  if (packet->flags & AV_PKT_FLAG_DISCARD) return 1;
  return codec == AV_CODEC_ID_VP8 && packet->size > 0 && !(packet->data[0] & 0x10);
}

/// Codecs of which decoding may begin at any packet that is called a key.
static int has_true_keys(enum AVCodecID codec) {
  switch (codec) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4: return 1;
    default: return 0;
  }
}

/// Leaves out the frames that can't be decoded because the video begins in the middle, before its first key.
static void leave_out_beginning(struct ingot_video_scan *scan) {
  size_t key = 0;
  while (key < scan->count && !scan->packets[key].is_key) key++;
  if (key == scan->count) {
    scan->is_sure = 0;
    return;
  }
  size_t count = 0;
  for (size_t index = 0; index < scan->list.count; index++) {
    struct ingot_video_moment moment = scan->list.moments[index];
    if (moment.packet >= key && moment.time >= scan->packets[key].time) scan->list.moments[count++] = moment;
  }
  scan->list.count = count;
}

/// What to think of a part that is missing; broadcasts have such parts, and their decoder judges.
static int is_cut(const struct ingot_video_source *source, const AVPacket *packet) {
  return packet->flags & AV_PKT_FLAG_CORRUPT && strcmp(source->format->iformat->name, "mpegts") != 0;
}

int ingot_video_scan(
    struct ingot_video_source *source, struct ingot_video_scan *scan, struct ingot_video_refusal *why) {
  const AVCodecParameters *parameters = source->stream->codecpar;
  const AVPacket *packet = source->packet;
  // A field of an interlaced frame may have a packet of its own.
  scan->is_sure =
      parameters->field_order == AV_FIELD_UNKNOWN || parameters->field_order == AV_FIELD_PROGRESSIVE;
  scan->can_seek = has_true_keys(parameters->codec_id);
  scan->list.numerator = source->stream->time_base.num;
  scan->list.denominator = source->stream->time_base.den;
  if (scan->list.numerator <= 0 || scan->list.denominator <= 0) {
    return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is damaged: its unit of time makes no sense");
  }
  int64_t last = INT64_MIN, order = INT64_MIN;
  enum ingot_video_got got;
  while ((got = ingot_video_read(source, why)) == INGOT_VIDEO_GOT) {
    if (is_cut(source, packet)) {
      ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is damaged or cut short: packet %zu is not whole", scan->count);
    }
    if (packet->flags & AV_PKT_FLAG_CORRUPT || packet->pts == AV_NOPTS_VALUE) scan->is_sure = 0;
    if (packet->dts != AV_NOPTS_VALUE) {
      if (packet->dts < order) scan->is_sure = 0;
      order = packet->dts;
    }
    if (!is_hidden(packet, parameters->codec_id)) {
      (void)ingot_video_append(&scan->list, packet->pts, (uint32_t)scan->count, why);
      if (packet->pts > last) {
        last = packet->pts;
        scan->list.last_duration = ingot_video_packet_duration(source->format, source->stream, packet);
      }
    }
    (void)append_packet(scan, packet, why);
    ingot_ff.av_packet_unref(source->packet);
    if (why->status) return why->status;
  }
  if (why->status) return why->status;
  // Matroska's reader takes a file that ends within a block for one that ends before it, but says so.
  if (strstr(ingot_video_message(), "ended prematurely")) {
    return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is cut short: it ends after %zu frames", scan->list.count);
  }
  leave_out_beginning(scan);
  ingot_video_sort(&scan->list);
  for (size_t index = 1; index < scan->list.count; index++) {
    if (scan->list.moments[index].time == scan->list.moments[index - 1].time) scan->is_sure = 0;
  }
  if (scan->list.count == 0) scan->is_sure = 0;
  return 0;
}

void ingot_video_end_scan(struct ingot_video_scan *scan) {
  free(scan->packets);
  scan->packets = NULL;
  scan->count = scan->room = 0;
  ingot_video_forget(&scan->list);
}
