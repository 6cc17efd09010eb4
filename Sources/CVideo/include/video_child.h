#ifndef INGOT_VIDEO_CHILD_H
#define INGOT_VIDEO_CHILD_H

// Frames of videos, decoded through FFmpeg's libraries, and of animated WebP through libwebpdemux.
//
// Decoders are large and are fed hostile files, so nothing here may be called in a process that has anything to lose:
// `ingot` starts itself as a child process for one call, and judges that call by its exit status and by what it wrote.
// The libraries are loaded by the call (dlopen), not linked.

/// Bounds of what is accepted; a file that goes past one is refused, with a line that says so.
#define INGOT_VIDEO_MAX_PICKS 1024u        ///< frames asked for
#define INGOT_VIDEO_MAX_FRAMES 4000000u    ///< of a video: 18 hours at 60 a second
#define INGOT_VIDEO_MAX_PIXELS (1u << 26)  ///< of a frame: twice an 8K one
#define INGOT_VIDEO_MAX_WEBP (256u << 20)  ///< bytes of an animated WebP, which is read as a whole

/// Limits this process for good to `bytes` of address space and `seconds` of processor time (SIGXCPU at the limit,
/// SIGKILL a second later), and lets it leave no core file. SIGALRM ends it after twice as many seconds on the clock,
/// in which time spent waiting for somebody to read what it writes doesn't count. Returns 0, or -1 with `errno` set.
int ingot_video_limit(unsigned long long bytes, unsigned seconds);

/// Writes `picks` uniformly spaced frames of the video at `path` to the descriptor `output`.
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
/// a line on standard error says why. From then on the process can't open
/// files, and can't write any unless `output` or standard error is one.
int ingot_video_frames(const char *path, unsigned picks, int output);

#endif
