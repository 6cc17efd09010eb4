// Layer norm, log-sum-exp, widening. Included once per level.

/// Elements of the group of 16 at i, of which there are n: zeros behind.
#define WIDE_LOAD(p, i, n, v) \
  ((n) == wide_lanes ? v_load((p) + (i) + (v)*lanes) : v_load_some((p) + (i) + (v)*lanes, wide_part(n, v)))

static INLINE void add_group(vec sums[wide], const float *x, size_t n) {
#pragma clang loop unroll(full)
  for (size_t v = 0; v < wide; v++) sums[v] = v_add(sums[v], WIDE_LOAD(x, 0, n, v));
}

/// Adds differences from `about`, and their squares.
static INLINE void add_differences(vec sums[wide], vec squares[wide], const float *x, size_t n, vec about) {
#pragma clang loop unroll(full)
  for (size_t v = 0; v < wide; v++) {
    vec d = v_sub(WIDE_LOAD(x, 0, n, v), about);
    if (n != wide_lanes) d = v_first(d, wide_part(n, v), 0);
    sums[v] = v_add(sums[v], d);
    squares[v] = v_fma(d, d, squares[v]);
  }
}

static void layer_norm(const float *x, size_t rows, size_t size, const float *weight, const float *bias, float epsilon,
                       float *y) {
  size_t whole = size / wide_lanes * wide_lanes, vectors = size / lanes * lanes, rest = size - vectors;
  for (size_t row = 0; row < rows; row++, x += size, y += size) {
    vec sums[wide], squares[wide];
    for (size_t v = 0; v < wide; v++) sums[v] = v_zero();
    for (size_t i = 0; i < whole; i += wide_lanes) add_group(sums, x + i, wide_lanes);
    if (whole < size) add_group(sums, x + whole, size - whole);
    float mean = wide_sum(sums) / (float)size;

    // What the rounded mean misses is found on the way and taken off at the end.
    vec about = v_all(mean);
    for (size_t v = 0; v < wide; v++) sums[v] = squares[v] = v_zero();
    for (size_t i = 0; i < whole; i += wide_lanes) add_differences(sums, squares, x + i, wide_lanes, about);
    if (whole < size) add_differences(sums, squares, x + whole, size - whole, about);
    double missed = (double)wide_sum(sums) / (double)size;
    double variance = (double)wide_sum(squares) / (double)size - missed * missed;
    double factor = 1 / sqrt((variance > 0 || variance != variance ? variance : 0) + (double)epsilon);
    vec scale = v_all((float)factor), shift = v_all((float)(-missed * factor));
    for (size_t i = 0; i < vectors; i += lanes) {
      vec normal = v_fma(v_sub(v_load(x + i), about), scale, shift);
      v_store(y + i, v_fma(normal, v_load(weight + i), v_load(bias + i)));
    }
    if (rest > 0) {
      size_t i = vectors;
      vec normal = v_fma(v_sub(v_load_some(x + i, rest), about), scale, shift);
      v_store_some(y + i, v_fma(normal, v_load_some(weight + i, rest), v_load_some(bias + i, rest)), rest);
    }
  }
}

static double log_sum_exp(const float *x, size_t count) {
  const float least = -INFINITY;
  vec max = v_all(least);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) max = v_max(max, v_load(x + i));
  if (i < count) max = v_max(max, v_first(v_load_some(x + i, count - i), count - i, least));
  float largest = v_largest(max);
  // Nothing, all -∞, or ∞ among them: there is no finite part to sum.
  if (largest == least || largest == -least) return (double)largest;
  double total = 0;
  // Sums of short runs in single precision, of those in double.
  enum { run = 16 * wide_lanes };
  for (size_t from = 0; from < count; from += run) {
    vec sums[wide];
    for (size_t v = 0; v < wide; v++) sums[v] = v_zero();
    size_t end = ck_least(count, from + run);
    for (i = from; i < end; i += wide_lanes) {
      size_t n = ck_least(wide_lanes, end - i);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < wide; v++) {
        vec e = v_exp(v_sub(WIDE_LOAD(x, i, n, v), v_all(largest)));
        sums[v] = v_add(sums[v], n == wide_lanes ? e : v_first(e, wide_part(n, v), 0));
      }
    }
    total += (double)wide_sum(sums);
  }
  return (double)largest + ck_log(total);
}

static void widen(const void *source, ck_type type, size_t count, float *target) {
  size_t i = 0;
  if (type == ck_float32) {
    memcpy(target, source, count * sizeof(float));
  } else if (type == ck_float16) {
    for (; i + lanes <= count; i += lanes) v_store(target + i, v_weight(source, i, ck_float16));
    if (i < count) v_store_some(target + i, v_weight_some(source, i, count - i, ck_float16), count - i);
  } else if (type == ck_int8) {
    for (; i + lanes <= count; i += lanes) v_store(target + i, v_weight(source, i, ck_int8));
    if (i < count) v_store_some(target + i, v_weight_some(source, i, count - i, ck_int8), count - i);
  } else {
    for (; i + lanes <= count; i += lanes) v_store(target + i, v_weight(source, i, ck_bfloat16));
    if (i < count) v_store_some(target + i, v_weight_some(source, i, count - i, ck_bfloat16), count - i);
  }
}
