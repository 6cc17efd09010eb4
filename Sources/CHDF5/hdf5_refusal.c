#include "hdf5_refusal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void keep(
    struct ingot_h5_refusal *why, int status, int is_aside, const char *place, const char *format, va_list arguments) {
  if (why->status) return;
  why->status = status;
  why->is_aside = is_aside;
  snprintf(why->place, sizeof why->place, "%s", place);
  vsnprintf(why->reason, sizeof why->reason, format, arguments);
}

int ingot_h5_refuse(struct ingot_h5_refusal *why, int status, const char *place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  keep(why, status, 0, place, format, arguments);
  va_end(arguments);
  return why->status;
}

int ingot_h5_set_aside(struct ingot_h5_refusal *why, const char *place, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  keep(why, INGOT_H5_BAD_DATA, 1, place, format, arguments);
  va_end(arguments);
  return why->status;
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
