#include "hdf5_asking.h"

#include <errno.h>
#include <unistd.h>

#include "child_limits.h"

static int write_all(const void *bytes, size_t count) {
  const char *position = bytes;
  while (count > 0) {
    ssize_t done = write(STDIN_FILENO, position, count);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return -1;
    position += done;
    count -= (size_t)done;
  }
  return 0;
}

static int read_all(void *bytes, unsigned long long count) {
  char *position = bytes;
  while (count > 0) {
    ssize_t done = read(STDIN_FILENO, position, (size_t)count);
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = EPIPE;
    if (done <= 0) return -1;
    position += done;
    count -= (unsigned long long)done;
  }
  return 0;
}

int ingot_h5_ask(unsigned long long offset, void *bytes, unsigned long long count) {
  const unsigned long long request[2] = {offset, count};
  ingot_child_stop_clock();
  int status = write_all(request, sizeof request);
  if (status == 0) status = read_all(bytes, count);
  ingot_child_start_clock();
  return status;
}
