#ifndef INGOT_CHILD_LIMITS_H
#define INGOT_CHILD_LIMITS_H

// What keeps a child process small, short and harmless that runs a large library on a hostile file: `ingot` starts
// itself as such a child. Each limit only ever lowers what there was.

/// Limits this process for good to `bytes` of address space and `seconds` of processor time (SIGXCPU at the limit,
/// SIGKILL a second later), and lets it leave no core file. SIGALRM ends it after twice as many seconds on the clock,
/// whatever signals were blocked or ignored where it was started. Returns 0, or -1 with `errno` set.
int ingot_child_limit(unsigned long long bytes, unsigned seconds);

/// Stops the clock that `ingot_child_limit` set, and starts it again from the beginning: time spent waiting for
/// somebody to read what the process writes need not count.
void ingot_child_stop_clock(void);
void ingot_child_start_clock(void);

/// Takes from this process, for good, the ability to open anything and to make any file longer. Where the kernel can
/// do it (seccomp), no system calls are left to it but those that read, write and map what is open, and that manage its
/// own memory, time and end: others fail with EPERM. `output` and standard error may be files: then files can still be
/// written. The libraries must have been loaded. It is a second lock on doors that are shut anyway, so it can't fail.
void ingot_child_confine(int output);

/// The same for a library that can't do without threads of its own, which may then still be started.
void ingot_child_confine_with_threads(int output);

#endif
