#include "video_source.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/// The containers that are read, by FFmpeg's names: no playlists, no devices, nothing that consists of other files.
static const char *const formats[] = {
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "ogg", "flv", "asf", "mpegts", "mpeg", "gif", "ivf",
    "yuv4mpegpipe",
};

static int read_some(void *opaque, uint8_t *bytes, int count) {
  struct ingot_video_source *source = opaque;
  ssize_t got;
  do got = pread(source->descriptor, bytes, (size_t)count, (off_t)source->position);
  while (got < 0 && errno == EINTR);
  if (got < 0) return AVERROR(errno);
  if (got == 0) return AVERROR_EOF;
  source->position += got;
  return (int)got;
}

static int64_t seek(void *opaque, int64_t offset, int whence) {
  struct ingot_video_source *source = opaque;
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return source->length;
  int64_t start = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source->position : source->length;
  if (whence > SEEK_END || __builtin_add_overflow(start, offset, &offset) || offset < 0) return AVERROR(EINVAL);
  return source->position = offset;
}

/// A video that names another file or an address doesn't get it.
static int refuse_to_open(
    AVFormatContext *format, AVIOContext **io, const char *url, int flags, AVDictionary **options) {
  (void)format, (void)url, (void)flags, (void)options;
  *io = NULL;
  return AVERROR(EPERM);
}

/// Finds out the container, and refuses others than those above.
static const AVInputFormat *probe(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  const AVInputFormat *format = NULL;
  int score = ingot_ff.av_probe_input_buffer2(source->io, &format, "", NULL, 0, 0);
  for (size_t index = 0; score >= 0 && format && index < sizeof formats / sizeof formats[0]; index++) {
    if (strcmp(format->name, formats[index]) == 0) return format;
  }
  if (score < 0 || !format) {
    if (score == AVERROR(ENOMEM)) ingot_video_refuse_memory(why);
    ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is not a video of a known format");
  } else {
    ingot_video_refuse(
        why, INGOT_VIDEO_BAD_DATA, "is of the format %s, which is not among the videos that are read", format->name);
  }
  return NULL;
}

static int open_container(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  enum { SIZE = 1 << 16 };
  source->position = 0;
  unsigned char *buffer = ingot_ff.av_malloc(SIZE);
  if (!buffer) return ingot_video_refuse_memory(why);
  source->io = ingot_ff.avio_alloc_context(buffer, SIZE, 0, source, read_some, NULL, seek);
  if (!source->io) {
    ingot_ff.av_freep(&buffer);
    return ingot_video_refuse_memory(why);
  }
  const AVInputFormat *input = probe(source, why);
  if (!input) return why->status;
  source->format = ingot_ff.avformat_alloc_context();
  if (!source->format) return ingot_video_refuse_memory(why);
  source->format->pb = source->io;
  source->format->flags |= AVFMT_FLAG_CUSTOM_IO;
  source->format->io_open = refuse_to_open;
  AVDictionary *options = NULL;
  // A further lock: no protocol but that of plain files, which can't be opened either.
  int status = ingot_ff.av_dict_set(&options, "protocol_whitelist", "file", 0);
  // When it fails, it frees the context.
  if (status >= 0) status = ingot_ff.avformat_open_input(&source->format, "", input, &options);
  ingot_ff.av_dict_free(&options);
  if (status < 0) return ingot_video_refuse_error(why, status, "is damaged: it can't be opened");
  status = ingot_ff.avformat_find_stream_info(source->format, NULL);
  if (status < 0) return ingot_video_refuse_error(why, status, "is damaged: nothing can be made of its streams");
  return 0;
}

/// Chooses among several streams as the program ffmpeg does (ffmpeg_mux_init.c, map_auto_video): the one with most pixels,
/// where one of which packets were seen, and one that is marked as the default, count for more; the first of equals.
static int choose_stream(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  int chosen = -1;
  int64_t best = -1;
  for (unsigned index = 0; index < source->format->nb_streams; index++) {
    const AVStream *stream = source->format->streams[index];
    const AVCodecParameters *parameters = stream->codecpar;
    // A picture of a record's cover is no video.
    if (parameters->codec_type != AVMEDIA_TYPE_VIDEO || stream->disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
    int64_t score = (int64_t)parameters->width * parameters->height;
    if (stream->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) score += 100000000;
    if (stream->disposition & AV_DISPOSITION_DEFAULT) score += 5000000;
    if (score > best) {
      best = score;
      chosen = (int)index;
    }
  }
  if (chosen < 0) return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "holds no video");
  source->stream = source->format->streams[chosen];
  for (unsigned index = 0; index < source->format->nb_streams; index++) {
    if ((int)index != chosen) source->format->streams[index]->discard = AVDISCARD_ALL;
  }
  return 0;
}

