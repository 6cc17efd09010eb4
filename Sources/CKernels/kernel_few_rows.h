// Products of few rows with weights read in place. Weight rows are adjacent over the inputs; sums must run over these one
// after the other, as everywhere (docs/ARITHMETIC.md): so 16 outputs are taken at once, and their weights transposed in
// registers. Included once per level.

/// Vectors of outputs taken at once: enough sums to hide the latency of adding as long as weights come fast enough, and no
/// more weight rows than a near cache holds lines of, when these are a power of two apart.
static INLINE size_t few_vectors(size_t rows, ck_type type) {
  return lanes == 4 || (type != ck_float32 && rows <= 3) ? 2 : 1;
}

/// How far ahead weights are fetched into the second-level cache, in bytes: more than memory's latency hides.
enum { fetch_ahead = 24576 };
/// Weights that are used by several groups of rows one after the other.
enum { cached_weights = 98304 };

/// Bytes of a weight row that are transposed at once, as places of 32 bits: of floats a line of the cache, so that none is
/// asked for twice.
static INLINE size_t few_bytes(ck_type type) { return type == ck_float32 ? wide_lanes * 4 : lanes * 4; }

/// x (rows × depth) · w (some vectors of outputs × depth)ᵀ, sums to c. rows and type are constants where this
/// is inlined. Where there are fewer outputs, the last stands for those missing. Rows `ahead` bytes behind these are fetched
/// meanwhile; beyond the weights' end that does nothing. `scales`: of the outputs, for int8 weights.
static INLINE void few_tile(size_t rows, const float *x, size_t x_stride, const char *w, ck_type type,
                            const float *scales, size_t w_stride, size_t outputs, size_t depth, size_t ahead, float *c,
                            size_t c_stride) {
  size_t vectors = few_vectors(rows, type), few_outputs = vectors * lanes;
  vec sums[12][2], scale[2], block[lanes];
  size_t element = ck_type_size(type), row_bytes = w_stride * element, k = 0, step = few_bytes(type) / element;
#pragma clang loop unroll(full)
  for (size_t v = 0; v < vectors; v++) {
    size_t n = ck_least(lanes, outputs > v * lanes ? outputs - v * lanes : 0);
    scale[v] = type == ck_int8 ? v_load_some(scales + (n > 0 ? v * lanes : 0), n) : v_zero();
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows; r++) sums[r][v] = v_zero();
  }
#define PRODUCTS(input, weight) \
  { \
    vec weights = type == ck_int8 ? v_mul(weight, scale[v]) : (weight); \
    for (size_t r = 0; r < rows; r++) \
      sums[r][v] = v_fma(v_pinned(v_all(x[r * x_stride + (input)])), weights, sums[r][v]); \
  }
  if (outputs == few_outputs) {
    for (; k + step <= depth; k += step) {
#pragma clang loop unroll(full)
      for (size_t v = 0; v < vectors; v++) {
        const char *at = w + v * lanes * row_bytes + k * element;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < lanes; i++) __builtin_prefetch(at + i * row_bytes + ahead, 0, 2);
#pragma clang loop unroll(full)
        for (size_t part = 0; part < few_bytes(type) / (lanes * 4); part++) {
          v_load_transposed(at + part * lanes * 4, row_bytes, block);
          size_t from = k + part * lanes * 4 / element;
#pragma clang loop unroll(full)
          for (size_t i = 0; i < lanes; i++) {
            if (type == ck_int8) {
              PRODUCTS(from + 4 * i, v_int8_of(block[i], 24))
              PRODUCTS(from + 4 * i + 1, v_int8_of(block[i], 16))
              PRODUCTS(from + 4 * i + 2, v_int8_of(block[i], 8))
              PRODUCTS(from + 4 * i + 3, v_int8_of(block[i], 0))
            } else if (type == ck_bfloat16) {
              PRODUCTS(from + 2 * i, v_bfloat16_first(block[i]))
              PRODUCTS(from + 2 * i + 1, v_bfloat16_second(block[i]))
            } else if (type == ck_float16) {
              PRODUCTS(from + 2 * i, v_float16_first(block[i]))
              PRODUCTS(from + 2 * i + 1, v_float16_second(block[i]))
            } else {
              PRODUCTS(from + i, block[i])
            }
          }
        }
      }
    }
  }
  for (; k < depth; k += lanes) {
    size_t n = ck_least(lanes, depth - k);
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
      for (size_t i = 0; i < lanes; i++)
        block[i] = v_weight_some(w + ck_least(v * lanes + i, outputs - 1) * row_bytes + k * element, 0, n, type);
      v_transpose(block);
      for (size_t i = 0; i < n; i++) PRODUCTS(k + i, block[i])
    }
  }
