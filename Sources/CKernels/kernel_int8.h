// Linear maps with int8 weights and rows of x quantized to int8. A place is 32 bits: `unit` neighbouring elements of a
// row, multiplied and added by one instruction. Included once per level.
enum { places = lanes, int8_panel_outputs = panel_vectors * lanes, step = places * unit };

static size_t int8_row_bytes(size_t inputs) { return ck_parts(inputs, step) * step * sizeof(quantum); }

static void int8_pad(quantum *target, size_t inputs) {
  size_t size = int8_row_bytes(inputs) / sizeof(quantum);
  for (size_t k = inputs; k < size; k++) target[k] = 0;
}

// Rows are quantized by plain loops, which the compiler makes vectors of. See `ck_quantize_activations`.

/// Patterns of floats as integers in the same order, and back.
static INLINE int32_t int8_ordered(int32_t pattern) { return pattern ^ ((pattern >> 31) & 0x7FFFFFFF); }

static void int8_quantize(const float *x, size_t inputs, void *to, ck_row *row) {
#pragma STDC FP_CONTRACT OFF
  quantum *target = to;
  // The least and the greatest, 0 among them.
  int32_t least = 0, greatest = 0;
  for (size_t k = 0; k < inputs; k++) {
    int32_t pattern;
    memcpy(&pattern, x + k, sizeof(pattern));
    pattern = int8_ordered(pattern);
    least = pattern < least ? pattern : least;
    greatest = pattern > greatest ? pattern : greatest;
  }
  int is_finite = greatest < 0x7F800000 && least > -0x7F800001;
  float low, high;
  least = int8_ordered(least);
  memcpy(&low, &least, sizeof(low));
  memcpy(&high, &greatest, sizeof(high));
  float range = high - low;
  if (!is_finite || !(range < INFINITY) || range < 0x1p-119f) {
    *row = (ck_row){.scale = is_finite && range < INFINITY ? 0.0f : NAN};
    int8_pad(target, 0);
    for (size_t k = 0; k < inputs; k++) target[k] = 0;
    return;
  }
  float inverse = 255.0f / range;
  // What is added leaves no room for a fraction; the integer is in the lowest bits then.
  float lowest = -low * inverse;
  lowest = lowest + 0x1.8p23f;
  int32_t zero;
  memcpy(&zero, &lowest, sizeof(zero));
  zero -= 0x4B400000 + 128;
  // Elements of more than 8 bits are relative to zero.
  int32_t subtracted = needs_weight_sums ? 0 : zero, sum = 0;
  for (size_t k = 0; k < inputs; k++) {
    float scaled = x[k] * inverse;
    scaled = scaled + 0x1.8p23f;
    int32_t pattern;
    memcpy(&pattern, &scaled, sizeof(pattern));
    pattern += zero - 0x4B400000;
    pattern = pattern < -128 ? -128 : pattern;
    pattern = pattern > 127 ? 127 : pattern;
    target[k] = (quantum)(pattern - subtracted);
    sum += pattern;
  }
  int8_pad(target, inputs);
  *row = (ck_row){.scale = range / 255.0f, .offset = i_offset(sum), .zero = needs_weight_sums ? zero : 0};
}

static void int8_take(const int8_t *x, size_t inputs, void *to, ck_row *row) {
  quantum *target = to;
  int32_t sum = 0;
  for (size_t k = 0; k < inputs; k++) {
    target[k] = x[k];
    sum += x[k];
  }
  int8_pad(target, inputs);
  *row = (ck_row){.scale = 1, .offset = i_offset(sum), .zero = 0};
}

static void int8_pack_rows(const void *quantized, size_t rows, size_t inputs, void *target) {
  size_t bytes = int8_row_bytes(inputs), depth = bytes / 4;
  vec block[lanes];
  for (size_t k = 0; k < depth; k += lanes) {
    for (size_t i = 0; i < lanes; i++)
      block[i] = i < rows ? i_bits(i_load((const char *)quantized + i * bytes + k * 4)) : v_zero();
    v_transpose(block);
    // A whole vector may reach into the next place, which is written after it. The last one must not.
    for (size_t i = 0; i < lanes; i++) {
      float *at = (float *)target + (k + i) * panel_rows;
      if (k + i + 1 + (lanes - panel_rows) / panel_rows < depth) v_store(at, block[i]);
      else v_store_some(at, block[i], panel_rows);
    }
  }
}

