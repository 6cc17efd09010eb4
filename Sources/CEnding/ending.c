#define _GNU_SOURCE
#include "ending.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

// The handler of a bus error may interrupt any thread anywhere. So the tables are fixed, and a place in them is valid
// only between two stores of its state; no lock is needed to read them.
enum { FREE, BUSY, USED };
enum { FILES = 64, PATH = 4096, MAPPINGS = 128, TEXT = 2000 };

static struct {
  atomic_int state;
  char path[PATH];
} files[FILES];

static struct {
  atomic_int state;
  uintptr_t start, end;
  size_t length;
  char text[TEXT];
} mappings[MAPPINGS];

/// Held while files come and go, and by the signal's thread to the end of the process.
static pthread_mutex_t holding = PTHREAD_MUTEX_INITIALIZER;

static sigset_t waited;
static int is_installed, breaks_pipes, exit_status, is_terminal;

int ingot_ending_note_file(const char *path) {
  size_t length = strlen(path) + 1;
  if (length > PATH) return -1;
  for (int place = 0; place < FILES; place++) {
    int expected = FREE;
    if (!atomic_compare_exchange_strong(&files[place].state, &expected, BUSY)) continue;
    memcpy(files[place].path, path, length);
    atomic_store(&files[place].state, USED);
    return place;
  }
  return -1;
}

void ingot_ending_forget_file(int place) {
  if (place >= 0) atomic_store(&files[place].state, FREE);
}

int ingot_ending_note_mapping(const void *start, size_t count, const char *text) {
  for (int place = 0; place < MAPPINGS; place++) {
    int expected = FREE;
    if (!atomic_compare_exchange_strong(&mappings[place].state, &expected, BUSY)) continue;
    mappings[place].start = (uintptr_t)start;
    mappings[place].end = (uintptr_t)start + count;
    mappings[place].length = strnlen(text, TEXT);
    memcpy(mappings[place].text, text, mappings[place].length);
    atomic_store(&mappings[place].state, USED);
    return place;
  }
  return -1;
}

void ingot_ending_forget_mapping(int place) {
  if (place >= 0) atomic_store(&mappings[place].state, FREE);
}

void ingot_ending_hold(void) { pthread_mutex_lock(&holding); }

void ingot_ending_release(void) { pthread_mutex_unlock(&holding); }

/// Only calls that a signal handler may make.
static void remove_files(void) {
  for (int place = 0; place < FILES; place++) {
    if (atomic_load(&files[place].state) == USED) unlink(files[place].path);
  }
}

static void say(const char *text, size_t length) {
  while (length > 0) {
    ssize_t count = write(STDERR_FILENO, text, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text += count;
    length -= (size_t)count;
  }
}

/// What the line of progress left on a terminal.
static void clear_line(void) {
  if (is_terminal) say("\r\x1b[K", 4);
}

static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  // A signal that another process sent has no address.
  for (int place = 0; info->si_code > 0 && place < MAPPINGS; place++) {
    if (atomic_load(&mappings[place].state) != USED) continue;
    if (address < mappings[place].start || address >= mappings[place].end) continue;
    // Other threads that compute with the same file fail at the same time.
    static atomic_flag is_ending = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&is_ending)) pause();
    remove_files();
    clear_line();
    say(mappings[place].text, mappings[place].length);
    _exit(exit_status);
  }
  signal(number, SIG_DFL);
  // A fault comes again when this returns; a signal that was sent does not.
  if (info->si_code <= 0) raise(number);
}

/// Ends the process by a signal; the lock is held.
static _Noreturn void end_by(int number) {
  remove_files();
  clear_line();
  signal(number, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  kill(getpid(), number);
  _exit(128 + number);
}

static void *wait_for_signals(void *unused) {
  (void)unused;
  int number = 0;
  while (sigwait(&waited, &number) != 0) continue;
  ingot_ending_hold();
  end_by(number);
}

static int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int ingot_ending_install(int status) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  exit_status = status;
  is_terminal = isatty(STDERR_FILENO);
  sigemptyset(&waited);
  // Under nohup, or in the background of a script, some are ignored, and are to stay so.
  for (int index = 0; index < 3; index++) {
    if (!is_ignored(numbers[index])) sigaddset(&waited, numbers[index]);
  }
  sigset_t blocked = waited;
  breaks_pipes = !is_ignored(SIGPIPE);
  sigaddset(&blocked, SIGPIPE);
  int error = pthread_sigmask(SIG_BLOCK, &blocked, NULL);
  if (error) return error;
  signal(SIGXFSZ, SIG_IGN);
  // Whoever started the program may have it ignored, and then no child can be waited for.
  signal(SIGCHLD, SIG_DFL);
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
  sigfillset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, NULL) != 0) return errno;
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 << 10);
  error = pthread_create(&thread, &attributes, wait_for_signals, NULL);
  pthread_attr_destroy(&attributes);
  if (error) {
    // Without the thread, they end the process by default.
    pthread_sigmask(SIG_UNBLOCK, &waited, NULL);
    return error;
  }
  is_installed = 1;
  return 0;
}

void ingot_ending_broken_pipe(void) {
  if (!is_installed || !breaks_pipes) return;
  ingot_ending_hold();
  end_by(SIGPIPE);
}
