// Packing, and products of packed panels. Included once per level.
enum { panel_outputs = panel_vectors * lanes };
_Static_assert((int)panel_rows <= (int)lanes, "a panel of rows is packed by one vector");

static void pack_rows(const float *x, size_t stride, size_t rows, size_t depth, float *target) {
  vec block[lanes];
  for (size_t k = 0; k < depth; k += lanes) {
    size_t n = ck_least(lanes, depth - k);
    if (n == lanes) {
      for (size_t i = 0; i < lanes; i++) block[i] = i < rows ? v_load(x + i * stride + k) : v_zero();
    } else {
      for (size_t i = 0; i < lanes; i++) block[i] = i < rows ? v_load_some(x + i * stride + k, n) : v_zero();
    }
    v_transpose(block);
    // A whole vector may reach into the next input's place, which is written after it. The last one must not.
    for (size_t i = 0; i < n; i++) {
      float *at = target + (k + i) * panel_rows;
      if (k + i + 1 + (lanes - panel_rows) / panel_rows < depth) v_store(at, block[i]);
      else v_store_some(at, block[i], panel_rows);
    }
  }
}

static INLINE void pack_outputs_of(const void *weight, ck_type type, const float *scales, size_t stride, size_t outputs,
                                   size_t depth, float *target) {
  for (size_t v = 0; v < panel_vectors; v++) {
    size_t from = v * lanes, rows = outputs > from ? ck_least(lanes, outputs - from) : 0;
    vec block[lanes], scale = type == ck_int8 ? v_load_some(scales + (rows > 0 ? from : 0), rows) : v_zero();
    size_t k = 0, element = ck_type_size(type);
    if (rows == lanes) {
      for (; k + lanes <= depth; k += lanes) {
        v_weights_transposed((const char *)weight + (from * stride + k) * element, stride * element, type, block);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < lanes; i++) {
          if (type == ck_int8) block[i] = v_mul(block[i], scale);
          v_store(target + (k + i) * panel_outputs + from, block[i]);
        }
      }
    }
    for (; k < depth; k += lanes) {
      size_t n = ck_least(lanes, depth - k);
      for (size_t i = 0; i < lanes; i++)
        block[i] = i < rows ? v_weight_some(weight, (from + i) * stride + k, n, type) : v_zero();
      v_transpose(block);
      for (size_t i = 0; i < n; i++) {
        if (type == ck_int8) block[i] = v_mul(block[i], scale);
        v_store(target + (k + i) * panel_outputs + from, block[i]);
      }
    }
  }
}

static void pack_outputs(const void *weight, ck_type type, const float *scales, size_t stride, size_t outputs,
                         size_t depth, float *target) {
  if (type == ck_float16) pack_outputs_of(weight, ck_float16, NULL, stride, outputs, depth, target);
  else if (type == ck_bfloat16) pack_outputs_of(weight, ck_bfloat16, NULL, stride, outputs, depth, target);
  else if (type == ck_int8) pack_outputs_of(weight, ck_int8, scales, stride, outputs, depth, target);
  else pack_outputs_of(weight, ck_float32, NULL, stride, outputs, depth, target);
}

/// How many elements ahead packed rows are fetched: they come from the third-level cache.
enum { rows_fetch_ahead = 512 };

/// The product of `rows` rows (a constant where this is inlined) and one panel of outputs; row k of b is at b + k b_step.
/// Rows are packed: element (i, k) of a is a[i + k panel_rows]; or a_stride apart. `continues`: the sums go on from c.
static INLINE void tile(size_t rows, int is_packed, const float *a, size_t a_stride, const float *b, size_t b_step,
                        size_t depth, float *c, size_t c_stride, int continues) {
  vec sums[panel_rows][panel_vectors];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = continues ? v_load(c + i * c_stride + v * lanes) : v_zero();
  for (size_t k = 0; k < depth; k++) {
    vec w[panel_vectors];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) w[v] = v_load(b + v * lanes);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      vec x = v_pinned(v_all(is_packed ? a[i] : a[i * a_stride]));
#pragma clang loop unroll(full)
      for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = v_fma(x, w[v], sums[i][v]);
    }
    // Beyond the end that does nothing.
    if (is_packed) __builtin_prefetch(a + rows_fetch_ahead, 0, 3);
    a += is_packed ? panel_rows : 1;
    b += b_step;
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) v_store(c + i * c_stride + v * lanes, sums[i][v]);
}

