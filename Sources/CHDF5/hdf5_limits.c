#include "hdf5_limits.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/hdf5_child.h"

/// Lowers the limit, never raises it: a limit that is lower already stays.
static int lower(int resource, rlim_t soft, rlim_t hard) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0) return -1;
  if (hard < limit.rlim_max) limit.rlim_max = hard;
  if (soft < limit.rlim_cur) limit.rlim_cur = soft;
  if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
  return setrlimit(resource, &limit);
}

int ingot_hdf5_limit(unsigned long long bytes, unsigned seconds) {
  if (lower(RLIMIT_CORE, 0, 0) != 0) return -1;
  if (lower(RLIMIT_AS, bytes, bytes) != 0) return -1;
  return lower(RLIMIT_CPU, seconds, (rlim_t)seconds + 1);
}

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// Both are a second lock on doors that are shut anyway, so a failure is no reason to stop.
void ingot_h5_confine(int output) {
  (void)lower(RLIMIT_NOFILE, 0, 0);
  if (!is_file(output) && !is_file(STDERR_FILENO)) (void)lower(RLIMIT_FSIZE, 0, 0);
}