static int open_decoder(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  const AVCodecParameters *parameters = source->stream->codecpar;
  if (parameters->codec_id == AV_CODEC_ID_NONE) {
    return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "is damaged: it doesn't say how it is coded");
  }
  if (parameters->width > 0 && parameters->height > 0 &&
      (unsigned long long)parameters->width > ingot_video_limits_set.pixels / (unsigned)parameters->height) {
    return ingot_video_refuse_size(why, (unsigned)parameters->width, (unsigned)parameters->height);
  }
  const AVCodec *codec = ingot_ff.avcodec_find_decoder(parameters->codec_id);
  if (!codec || codec->capabilities & (AV_CODEC_CAP_HARDWARE | AV_CODEC_CAP_HYBRID)) {
    return ingot_video_refuse(
        why, INGOT_VIDEO_BAD_DATA, "is coded as %s, for which FFmpeg has no decoder here",
        ingot_ff.avcodec_get_name(parameters->codec_id));
  }
  source->decoder = ingot_ff.avcodec_alloc_context3(codec);
  if (!source->decoder) return ingot_video_refuse_memory(why);
  int status = ingot_ff.avcodec_parameters_to_context(source->decoder, parameters);
  if (status >= 0) {
    // One thread: damage then does the same on every machine, and nothing is decoded beyond what is asked for.
    source->decoder->thread_count = 1;
    source->decoder->pkt_timebase = source->stream->time_base;
    source->decoder->max_pixels = (int64_t)ingot_video_limits_set.pixels;
    status = ingot_ff.avcodec_open2(source->decoder, codec, NULL);
  }
  if (status < 0) return ingot_video_refuse_error(why, status, "is damaged: its decoder can't be started");
  return 0;
}

int ingot_video_open(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  ingot_video_close(source);
  ingot_video_forget_message();
  source->packet = ingot_ff.av_packet_alloc();
  source->frame = ingot_ff.av_frame_alloc();
  if (!source->packet || !source->frame) return ingot_video_refuse_memory(why);
  if (open_container(source, why) || choose_stream(source, why) || open_decoder(source, why)) return why->status;
  ingot_video_forget_message();
  return 0;
}

void ingot_video_close(struct ingot_video_source *source) {
  if (source->packet) ingot_ff.av_packet_free(&source->packet);
  if (source->frame) ingot_ff.av_frame_free(&source->frame);
  if (source->decoder) ingot_ff.avcodec_free_context(&source->decoder);
  if (source->format) ingot_ff.avformat_close_input(&source->format);
  if (source->io) {
    ingot_ff.av_freep(&source->io->buffer);
    ingot_ff.avio_context_free(&source->io);
  }
  source->stream = NULL;
  source->is_draining = 0;
}

enum ingot_video_got ingot_video_read(struct ingot_video_source *source, struct ingot_video_refusal *why) {
  for (;;) {
    int status = ingot_ff.av_read_frame(source->format, source->packet);
    if (status == AVERROR(EAGAIN)) continue;
    if (status == AVERROR_EOF && !source->format->pb->error) return INGOT_VIDEO_END;
    if (status < 0) {
      ingot_video_refuse_error(why, status, "is damaged or cut short: it can't be read to its end");
      return INGOT_VIDEO_FAILED;
    }
    if (source->packet->stream_index == source->stream->index) return INGOT_VIDEO_GOT;
    ingot_ff.av_packet_unref(source->packet);
  }
}

enum ingot_video_got ingot_video_receive(struct ingot_video_source *source) {
  int status = ingot_ff.avcodec_receive_frame(source->decoder, source->frame);
  if (status >= 0) return INGOT_VIDEO_GOT;
  if (status == AVERROR(EAGAIN)) return INGOT_VIDEO_NEEDS_MORE;
  return status == AVERROR_EOF ? INGOT_VIDEO_END : INGOT_VIDEO_FAILED;
}

enum ingot_video_got ingot_video_send(struct ingot_video_source *source) {
  int status = ingot_ff.avcodec_send_packet(source->decoder, source->packet);
  ingot_ff.av_packet_unref(source->packet);
  return status < 0 ? INGOT_VIDEO_FAILED : INGOT_VIDEO_GOT;
}

void ingot_video_drain(struct ingot_video_source *source) {
  if (!source->is_draining) (void)ingot_ff.avcodec_send_packet(source->decoder, NULL);
  source->is_draining = 1;
}
