// Threads that share the tiles of one kernel at a time, and the scratch memory kernels reuse from call to call.
#ifndef INGOT_POOL_H
#define INGOT_POOL_H

#include "include/kernels.h"

struct ck_operations;

/// One piece of a kernel. `thread` (0 ..< threads) says whose scratch it may use.
typedef void ck_task(void *context, size_t task, int thread);

/// Runs `task` for 0 ..< count, each once, in about that order, and returns when all are done.
void ck_pool_run(ck_pool *pool, ck_task *task, void *context, size_t count);

/// What scratch memory is for. A kind is grown when a kernel needs more, never shrunk.
enum { ck_scratch_packed = 0, ck_scratch_plan = 1, ck_scratch_kinds = 2 };

/// Memory shared by all threads (64-byte aligned, contents undefined), or NULL when memory is short.
void *ck_pool_shared(ck_pool *pool, int kind, size_t bytes);
/// Makes sure that every thread has `bytes` of its own. Returns -1 when memory is short.
int ck_pool_reserve(ck_pool *pool, size_t bytes);
/// That memory.
void *ck_pool_own(const ck_pool *pool, int thread);

/// The hot loops of the level this pool uses.
const struct ck_operations *ck_pool_operations(const ck_pool *pool);

#endif
