// Products of few rows with a matrix whose rows are inputs, and softmax: who computes which.
#include "operations.h"
#include "pool.h"

typedef struct products {
  const ck_operations *operations;
  const ck_product *all;
} products;

static void product_task(void *context, size_t task, int thread) {
  (void)thread;
  const products *products = context;
  products->operations->product(products->all + task);
}

void ck_product_run(ck_pool *pool, const ck_product *all, size_t count) {
  products products = {.operations = ck_pool_operations(pool), .all = all};
  ck_pool_run(pool, product_task, &products, count);
}

typedef struct rows {
  const ck_operations *operations;
  float *x;
  size_t rows, count, stride, per_task;
} rows;

static void softmax_task(void *context, size_t task, int thread) {
  (void)thread;
  const rows *all = context;
  size_t end = ck_least((task + 1) * all->per_task, all->rows);
  for (size_t row = task * all->per_task; row < end; row++) all->operations->softmax(all->x + row * all->stride, all->count);
}

void ck_softmax(ck_pool *pool, float *x, size_t count, size_t columns, size_t stride) {
  if (count == 0 || columns == 0) return;
  rows all = {.operations = ck_pool_operations(pool), .x = x, .rows = count, .count = columns, .stride = stride, .per_task = 8};
  ck_pool_run(pool, softmax_task, &all, ck_parts(count, all.per_task));
}