// One case for each count of rows up to panel_rows; larger ones are never asked for and not compiled.
#define EACH_COUNT(CASE) \
  CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)

/// Of packed rows.
static void packed_tile(size_t rows, const float *a, const float *b, size_t b_step, size_t depth, float *c,
                        size_t c_stride) {
#define CASE(n) \
  case n: \
    if (n <= panel_rows) tile(n <= panel_rows ? n : 1, 1, a, 0, b, b_step, depth, c, c_stride, 0); \
    break;
  switch (rows) { EACH_COUNT(CASE) }
#undef CASE
}

/// Of rows as they are, a_stride apart. `continues`: the sums go on from what is in c.
static void row_tile(size_t rows, const float *a, size_t a_stride, const float *b, size_t b_step, size_t depth,
                     float *c, size_t c_stride, int continues) {
#define CASE(n) \
  case n: \
    if (n <= panel_rows) tile(n <= panel_rows ? n : 1, 0, a, a_stride, b, b_step, depth, c, c_stride, continues); \
    break;
  switch (rows) { EACH_COUNT(CASE) }
#undef CASE
}

static INLINE void finish_rows_as(const float *products, size_t stride, size_t rows, size_t outputs, float *y,
                                  size_t y_stride, const float *bias, int add_before, ck_finish finish) {
  for (size_t i = 0; i < rows; i++) {
    const float *from = products + i * stride;
    float *to = y + i * y_stride;
    size_t j = 0;
    for (; j + lanes <= outputs; j += lanes) {
      vec b = bias != NULL ? v_load(bias + j) : v_zero();
      v_store(to + j, finished(v_load(from + j), b, add_before ? v_load(to + j) : v_zero(), add_before, finish));
    }
    if (j < outputs) {
      size_t n = outputs - j;
      vec b = bias != NULL ? v_load_some(bias + j, n) : v_zero();
      vec before = add_before ? v_load_some(to + j, n) : v_zero();
      v_store_some(to + j, finished(v_load_some(from + j, n), b, before, add_before, finish), n);
    }
  }
}

/// `is_partial`: more depths follow; bias and gelu are left to the last. `add_before`: as above.
static void finish_rows(const float *products, size_t stride, size_t rows, size_t outputs, float *y, size_t y_stride,
                        const float *bias, int add_before, ck_finish finish) {
  if (finish == ck_finish_gelu) {
    if (add_before) finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 1, ck_finish_gelu);
    else finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 0, ck_finish_gelu);
  } else if (finish == ck_finish_quick_gelu) {
    if (add_before) finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 1, ck_finish_quick_gelu);
    else finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 0, ck_finish_quick_gelu);
  } else if (add_before) {
    finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 1, ck_finish_plain);
  } else {
    finish_rows_as(products, stride, rows, outputs, y, y_stride, bias, 0, ck_finish_plain);
  }
}

static void multiply(const float *packed_x, const float *packed_w, size_t depth, size_t rows, size_t outputs, float *y,
                     size_t y_stride, const float *bias, ck_finish finish, int is_first, int is_last) {
  // Where y will be written is fetched meanwhile.
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < outputs; j += 16) __builtin_prefetch(y + i * y_stride + j, 1, 3);
  float products[panel_rows * panel_outputs];
  packed_tile(rows, packed_x, packed_w, panel_outputs, depth, products, panel_outputs);
  finish_rows(products, panel_outputs, rows, outputs, y, y_stride, is_last ? bias : NULL,
              !is_first || finish == ck_finish_add, is_last ? finish : ck_finish_plain);
}