static void int8_pack_outputs(const int8_t *weight, size_t inputs, size_t outputs, void *target, int32_t *sums) {
  for (size_t v = 0; v < panel_vectors; v++) {
    size_t from = v * lanes, rows = outputs > from ? ck_least(lanes, outputs - from) : 0, k = 0;
    float *at = (float *)target + from;
    vec block[lanes];
    ivec totals[lanes];
    for (size_t i = 0; i < lanes; i++) totals[i] = i_zero();
    if (rows == lanes) {
      const int8_t *w = weight + from * inputs;
      for (; k + step <= inputs; k += step) {
#pragma clang loop unroll(full)
        for (size_t i = 0; i < lanes; i++) {
          ivec some = i_weight(w + i * inputs + k);
          totals[i] = i_add_weights(totals[i], some);
          block[i] = i_bits(some);
        }
        v_transpose(block);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < lanes; i++) v_store(at + (k / unit + i) * int8_panel_outputs, block[i]);
      }
    }
    for (; k < inputs; k += step) {
      size_t n = ck_least(step, inputs - k);
      for (size_t i = 0; i < lanes; i++) {
        const int8_t *w = weight + (from + i) * inputs + k;
        ivec some = i >= rows ? i_zero() : n == step ? i_weight(w) : i_weight_some(w, n);
        totals[i] = i_add_weights(totals[i], some);
        block[i] = i_bits(some);
      }
      v_transpose(block);
      for (size_t i = 0; i < lanes; i++) v_store(at + (k / unit + i) * int8_panel_outputs, block[i]);
    }
    if (needs_weight_sums) {
      i_sums(totals, lanes, sums + from);
      for (size_t i = 0; i < lanes; i++) sums[from + i] -= i_weights_offset(ck_parts(inputs, step) * step);
    }
  }
}

/// y from sums of products: each · (scale of x · scale of w), rounded at each step, then as for floats.
static INLINE void int8_finish_as(const int32_t *sums, size_t stride, const int32_t *w_sums, size_t rows,
                                  size_t outputs, const ck_row *x_rows, const float *scales, const float *bias,
                                  float *y, size_t y_stride, int finish) {
  for (size_t i = 0; i < rows; i++) {
    const int32_t *from = sums + i * stride;
    float *to = y + i * y_stride;
    ivec offset = i_all(x_rows[i].offset), zero = i_all(x_rows[i].zero);
    vec scale = v_all(x_rows[i].scale);
    for (size_t j = 0; j < outputs; j += lanes) {
      size_t n = ck_least(lanes, outputs - j);
      vec value;
      ivec sum = i_sub(i_load(from + j), offset);
      if (needs_weight_sums) sum = i_sub(sum, i_mul(zero, i_load(w_sums + j)));
      if (finish == ck_finish_sums) {
        value = i_bits(sum);
      } else {
        vec of_w = n == lanes ? v_load(scales + j) : v_load_some(scales + j, n), b = v_zero(), before = v_zero();
        if (bias != NULL) b = n == lanes ? v_load(bias + j) : v_load_some(bias + j, n);
        if (finish == ck_finish_add) before = n == lanes ? v_load(to + j) : v_load_some(to + j, n);
        value = v_mul(i_floats(sum), v_mul(scale, of_w));
        value = finished(value, b, before, finish == ck_finish_add, finish);
      }
      if (n == lanes) v_store(to + j, value);
      else v_store_some(to + j, value, n);
    }
  }
}

/// The rows of sums, and w_sums, have room for a multiple of `lanes` outputs.
static void int8_finish(const ck_linear *map, const int32_t *sums, size_t stride, const int32_t *w_sums,
                        const ck_row *x_rows, size_t first_row, size_t rows, size_t first_output, size_t outputs) {
  const float *scales = map->scales != NULL ? map->scales + first_output : NULL;
  const float *bias = map->bias != NULL ? map->bias + first_output : NULL;
  float *y = map->y + first_row * map->y_stride + first_output;
#define FINISH(finish) \
  int8_finish_as(sums, stride, w_sums, rows, outputs, x_rows, scales, bias, y, map->y_stride, finish)
  switch ((int)map->finish) {
  case ck_finish_gelu: FINISH(ck_finish_gelu); break;
  case ck_finish_quick_gelu: FINISH(ck_finish_quick_gelu); break;
  case ck_finish_add: FINISH(ck_finish_add); break;
  case ck_finish_sums: FINISH(ck_finish_sums); break;
  default: FINISH(ck_finish_plain);
  }
#undef FINISH
}

