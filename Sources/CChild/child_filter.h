#ifndef INGOT_CHILD_FILTER_H
#define INGOT_CHILD_FILTER_H

/// Leaves this process only harmless system calls, where the kernel has seccomp; others fail with EPERM.
void ingot_child_filter_calls(int may_start_threads);

#endif
