#include "include/child_limits.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child_filter.h"

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

/// Lets signals end this process, whatever it was started with: threads of thread pools block most of them, and what
/// they start inherits that.
static void take_signals(void) {
  sigset_t all;
  sigfillset(&all);
  (void)sigprocmask(SIG_UNBLOCK, &all, NULL);
  (void)signal(SIGALRM, SIG_DFL);
  (void)signal(SIGXCPU, SIG_DFL);
}

int ingot_child_limit(unsigned long long bytes, unsigned seconds) {
  take_signals();
  if (lower(RLIMIT_CORE, 0, 0) != 0) return -1;
  if (lower(RLIMIT_AS, bytes, bytes) != 0) return -1;
  if (lower(RLIMIT_CPU, seconds, (rlim_t)seconds + 1) != 0) return -1;
  // The limit is of processor time; a child that waits for something must end too.
  clock_seconds = seconds > 1u << 30 ? 1u << 31 : 2 * seconds;
  ingot_child_start_clock();
  return 0;
}

void ingot_child_start_clock(void) { alarm(clock_seconds); }

void ingot_child_stop_clock(void) { alarm(0); }

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

static void confine(int output, int may_start_threads) {
  (void)lower(RLIMIT_NOFILE, 0, 0);
  if (!is_file(output) && !is_file(STDERR_FILENO)) (void)lower(RLIMIT_FSIZE, 0, 0);
  ingot_child_filter_calls(may_start_threads);
}

void ingot_child_confine(int output) { confine(output, 0); }

void ingot_child_confine_with_threads(int output) { confine(output, 1); }
