#include "hdf5_refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int ingot_h5_refuse(struct ingot_h5_refusal *why, int status, const char *place, const char *format, ...) {
  if (why->status) return why->status;
  why->status = status;
  snprintf(why->place, sizeof why->place, "%s", place);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why->reason, sizeof why->reason, format, arguments);
  va_end(arguments);
  return status;
}

int ingot_h5_report(const struct ingot_h5_refusal *why) {
  char line[sizeof why->place + sizeof why->reason + 4];
  int count = snprintf(line, sizeof line - 1, "%s: %s", why->place, why->reason);
  if (count < 0) return why->status;
  for (int index = 0; index < count; index++) {
    unsigned char byte = (unsigned char)line[index];
    if (byte < 0x20 || byte == 0x7f) line[index] = '?';
  }
  line[count] = '\n';
  (void)ingot_h5_write_all(STDERR_FILENO, line, (size_t)count + 1);
  return why->status;
}

int ingot_h5_write_all(int descriptor, const void *bytes, size_t count) {
  const char *position = bytes;
  while (count > 0) {
    ssize_t written = write(descriptor, position, count);
    if (written < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    position += written;
    count -= (size_t)written;
  }
  return 0;
}
