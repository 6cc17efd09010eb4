// Layer norm, log-sum-exp, widening. Included once per level.

static void layer_norm(const float *x, size_t rows, size_t size, const float *weight, const float *bias, float epsilon,
                       float *y) {
  size_t whole = size / lanes * lanes, rest = size - whole;
  for (size_t row = 0; row < rows; row++, x += size, y += size) {
    vec sum = v_zero(), sum2 = v_zero();
    size_t i = 0;
    for (; i + 2 * lanes <= whole; i += 2 * lanes) {
      sum = v_add(sum, v_load(x + i));
      sum2 = v_add(sum2, v_load(x + i + lanes));
    }
    for (; i < whole; i += lanes) sum = v_add(sum, v_load(x + i));
    if (rest > 0) sum = v_add(sum, v_load_some(x + whole, rest));
    float mean = v_sum(v_add(sum, sum2)) / (float)size;

    // What the rounded mean misses is found on the way and taken off at the end.
    vec about = v_all(mean), square = v_zero(), square2 = v_zero();
    sum = sum2 = v_zero();
    for (i = 0; i + 2 * lanes <= whole; i += 2 * lanes) {
      vec d = v_sub(v_load(x + i), about), d2 = v_sub(v_load(x + i + lanes), about);
      sum = v_add(sum, d);
      sum2 = v_add(sum2, d2);
      square = v_fma(d, d, square);
      square2 = v_fma(d2, d2, square2);
    }
    for (; i < size; i += lanes) {
      size_t n = ck_least(lanes, size - i);
      vec d = v_first(v_sub(v_load_some(x + i, n), about), n, 0);
      sum = v_add(sum, d);
      square = v_fma(d, d, square);
    }
    double missed = (double)v_sum(v_add(sum, sum2)) / (double)size;
    double variance = (double)v_sum(v_add(square, square2)) / (double)size - missed * missed;
    double factor = 1 / sqrt((variance > 0 || variance != variance ? variance : 0) + (double)epsilon);
    vec scale = v_all((float)factor), shift = v_all((float)(-missed * factor));
    for (i = 0; i < whole; i += lanes) {
      vec normal = v_fma(v_sub(v_load(x + i), about), scale, shift);
      v_store(y + i, v_fma(normal, v_load(weight + i), v_load(bias + i)));
    }
    if (rest > 0) {
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
  for (i = 0; i < count;) {
    vec sum = v_zero();
    size_t end = ck_least(count, i + 16 * lanes);
    for (; i + lanes <= end; i += lanes) sum = v_add(sum, v_exp(v_sub(v_load(x + i), v_all(largest))));
    if (i < end) {
      sum = v_add(sum, v_first(v_exp(v_sub(v_load_some(x + i, end - i), v_all(largest))), end - i, 0));
      i = end;
    }
    total += (double)v_sum(sum);
  }
  return (double)largest + log(total);
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
