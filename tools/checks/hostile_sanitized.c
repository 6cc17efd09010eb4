// What the children do, and the decoding of pictures, under AddressSanitizer: see `--sanitize` in check_hostile.py.
//
//     clang -g -O1 -fsanitize=address,undefined … tools/checks/hostile_sanitized.c Sources/{CHDF5,CVideo,CImages,CLoading}/*.c
//     hostile_sanitized hdf5|videos|pictures REPORT <paths
//
// Reads each file in a process of its own. Prints for each its path after what came of it: `done`, `late`, `signal N`,
// or `report` when the sanitizer stopped it, whose words are then appended to REPORT.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hdf5_child.h"
#include "images.h"
#include "video_child.h"

enum { REPORTED = 99, SECONDS = 30 };

// The sanitizer needs the system calls that are taken from a child.
void ingot_child_confine(int output) { (void)output; }
void ingot_child_confine_with_threads(int output) { (void)output; }
void ingot_child_start_clock(void) {}
void ingot_child_stop_clock(void) {}

static char *read_all(int descriptor, size_t *count) {
  off_t size = lseek(descriptor, 0, SEEK_END);
  char *bytes = size < 0 ? NULL : malloc((size_t)size + 1);
  if (!bytes || pread(descriptor, bytes, (size_t)size, 0) != size) exit(1);
  bytes[size] = 0;
  *count = (size_t)size;
  return bytes;
}

/// Lists the arrays, and reads each whose name needs no escapes.
static void read_hdf5(const char *path, int nowhere) {
  FILE *list = tmpfile();
  if (!list || ingot_hdf5_list(path, 0, 0, fileno(list)) != 0) return;
  size_t count;
  char *rest = read_all(fileno(list), &count), *end;
  while ((rest = strstr(rest, "{\"name\":\"")) && (end = strstr(rest += 9, "\",\"type\""))) {
    *end = 0;
    if (!strchr(rest, '\\')) ingot_hdf5_read(path, 0, 0, rest, nowhere);
    rest = end + 1;
  }
}

static void read_picture(const char *path) {
  size_t count;
  int descriptor = open(path, O_RDONLY);
  // Of the very size, so that a byte too many is one outside.
  char *bytes = read_all(descriptor, &count), *exact = malloc(count ? count : 1);
  memcpy(exact, bytes, count);
  char reason[INGOT_IMAGE_REASON];
  ingot_picture picture = {0};
  ingot_image_decode((const uint8_t *)exact, count, 20000000, &picture, reason);
  ingot_picture_free(&picture);
}

static void read_file(const char *kind, const char *path, const char *report) {
  int nowhere = open("/dev/null", O_WRONLY), words = open(report, O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(words, STDERR_FILENO);
  alarm(SECONDS);
  if (strcmp(kind, "hdf5") == 0) {
    read_hdf5(path, nowhere);
  } else if (strcmp(kind, "videos") == 0) {
    ingot_video_frames(path, 6, nowhere);
  } else {
    read_picture(path);
  }
  _exit(0);
}

int main(int count, char **arguments) {
  if (count != 3) return 64;
  ingot_hdf5_set_limits((struct ingot_hdf5_limits){1000000, 256u << 20, 256u << 20, 1100});
  ingot_video_set_limits((struct ingot_video_limits){4000000, 1u << 26, 256u << 20});
  char path[4096];
  while (fgets(path, sizeof path, stdin)) {
    path[strcspn(path, "\n")] = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) read_file(arguments[1], path, arguments[2]);
    int status;
    if (waitpid(child, &status, 0) != child) return 1;
    if (WIFEXITED(status)) {
      printf("%s %s\n", WEXITSTATUS(status) == REPORTED ? "report" : "done", path);
    } else if (WTERMSIG(status) == SIGALRM) {
      printf("late %s\n", path);
    } else {
      printf("signal %d %s\n", WTERMSIG(status), path);
    }
  }
  return 0;
}