/// How many bytes ahead packed rows are fetched.
enum { int8_fetch_ahead = 2048 };

/// The product of `rows` packed rows (a constant where this is inlined) and one panel of outputs.
static INLINE void int8_tile(size_t rows, const char *a, const char *b, size_t depth, int32_t *c) {
  ivec sums[panel_rows][panel_vectors];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = i_zero();
  for (size_t k = 0; k < depth; k++) {
    ivec w[panel_vectors];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) w[v] = i_load(b + v * sizeof(ivec));
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      int32_t place;
      memcpy(&place, a + i * sizeof(place), sizeof(place));
      ivec x = i_all(place);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = i_dot(sums[i][v], x, w[v]);
    }
    // Beyond the end that does nothing.
    __builtin_prefetch(a + int8_fetch_ahead, 0, 3);
    a += panel_rows * 4;
    b += int8_panel_outputs * 4;
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) i_store(c + i * int8_panel_outputs + v * lanes, sums[i][v]);
}

// One case for each count of rows up to panel_rows; larger ones are never asked for and not compiled.
#define EACH_INT8_COUNT(CASE) \
  CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)

static void int8_multiply(const ck_linear *map, const void *packed_x, const ck_row *x_rows, const void *packed_w,
                          const int32_t *w_sums, size_t first_row, size_t rows, size_t first_output, size_t outputs) {
  size_t depth = int8_row_bytes(map->inputs) / 4;
  // Where y will be written is fetched meanwhile.
  float *y = map->y + first_row * map->y_stride + first_output;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < outputs; j += 16) __builtin_prefetch(y + i * map->y_stride + j, 1, 3);
  int32_t sums[panel_rows * int8_panel_outputs];
#define CASE(n) \
  case n: \
    if (n <= panel_rows) int8_tile(n <= panel_rows ? n : 1, packed_x, packed_w, depth, sums); \
    break;
  switch (rows) { EACH_INT8_COUNT(CASE) }
#undef CASE
  int8_finish(map, sums, int8_panel_outputs, w_sums, x_rows, first_row, rows, first_output, outputs);
}

/// Weight rows taken at once: as many sums as registers allow, and enough of them to hide the latency of adding.
static INLINE size_t int8_outputs_at_once(size_t rows) {
  if (lanes == 16) return rows <= 2 ? 8 : rows <= 4 ? 6 : rows <= 6 ? 4 : rows <= 8 ? 3 : 2;
  return rows <= 1 ? 8 : rows <= 2 ? 4 : rows <= 4 ? 3 : rows <= 6 ? 2 : 1;
}

/// How far ahead weights are fetched into the second-level cache, in bytes.
enum { int8_weights_ahead = 24576, int8_cached_weights = 262144 };

/// One step of `int8_dots`: n inputs (≤ step) from k. Behind the sums of products come those of weights.
static INLINE void int8_dots_step(size_t rows, size_t outputs, const char *x, size_t x_bytes, const int8_t *w,
                                  size_t inputs, size_t k, size_t n, ivec *sums) {
  ivec b[12];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < outputs; j++) {
    b[j] = n == step ? i_weight(w + j * inputs + k) : i_weight_some(w + j * inputs + k, n);
    if (needs_weight_sums) sums[rows * outputs + j] = i_add_weights(sums[rows * outputs + j], b[j]);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++) {
    ivec a = i_load(x + i * x_bytes + k * sizeof(quantum));
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) sums[j * rows + i] = i_dot(sums[j * rows + i], a, b[j]);
  }
}

