// Layer norm by rows; what needs no threads.
#include "operations.h"
#include "pool.h"

/// Elements to be worth waking another thread.
enum { least_shared_work = 32768, elements_per_task = 16384 };

typedef struct norm {
  const ck_operations *operations;
  const float *x, *weight, *bias;
  float *y;
  size_t rows, size, rows_per_task;
  float epsilon;
} norm;

static void norm_task(void *context, size_t index, int thread) {
  (void)thread;
  const norm *norm = context;
  size_t first = index * norm->rows_per_task, rows = ck_least(norm->rows_per_task, norm->rows - first);
  norm->operations->layer_norm(norm->x + first * norm->size, rows, norm->size, norm->weight, norm->bias, norm->epsilon,
                               norm->y + first * norm->size);
}

void ck_layer_norm(ck_pool *pool, const float *x, size_t rows, size_t size, const float *weight, const float *bias,
                   float epsilon, float *y) {
  if (rows == 0 || size == 0) return;
  norm norm = {.operations = ck_pool_operations(pool), .x = x, .weight = weight, .bias = bias, .y = y, .rows = rows,
               .size = size, .rows_per_task = rows, .epsilon = epsilon};
  if (rows > least_shared_work / size) norm.rows_per_task = ck_most(elements_per_task / size, 1);
  ck_pool_run(pool, norm_task, &norm, ck_parts(rows, norm.rows_per_task));
}

double ck_log_sum_exp(const float *x, size_t count) {
  return ck_operations_of(ck_level_of_processor())->log_sum_exp(x, count);
}

void ck_widen(const void *source, ck_type type, size_t count, float *target) {
  if (count > 0) ck_operations_of(ck_level_of_processor())->widen(source, type, count, target);
}
