#ifndef INGOT_VIDEO_PICTURE_H
#define INGOT_VIDEO_PICTURE_H

#include "video_output.h"
#include "video_source.h"

/// Makes the decoder's frame a picture: in RGB by the colour space and range that it says it is in, turned and mirrored.
/// Returns 0 or a status.
int ingot_video_make_picture(
    const struct ingot_video_source *source, struct ingot_video_picture *picture, struct ingot_video_refusal *why);

#endif
