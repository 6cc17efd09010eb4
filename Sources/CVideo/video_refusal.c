#include "video_refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int ingot_video_refuse(struct ingot_video_refusal *why, int status, const char *format, ...) {
  if (why->status) return why->status;
  why->status = status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why->reason, sizeof why->reason, format, arguments);
  va_end(arguments);
  return status;
}

int ingot_video_refuse_memory(struct ingot_video_refusal *why) {
  return ingot_video_refuse(why, INGOT_VIDEO_BAD_DATA, "needs more memory than decoding is allowed");
}

int ingot_video_report(const struct ingot_video_refusal *why) {
  char line[sizeof why->reason + 1];
  size_t count = 0;
  for (; why->reason[count]; count++) {
    unsigned char byte = (unsigned char)why->reason[count];
    line[count] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
  }
  line[count++] = '\n';
  // Who doesn't read it still sees the status.
  if (write(STDERR_FILENO, line, count) < 0) return why->status;
  return why->status;
}

/// Lowers the limit, never raises it: a limit that is lower already stays.
static int lower(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return -1;
  if (hard < limit.rlim_max) limit.rlim_max = hard;
  if (soft < limit.rlim_cur) limit.rlim_cur = soft;
  if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit);
}

static unsigned clock_seconds;

int ingot_video_limit(unsigned long long bytes, unsigned seconds) {
  if (lower(RLIMIT_CORE, 0, 0) != 0) return -1;
  if (lower(RLIMIT_AS, bytes, bytes) != 0) return -1;
  if (lower(RLIMIT_CPU, seconds, (rlim_t)seconds + 1) != 0) return -1;
  // The limit is of processor time; a child that waits for something must end too.
  clock_seconds = seconds > 1u << 30 ? 1u << 31 : 2 * seconds;
  ingot_video_start_clock();
  return 0;
}

void ingot_video_start_clock(void) { alarm(clock_seconds); }

void ingot_video_stop_clock(void) { alarm(0); }

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// A second lock on doors that are shut anyway (see `video_source.c`), so a failure is no reason to stop.
void ingot_video_confine(int output) {
  (void)lower(RLIMIT_NOFILE, 0, 0);
  if (!is_file(output) && !is_file(STDERR_FILENO)) (void)lower(RLIMIT_FSIZE, 0, 0);
}