/// x (rows quantized rows) · w (outputs × inputs)ᵀ: the sum of row i and output j goes to c[j rows + i], and up to 3 more
/// places are written; that of the weights of output j likewise to w_sums[j]. rows and outputs are constants where this is inlined. Rows `ahead` bytes behind these are fetched
/// meanwhile; beyond the weights' end that does nothing.
static INLINE void int8_dots(size_t rows, size_t outputs, const char *x, size_t x_bytes, const int8_t *w, size_t inputs,
                             size_t ahead, int32_t *c, int32_t *w_sums) {
  enum { cache_line = 64 };
  ivec sums[32];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows * outputs + outputs; i++) sums[i] = i_zero();
  size_t k = 0;
  for (; k + cache_line <= inputs; k += cache_line) {
#pragma clang loop unroll(full)
    for (size_t j = 0; j < outputs; j++) __builtin_prefetch(w + j * inputs + k + ahead, 0, 2);
#pragma clang loop unroll(full)
    for (size_t part = 0; part < cache_line; part += step)
      int8_dots_step(rows, outputs, x, x_bytes, w, inputs, k + part, step, sums);
  }
  for (; k + step <= inputs; k += step) int8_dots_step(rows, outputs, x, x_bytes, w, inputs, k, step, sums);
  if (k < inputs) int8_dots_step(rows, outputs, x, x_bytes, w, inputs, k, inputs - k, sums);
  i_sums(sums, rows * outputs, c);
  if (!needs_weight_sums) return;
  i_sums(sums + rows * outputs, outputs, w_sums);
#pragma clang loop unroll(full)
  for (size_t j = 0; j < outputs; j++) w_sums[j] -= i_weights_offset(ck_parts(inputs, step) * step);
}

/// All of `outputs` weight rows; `rows` is a constant where this is inlined.
static INLINE void int8_all_dots(size_t rows, const char *x, size_t x_bytes, const int8_t *w, size_t inputs,
                                 size_t outputs, int32_t *c, int32_t *w_sums) {
  size_t at_once = int8_outputs_at_once(rows), ahead = ck_most(at_once, int8_weights_ahead / inputs) * inputs, j = 0;
  for (; j + at_once <= outputs; j += at_once)
    int8_dots(rows, at_once, x, x_bytes, w + j * inputs, inputs, ahead, c + j * rows, w_sums + j);
  for (; j < outputs; j++) int8_dots(rows, 1, x, x_bytes, w + j * inputs, inputs, ahead, c + j * rows, w_sums + j);
}

static void int8_some_few_rows(const ck_linear *map, const char *x, const ck_row *x_rows, size_t first_row, size_t rows,
                               size_t first_output, size_t outputs) {
  int32_t c[few_rows_limit * ck_few_outputs + 4], sums[few_rows_limit * ck_few_outputs];
  int32_t w_sums[ck_few_outputs + lanes];
  const int8_t *w = (const int8_t *)map->weight + first_output * map->inputs;
  size_t bytes = int8_row_bytes(map->inputs);
#define CASE(n) \
  case n: \
    if (n <= few_rows_limit) int8_all_dots(n <= few_rows_limit ? n : 1, x, bytes, w, map->inputs, outputs, c, w_sums); \
    break;
  switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
  }
#undef CASE
  if (rows == 1) {
    int8_finish(map, c, ck_few_outputs, w_sums, x_rows, first_row, rows, first_output, outputs);
    return;
  }
  for (size_t j = 0; j < outputs; j++)
    for (size_t i = 0; i < rows; i++) sums[i * ck_few_outputs + j] = c[j * rows + i];
  int8_finish(map, sums, ck_few_outputs, w_sums, x_rows, first_row, rows, first_output, outputs);
}

static void int8_few_rows(const ck_linear *map, const void *quantized, const ck_row *x_rows, size_t first_output,
                          size_t outputs) {
  // Groups of about the same size.
  size_t groups = map->rows <= few_rows_limit ? 1 : ck_parts(map->rows, rows_per_group), each = outputs;
  // With several groups, weights that stay in the second-level cache from one to the next.
  if (groups > 1) each = ck_most(int8_cached_weights / ck_most(map->inputs, 1) / 24, 1) * 24;
  for (size_t j = 0; j < outputs; j += each)
    for (size_t group = 0; group < groups; group++) {
      size_t from = map->rows * group / groups, rows = map->rows * (group + 1) / groups - from;
      int8_some_few_rows(map, (const char *)quantized + from * int8_row_bytes(map->inputs), x_rows + from, from, rows,
                         first_output + j, ck_least(each, outputs - j));
    }
}

#define INT8_OPERATIONS \
  { \
    .panel_rows = panel_rows, .panel_outputs = int8_panel_outputs, .most_few_rows = most_few_rows_int8, \
    .row_bytes = int8_row_bytes, .quantize = int8_quantize, .take = int8_take, .pack_rows = int8_pack_rows, \
    .pack_outputs = int8_pack_outputs, .multiply = int8_multiply, .few_rows = int8_few_rows, \
  }
