// Products with a matrix whose rows are inputs, and softmax over rows: the two steps of an attention whose keys and
// values are never made, because its queries are few.
#include <string.h>

#include "pool.h"

#if defined(__x86_64__) && defined(__linux__)
#define FOR_SEVERAL_PROCESSORS __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define FOR_SEVERAL_PROCESSORS
#endif

enum { TILE_ROWS = 4, TILE_COLUMNS = 32 };

/// A tile of y, whole in registers while all inputs pass. Of w it reads either form; the other is NULL.
static inline __attribute__((always_inline)) void tile(
    const ck_product *p, const float *floats, const int8_t *int8, size_t row, size_t column, size_t rows,
    size_t columns) {
  float sums[TILE_ROWS][TILE_COLUMNS] = {{0}};
  for (size_t input = 0; input < p->inputs; input++) {
    size_t start = input * p->w_stride + column;
    if (floats != NULL) {
      const float *w = floats + start;
      for (size_t r = 0; r < rows; r++) {
        float x = p->x[(row + r) * p->x_stride + input];
        for (size_t c = 0; c < columns; c++) sums[r][c] += x * w[c];
      }
    } else {
      const int8_t *w = int8 + start;
      for (size_t r = 0; r < rows; r++) {
        float x = p->x[(row + r) * p->x_stride + input] * p->scales[input];
        for (size_t c = 0; c < columns; c++) sums[r][c] += x * (float)w[c];
      }
    }
  }
  for (size_t r = 0; r < rows; r++) {
    memcpy(p->y + (row + r) * p->y_stride + column, sums[r], columns * sizeof(float));
  }
}

static inline __attribute__((always_inline)) void multiply(const ck_product *p, const float *floats,
                                                           const int8_t *int8) {
  for (size_t column = 0; column < p->outputs; column += TILE_COLUMNS) {
    size_t columns = p->outputs - column < TILE_COLUMNS ? p->outputs - column : TILE_COLUMNS, row = 0;
    if (columns == TILE_COLUMNS) {
      for (; row + TILE_ROWS <= p->rows; row += TILE_ROWS) tile(p, floats, int8, row, column, TILE_ROWS, TILE_COLUMNS);
      for (; row < p->rows; row++) tile(p, floats, int8, row, column, 1, TILE_COLUMNS);
    } else {
      for (; row < p->rows; row++) tile(p, floats, int8, row, column, 1, columns);
    }
  }
}

FOR_SEVERAL_PROCESSORS
static void multiply_floats(const ck_product *p) { multiply(p, p->w, NULL); }

FOR_SEVERAL_PROCESSORS
static void multiply_int8(const ck_product *p) { multiply(p, NULL, p->w); }

static void product_task(void *context, size_t task, int thread) {
  (void)thread;
  const ck_product *product = (const ck_product *)context + task;
  if (product->scales != NULL) multiply_int8(product);
  else multiply_floats(product);
}

void ck_product_run(ck_pool *pool, const ck_product *products, size_t count) {
  ck_pool_run(pool, product_task, (void *)products, count);
}

/// e^x of x ≤ 0: 2^n e^r with n = round(x / ln 2), and a polynomial for e^r (Cephes, expf), good to 2e-7 of its value.
static inline __attribute__((always_inline)) float exponential(float x) {
  // What is no number, too, becomes one: it can't be converted to an integer.
  x = x > -87.0f ? x : -87.0f;
  float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float e = 1.9875691500e-4f;
  e = e * r + 1.3981999507e-3f;
  e = e * r + 8.3334519073e-3f;
  e = e * r + 4.1665795894e-2f;
  e = e * r + 1.6666665459e-1f;
  e = e * r + 5.0000001201e-1f;
  e = e * r * r + r + 1.0f;
  union {
    int32_t bits;
    float value;
  } power = {.bits = ((int32_t)n + 127) << 23};
  return e * power.value;
}

enum { LANES = 16 };

FOR_SEVERAL_PROCESSORS
static void softmax(float *row, size_t count) {
  float largest = row[0];
  for (size_t index = 1; index < count; index++) largest = row[index] > largest ? row[index] : largest;
  float sums[LANES] = {0}, sum = 0.0f;
  size_t start = 0;
  for (; start + LANES <= count; start += LANES) {
    for (size_t lane = 0; lane < LANES; lane++) {
      row[start + lane] = exponential(row[start + lane] - largest);
      sums[lane] += row[start + lane];
    }
  }
  for (; start < count; start++) {
    row[start] = exponential(row[start] - largest);
    sum += row[start];
  }
  for (size_t lane = 0; lane < LANES; lane++) sum += sums[lane];
  float factor = 1.0f / sum;
  for (size_t index = 0; index < count; index++) row[index] *= factor;
}

typedef struct rows {
  float *x;
  size_t rows, count, stride, per_task;
} rows;

static void softmax_task(void *context, size_t task, int thread) {
  (void)thread;
  const rows *all = context;
  size_t end = (task + 1) * all->per_task < all->rows ? (task + 1) * all->per_task : all->rows;
  for (size_t row = task * all->per_task; row < end; row++) softmax(all->x + row * all->stride, all->count);
}

void ck_softmax(ck_pool *pool, float *x, size_t count, size_t columns, size_t stride) {
  if (count == 0 || columns == 0) return;
  rows all = {.x = x, .rows = count, .count = columns, .stride = stride, .per_task = 8};
  ck_pool_run(pool, softmax_task, &all, (count + all.per_task - 1) / all.per_task);
}
