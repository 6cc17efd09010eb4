// A task is claimed by one compare-and-swap on a word holding the kernel's number and how many of its tasks are left.
// A thread that wakes late finds nothing left and isn't waited for: only claimed tasks are.
#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "operations.h"

enum { line = 64, huge_page = 1 << 21 };

/// How long a thread without work looks for some before it sleeps: longer than what passes between two kernels of a
/// decoding step, short enough not to be seen.
static const int64_t spin_nanoseconds = 60000;

typedef struct buffer {
  void *bytes;
  size_t size;
} buffer;

typedef struct worker {
  pthread_t thread;
  struct ck_pool *pool;
  int index;
} worker;

struct ck_pool {
  // High half: the kernel's number; low half: tasks not claimed yet.
  _Alignas(line) _Atomic uint64_t state;
  _Alignas(line) _Atomic size_t done;
  // Written while no task is left, read only by those who have claimed one.
  _Alignas(line) ck_task *task;
  void *context;
  size_t count;

  _Alignas(line) _Atomic int sleeping;
  _Atomic int stopping;
  pthread_mutex_t mutex;
  pthread_cond_t wake;

  const struct ck_operations *operations;
  worker *workers;
  int started; // workers, the caller not included
  buffer shared[ck_scratch_kinds];
  buffer *own;
};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// Runs tasks until none is left to claim.
static void work(ck_pool *pool, int thread) {
  uint64_t state = atomic_load_explicit(&pool->state, memory_order_acquire);
  while ((uint32_t)state != 0) {
    // Success means that the kernel seen is still running and can't end before this task is counted as done.
    if (!atomic_compare_exchange_weak_explicit(&pool->state, &state, state - 1, memory_order_acquire,
                                               memory_order_acquire))
      continue;
    pool->task(pool->context, pool->count - (uint32_t)state, thread);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    state = atomic_load_explicit(&pool->state, memory_order_acquire);
  }
}

static int has_tasks(ck_pool *pool) { return (uint32_t)atomic_load(&pool->state) != 0; }

static void sleep_until_work(ck_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleeping, 1);
  while (!has_tasks(pool) && !atomic_load(&pool->stopping)) pthread_cond_wait(&pool->wake, &pool->mutex);
  atomic_fetch_sub(&pool->sleeping, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument) {
  worker *me = argument;
  ck_pool *pool = me->pool;
  while (!atomic_load_explicit(&pool->stopping, memory_order_relaxed)) {
    work(pool, me->index);
    int64_t start = nanoseconds();
    int found = 0;
    while (!found && nanoseconds() - start < spin_nanoseconds) {
      for (int i = 0; i < 32 && !found; i++) {
        relax();
        found = (uint32_t)atomic_load_explicit(&pool->state, memory_order_relaxed) != 0;
      }
    }
    if (!found) sleep_until_work(pool);
  }
  return NULL;
}

static void run_some(ck_pool *pool, ck_task *task, void *context, size_t count) {
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
  uint64_t number = (atomic_load_explicit(&pool->state, memory_order_relaxed) >> 32) + 1;
  // Sequentially consistent, as is the count of sleepers: either the sleeper sees the tasks or we see the sleeper.
  atomic_store(&pool->state, number << 32 | (uint64_t)count);
  if (atomic_load(&pool->sleeping) > 0) {
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
  work(pool, 0);
  for (int spins = 0; atomic_load_explicit(&pool->done, memory_order_acquire) != count; spins++) {
    // The one we wait for may need this very processor.
    if (spins < 4000) relax();
    else sched_yield();
  }
}

void ck_pool_run(ck_pool *pool, ck_task *task, void *context, size_t count) {
  if (pool->started == 0 || count == 1) {
    for (size_t i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  // The low half of the word is 32 bits; no plan makes that many tasks, and none may be lost if one did.
  if (count > UINT32_MAX) {
    for (size_t i = 0; i < count; i++) task(context, i, 0);
  } else if (count > 0) {
    run_some(pool, task, context, count);
  }
}

static int grow(buffer *buffer, size_t bytes) {
  if (bytes <= buffer->size) return 0;
  // Large buffers are made of huge pages where the system has them: packed panels are walked through all the time.
  size_t alignment = bytes >= huge_page / 2 ? huge_page : line;
  if (bytes > SIZE_MAX - huge_page) return -1;
  size_t size = (bytes + alignment - 1) / alignment * alignment;
  free(buffer->bytes);
  buffer->size = 0;
  if (posix_memalign(&buffer->bytes, alignment, size) != 0) {
    buffer->bytes = NULL;
    return -1;
  }
#if defined(__linux__)
  if (alignment == huge_page) madvise(buffer->bytes, size, MADV_HUGEPAGE);
#endif
  buffer->size = size;
  return 0;
}

void *ck_pool_shared(ck_pool *pool, int kind, size_t bytes) {
  return grow(&pool->shared[kind], bytes) == 0 ? pool->shared[kind].bytes : NULL;
}

int ck_pool_reserve(ck_pool *pool, size_t bytes) {
  for (int i = 0; i <= pool->started; i++)
    if (grow(&pool->own[i], bytes) != 0) return -1;
  return 0;
}

void *ck_pool_own(const ck_pool *pool, int thread) { return pool->own[thread].bytes; }

const struct ck_operations *ck_pool_operations(const ck_pool *pool) { return pool->operations; }

int ck_pool_threads(const ck_pool *pool) { return pool->started + 1; }

ck_pool *ck_pool_create(int threads, ck_level level) {
  const ck_operations *operations = ck_operations_of(level);
  if (operations == NULL) return NULL;
  if (threads < 1) threads = 1;
  ck_pool *pool;
  void *memory;
  if (posix_memalign(&memory, line, sizeof(ck_pool)) != 0) return NULL;
  pool = memory;
  memset(pool, 0, sizeof(*pool));
  atomic_init(&pool->state, 0);
  atomic_init(&pool->done, 0);
  atomic_init(&pool->sleeping, 0);
  atomic_init(&pool->stopping, 0);
  pool->operations = operations;
  pool->workers = calloc((size_t)threads, sizeof(worker));
  pool->own = calloc((size_t)threads, sizeof(buffer));
  if (pool->workers == NULL || pool->own == NULL || pthread_mutex_init(&pool->mutex, NULL) != 0) {
    free(pool->workers);
    free(pool->own);
    free(pool);
    return NULL;
  }
  if (pthread_cond_init(&pool->wake, NULL) != 0) threads = 1;
  for (int i = 1; i < threads; i++) {
    worker *next = &pool->workers[pool->started];
    next->pool = pool;
    next->index = pool->started + 1;
    if (pthread_create(&next->thread, NULL, worker_main, next) != 0) break;
    pool->started++;
  }
  return pool;
}

void ck_pool_destroy(ck_pool *pool) {
  if (pool == NULL) return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stopping, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  for (int i = 0; i <= pool->started; i++) free(pool->own[i].bytes);
  for (int i = 0; i < ck_scratch_kinds; i++) free(pool->shared[i].bytes);
  free(pool->own);
  free(pool->workers);
  free(pool);
}