#undef PRODUCTS
#pragma clang loop unroll(full)
  for (size_t r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) v_store(c + r * c_stride + v * lanes, sums[r][v]);
}

/// All of `outputs` weight rows, of whose sums c has room for a multiple of 32, of floats of `lanes`; rows and type are constants where
/// this is inlined.
static INLINE void few_of(size_t rows, const float *x, size_t x_stride, const char *w, ck_type type,
                          const float *scales, size_t w_stride, size_t outputs, size_t depth, float *c, size_t c_stride) {
  size_t row_bytes = w_stride * ck_type_size(type), step = few_vectors(rows, type) * lanes;
  size_t ahead = ck_most(step, fetch_ahead / row_bytes) * row_bytes;
  for (size_t j = 0; j < outputs; j += step)
    few_tile(rows, x, x_stride, w + j * row_bytes, type, scales != NULL ? scales + j : NULL, w_stride,
             ck_least(step, outputs - j), depth, ahead, c + j, c_stride);
}

static INLINE void few_as(size_t rows, const float *x, size_t x_stride, const char *w, ck_type type,
                          const float *scales, size_t w_stride, size_t outputs, size_t depth, float *c, size_t c_stride) {
#define CASE(n) \
  case n: \
    if (n <= few_rows_limit) \
      few_of(n <= few_rows_limit ? n : 1, x, x_stride, w, type, scales, w_stride, outputs, depth, c, c_stride); \
    break;
  switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
  }
#undef CASE
}

// Not inlined: the cases are many.
#define FEW(name, type) \
  static __attribute__((noinline)) void name(size_t rows, const float *x, size_t x_stride, const void *w, \
                                             const float *scales, size_t w_stride, size_t outputs, size_t depth, \
                                             float *c, size_t c_stride) { \
    few_as(rows, x, x_stride, w, type, scales, w_stride, outputs, depth, c, c_stride); \
  }
FEW(few_float32, ck_float32)
FEW(few_float16, ck_float16)
FEW(few_bfloat16, ck_bfloat16)
FEW(few_int8, ck_int8)
#undef FEW

/// Some rows (≤ few_rows_limit), by `depth` of the inputs from `from`.
static void few_sums(const ck_linear *map, size_t row, size_t rows, size_t first_output, size_t outputs, size_t from,
                     size_t depth, float *c) {
  const char *w = (const char *)map->weight + (first_output * map->inputs + from) * ck_type_size(map->type);
  const float *x = map->x + row * map->x_stride + from, *scales = map->type == ck_int8 ? map->scales + first_output : NULL;
  size_t x_stride = map->x_stride;
  // Rows of x that are whole pages apart would drive each other out of the nearest cache.
  float apart[few_rows_limit * (ck_most_depth + wide_lanes)];
  if (rows > 1 && x_stride % 1024 == 0) {
    x_stride = depth + wide_lanes;
    for (size_t i = 0; i < rows; i++) memcpy(apart + i * x_stride, x + i * map->x_stride, depth * sizeof(float));
    x = apart;
  }
#define FEW(name) name(rows, x, x_stride, w, scales, map->inputs, outputs, depth, c, ck_few_outputs)
  switch (map->type) {
  case ck_float16: FEW(few_float16); break;
  case ck_bfloat16: FEW(few_bfloat16); break;
  case ck_int8: FEW(few_int8); break;
  default: FEW(few_float32);
  }
#undef FEW
}

static void few_rows(const ck_linear *map, size_t first_output, size_t outputs) {
  float products[few_rows_limit * ck_few_outputs];
  // Groups of about the same size; with several, weights that stay in the second-level cache from one to the next.
  size_t groups = ck_parts(map->rows, few_rows_limit), each = outputs;
  if (groups > 1) each = ck_most(cached_weights / map->inputs / 32, 1) * 32;
  size_t depths = ck_depths(map->inputs);
  for (size_t j = 0; j < outputs; j += each) {
    size_t n = ck_least(each, outputs - j);
    const float *bias = map->bias != NULL ? map->bias + first_output + j : NULL;
    for (size_t group = 0; group < groups; group++) {
      size_t row = map->rows * group / groups, rows = map->rows * (group + 1) / groups - row;
      float *y = map->y + row * map->y_stride + first_output + j;
      for (size_t d = 0; d < depths; d++) {
        size_t from = ck_start(map->inputs, d, depths), depth = ck_start(map->inputs, d + 1, depths) - from;
        int is_last = d + 1 == depths;
        few_sums(map, row, rows, first_output + j, n, from, depth, products);
        finish_rows(products, ck_few_outputs, rows, n, y, map->y_stride, is_last ? bias : NULL,
                    d > 0 || map->finish == ck_finish_add, is_last ? map->finish : ck_finish_plain);
      }
    }
  }
}
