#define _GNU_SOURCE  // memfd_create
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_limits.h"
#include "video_api.h"
#include "video_decode.h"

/// Opens the file. Not blocking, so that a named pipe can't hold the program up before it is refused for being no file.
static int open_file(struct ingot_video_job *job, const char *path) {
  struct stat status;
  job->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (job->descriptor < 0) {
    int kind = errno == ENOENT || errno == ENOTDIR || errno == EACCES ? INGOT_VIDEO_NO_INPUT : INGOT_VIDEO_IO;
    return ingot_video_refuse(&job->why, kind, "can't be opened: %s", strerror(errno));
  }
  if (fstat(job->descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    return ingot_video_refuse(&job->why, INGOT_VIDEO_NO_INPUT, "is not a regular file");
  }
  job->length = status.st_size;
  return 0;
}

/// Makes a file of what comes on standard input, in memory only: decoders go to and fro in what they read.
static int hold_input(struct ingot_video_job *job) {
  job->descriptor = memfd_create("ingot", MFD_CLOEXEC);
  if (job->descriptor < 0) return ingot_video_refuse(&job->why, INGOT_VIDEO_IO, "can't be held in memory: %s", strerror(errno));
  char bytes[1 << 16];
  for (;;) {
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count == 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ingot_video_refuse(&job->why, INGOT_VIDEO_IO, "can't be read: %s", strerror(errno));
    for (ssize_t done = 0, more; done < count; done += more) {
      more = write(job->descriptor, bytes + done, (size_t)(count - done));
      if (more < 0 && errno == EINTR) more = 0;
      if (more < 0) return ingot_video_refuse(&job->why, INGOT_VIDEO_IO, "can't be held in memory: %s", strerror(errno));
    }
    job->length += count;
  }
}

int ingot_video_frames(const char *path, unsigned picks, int output) {
  struct ingot_video_job *job = calloc(1, sizeof *job);
  if (!job) return INGOT_VIDEO_BAD_DATA;
  job->picks = picks;
  job->output = output;
  if (picks == 0 || picks > INGOT_VIDEO_MAX_PICKS) {
    ingot_video_refuse(&job->why, INGOT_VIDEO_BAD_DATA, "1 to %u frames can be asked for", INGOT_VIDEO_MAX_PICKS);
  } else if (*path ? !open_file(job, path) : !hold_input(job)) {
    if (ingot_video_is_webp(job)) {
      ingot_video_decode_webp(job);
    } else if (ingot_video_is_heic(job)) {
      ingot_video_decode_heic(job);
    } else if (!ingot_video_load(&job->why)) {
      ingot_child_confine(job->output);
      ingot_video_decode(job);
    }
  }
  int status = job->why.status;
  if (status) ingot_video_report(&job->why);
  if (job->descriptor >= 0) close(job->descriptor);
  free(job->picture.pixels);
  free(job);
  return status;
}
