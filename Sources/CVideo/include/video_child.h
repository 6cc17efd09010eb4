#ifndef INGOT_VIDEO_CHILD_H
#define INGOT_VIDEO_CHILD_H

// Frames of videos, decoded through FFmpeg's libraries, and of animated WebP through libwebpdemux.
//
// Decoders are large and are fed hostile files, so nothing here may be called in a process that has anything to lose:
// `ingot` starts itself as a child process for one call, and judges that call by its exit status and by what it wrote.
// The libraries are loaded by the call (dlopen), not linked.

/// Bounds of what is accepted; a file that goes past one is refused, with a line that says so.
#define INGOT_VIDEO_MAX_PICKS 1024u  ///< frames asked for

/// Bounds that the caller chooses.
struct ingot_video_limits {
  unsigned long long frames;     ///< of a video
  unsigned long long pixels;     ///< of a frame
  unsigned long long animation;  ///< bytes of an animated WebP, which is read as a whole
};

/// To be called before `ingot_video_frames`.
void ingot_video_set_limits(struct ingot_video_limits limits);

/// Writes `picks` uniformly spaced frames of the video at `path`, or on standard input where that is empty, to the descriptor
/// `output`.
///
/// Which: time is cut into `picks` equal intervals of the whole length, and the frame shown at the centre of each is
/// taken, the last one that begins at that time or earlier. The whole length goes from the beginning of the first
/// frame to the end of the last, by the frames' own times; what the file's header says of its length isn't looked at.
///
/// What is written begins with the 8 bytes "INGOTVF" 0x01. All numbers are little-endian, times are float64 seconds
/// since the first frame:
///
///     'H'  frames of the video (u64), its whole length (float64), records 'F' that follow (u32)
///     'F'  number of the frame from 0 (u64), time (float64), how many of the picks it is (u32), width (u32),
///          height (u32), then height * width * 3 bytes of RGB
///     'E'                                            the end; nothing follows
///
/// Frames come in the order of their times; one that is picked several times comes once. They are turned and mirrored
/// as the file says (its display matrix); the shape of their pixels (sample aspect ratio) is not looked at.
///
/// Returns an exit status after BSD's sysexits.h: 0 done; 65 the data aren't what they should be; 66 no such input; 69 a
/// library isn't installed or not usable; 74 reading or writing failed. Unless it is 0, the output isn't complete, and
/// a line on standard error says why. From then on the process is confined
/// (`ingot_child_confine`); time spent waiting for somebody to read the output doesn't count for its clock.
int ingot_video_frames(const char *path, unsigned picks, int output);

#endif
