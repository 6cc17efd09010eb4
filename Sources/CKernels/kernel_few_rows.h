// Products of few rows with weights read in place: each weight row is adjacent over the inputs, so sums run along them.
// Included once per level.

/// Weight rows taken at once: as many sums as registers allow, and enough of them to hide the latency of adding.
static INLINE size_t outputs_at_once(size_t rows) {
  if (lanes == 16) return rows <= 2 ? 8 : rows <= 4 ? 6 : rows <= 6 ? 4 : rows <= 8 ? 3 : 2;
  return rows <= 1 ? 8 : rows <= 2 ? 4 : rows <= 4 ? 3 : rows <= 6 ? 2 : 1;
}

/// How far ahead weights are fetched into the second-level cache, in bytes: more than memory's latency hides.
enum { fetch_ahead = 24576 };
/// Weights that are used by several groups of rows one after the other.
enum { cached_weights = 98304 };

/// x (rows × depth) · w (outputs × depth)ᵀ, sums to c. rows, outputs and type are constants where this is inlined. Rows
/// `ahead` bytes behind these are fetched meanwhile; beyond the weights' end that does nothing.
static INLINE void dots(size_t rows, size_t outputs, const float *x, size_t x_stride, const char *w, ck_type type,
                        size_t w_stride, size_t depth, size_t ahead, float *c, size_t c_stride) {
  vec sums[12][8];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) sums[i][j] = v_zero();
  size_t k = 0;
  for (; k + lanes <= depth; k += lanes) {
    vec b[8];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) {
      b[j] = v_weight(w, j * w_stride + k, type);
      __builtin_prefetch(w + (j * w_stride + k) * ck_type_size(type) + ahead, 0, 2);
    }
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      vec a = v_load(x + i * x_stride + k);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < outputs; j++) sums[i][j] = v_fma(a, b[j], sums[i][j]);
    }
  }
  if (k < depth) {
    size_t n = depth - k;
    vec b[8];
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) b[j] = v_weight_some(w, j * w_stride + k, n, type);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      vec a = v_load_some(x + i * x_stride + k, n);
#pragma clang loop unroll(full)
      for (size_t j = 0; j < outputs; j++) sums[i][j] = v_fma(a, b[j], sums[i][j]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) c[i * c_stride + j] = v_sum(sums[i][j]);
}

/// All of `outputs` weight rows; `rows` and `type` are constants where this is inlined.
static INLINE void all_dots_of(size_t rows, const float *x, size_t x_stride, const char *w, ck_type type,
                               size_t w_stride, size_t outputs, size_t depth, float *c, size_t c_stride) {
  size_t at_once = outputs_at_once(rows), row_bytes = w_stride * ck_type_size(type);
  size_t ahead = ck_most(at_once, fetch_ahead / row_bytes) * row_bytes;
  size_t j = 0;
  for (; j + at_once <= outputs; j += at_once)
    dots(rows, at_once, x, x_stride, w + j * row_bytes, type, w_stride, depth, ahead, c + j, c_stride);
  for (; j < outputs; j++) dots(rows, 1, x, x_stride, w + j * row_bytes, type, w_stride, depth, ahead, c + j, c_stride);
}

static INLINE void all_dots_as(size_t rows, const float *x, size_t x_stride, const char *w, ck_type type,
                               size_t w_stride, size_t outputs, size_t depth, float *c, size_t c_stride) {
#define CASE(n) \
  case n: \
    if (n <= few_rows_limit) \
      all_dots_of(n <= few_rows_limit ? n : 1, x, x_stride, w, type, w_stride, outputs, depth, c, c_stride); \
    break;
  switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
  }
#undef CASE
}

// Not inlined: the cases are many.
static __attribute__((noinline)) void dots_float32(size_t rows, const float *x, size_t x_stride, const void *w,
                                                   size_t w_stride, size_t outputs, size_t depth, float *c,
                                                   size_t c_stride) {
  all_dots_as(rows, x, x_stride, w, ck_float32, w_stride, outputs, depth, c, c_stride);
}
static __attribute__((noinline)) void dots_float16(size_t rows, const float *x, size_t x_stride, const void *w,
                                                   size_t w_stride, size_t outputs, size_t depth, float *c,
                                                   size_t c_stride) {
  all_dots_as(rows, x, x_stride, w, ck_float16, w_stride, outputs, depth, c, c_stride);
}
static __attribute__((noinline)) void dots_bfloat16(size_t rows, const float *x, size_t x_stride, const void *w,
                                                    size_t w_stride, size_t outputs, size_t depth, float *c,
                                                    size_t c_stride) {
  all_dots_as(rows, x, x_stride, w, ck_bfloat16, w_stride, outputs, depth, c, c_stride);
}

static __attribute__((noinline)) void dots_int8(size_t rows, const float *x, size_t x_stride, const void *w,
                                                size_t w_stride, size_t outputs, size_t depth, float *c,
                                                size_t c_stride) {
  all_dots_as(rows, x, x_stride, w, ck_int8, w_stride, outputs, depth, c, c_stride);
}

static void some_few_rows(const ck_linear *map, size_t from, size_t rows, size_t first_output, size_t outputs) {
  float products[few_rows_limit * ck_few_outputs];
  const char *w = (const char *)map->weight + first_output * map->inputs * ck_type_size(map->type);
  const float *x = map->x + from * map->x_stride;
  if (map->type == ck_float16)
    dots_float16(rows, x, map->x_stride, w, map->inputs, outputs, map->inputs, products, ck_few_outputs);
  else if (map->type == ck_bfloat16)
    dots_bfloat16(rows, x, map->x_stride, w, map->inputs, outputs, map->inputs, products, ck_few_outputs);
  else if (map->type == ck_int8) {
    dots_int8(rows, x, map->x_stride, w, map->inputs, outputs, map->inputs, products, ck_few_outputs);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < outputs; j++) products[i * ck_few_outputs + j] *= map->scales[first_output + j];
  } else dots_float32(rows, x, map->x_stride, w, map->inputs, outputs, map->inputs, products, ck_few_outputs);
  finish_rows(products, ck_few_outputs, rows, outputs, map->y + from * map->y_stride + first_output, map->y_stride,
              map->bias != NULL ? map->bias + first_output : NULL, map->finish == ck_finish_add, map->finish);
}

static void few_rows(const ck_linear *map, size_t first_output, size_t outputs) {
  // Groups of about the same size.
  size_t groups = map->rows <= few_rows_limit ? 1 : ck_parts(map->rows, rows_per_group), each = outputs;
  // With several groups, weights that stay in the second-level cache from one to the next.
  if (groups > 1) each = ck_most(cached_weights / map->inputs / 24, 1) * 24;
  for (size_t j = 0; j < outputs; j += each)
    for (size_t group = 0; group < groups; group++) {
      size_t from = map->rows * group / groups, rows = map->rows * (group + 1) / groups - from;
      some_few_rows(map, from, rows, first_output + j, ck_least(each, outputs - j));
    }
}
