#ifndef INGOT_VIDEO_SOURCE_H
#define INGOT_VIDEO_SOURCE_H

#include <stdint.h>

#include "video_api.h"

/// A video that is open for decoding.
///
/// FFmpeg gets at the file only through functions of ours, which read this descriptor and can open nothing else:
/// whatever file or address a video names, there is no way to it.
struct ingot_video_source {
  int descriptor;
  int64_t length;
  int64_t position;
  AVIOContext *io;
  AVFormatContext *format;
  /// The one that is decoded.
  AVStream *stream;
  AVCodecContext *decoder;
  AVPacket *packet;
  AVFrame *frame;
  /// Whether the decoder was told that nothing more comes.
  int is_draining;
};

/// What came of asking for a packet or frame.
enum ingot_video_got { INGOT_VIDEO_GOT, INGOT_VIDEO_END, INGOT_VIDEO_FAILED, INGOT_VIDEO_NEEDS_MORE };

/// Opens the video that `source->descriptor`, `source->length` bytes, holds, at its beginning, after closing what was open
/// of it. Returns 0 or a status. Close it in either case.
int ingot_video_open(struct ingot_video_source *source, struct ingot_video_refusal *why);

/// Closes all but the descriptor.
void ingot_video_close(struct ingot_video_source *source);

/// Reads the video stream's next packet into `source->packet`. Refuses if that fails otherwise than by the end.
enum ingot_video_got ingot_video_read(struct ingot_video_source *source, struct ingot_video_refusal *why);

/// Gets a decoded frame into `source->frame`, which is to be unreferenced: from what the decoder has been sent.
/// INGOT_VIDEO_FAILED: the data are damaged.
enum ingot_video_got ingot_video_receive(struct ingot_video_source *source);

/// Sends the decoder `source->packet`, and lets go of it. Returns INGOT_VIDEO_GOT, or INGOT_VIDEO_FAILED: the data are
/// damaged.
enum ingot_video_got ingot_video_send(struct ingot_video_source *source);

/// Tells the decoder that nothing more comes.
void ingot_video_drain(struct ingot_video_source *source);

#endif
