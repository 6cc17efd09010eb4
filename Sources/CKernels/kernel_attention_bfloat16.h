// As kernel_attention.h, with queries, keys, values and the exponentials of scores rounded to bfloat16 (to nearest, ties
// to even); products, scores and sums are float32. A place is 32 bits: two adjacent operands of one sum. Included by the
// level whose vectors are AVX-512's.
enum { panel_outputs = panel_vectors * lanes, in_pairs = 2 * lanes };

/// Where the parts of the scratch are, and the distances between rows, in places.
typedef struct rounded_places {
  size_t depth, query_stride, score_stride, keys, values, query, scores, product, total;
} rounded_places;

static rounded_places places_of(const ck_attention *attention) {
  size_t key_panels = ck_parts(attention->k_rows, panel_outputs);
  size_t value_panels = ck_parts(attention->head_size, panel_outputs);
  rounded_places places;
  places.depth = ck_parts(attention->head_size, 2);
  places.query_stride = ck_parts(attention->head_size, in_pairs) * lanes;
  // Not a multiple of the page: rows of scores are read side by side.
  places.score_stride = key_panels * panel_outputs + 16;
  places.keys = 0;
  places.values = places.keys + key_panels * panel_outputs * places.depth;
  places.query = places.values + value_panels * panel_outputs * ck_parts(attention->k_rows, 2);
  places.scores = places.query + places.query_stride * panel_rows;
  places.product = places.scores + places.score_stride * panel_rows;
  places.total = places.product + (size_t)panel_rows * panel_outputs;
  return places;
}

static size_t attention_scratch(const ck_attention *attention) { return places_of(attention).total; }

/// Those of `first`, then those of `second`.
static INLINE vec rounded(vec first, vec second) {
  __m512bh both = _mm512_cvtne2ps_pbh(second, first);
  vec places;
  memcpy(&places, &both, sizeof(places));
  return places;
}

/// Up to 32 elements, zeros behind them.
static INLINE vec rounded_elements(const float *p, size_t n, float factor) {
  vec f = v_all(factor);
  if (n >= in_pairs) return rounded(v_mul(v_load(p), f), v_mul(v_load(p + lanes), f));
  size_t low = ck_least(n, lanes);
  vec second = n > low ? v_load_some(p + lanes, n - low) : v_zero();
  return rounded(v_mul(v_load_some(p, low), f), v_mul(second, f));
}

/// Panels of keys: for each pair of elements, that of each key.
static void pack_keys(const float *k, size_t stride, size_t rows, size_t size, size_t depth, float *target) {
  for (size_t panel = 0; panel < rows; panel += panel_outputs, target += depth * panel_outputs) {
    for (size_t v = 0; v < panel_vectors; v++) {
      size_t from = panel + v * lanes;
      for (size_t pair = 0; pair < depth; pair += lanes) {
        size_t n = ck_least(in_pairs, size - 2 * pair), places = ck_least(lanes, depth - pair);
        vec block[lanes];
        for (size_t i = 0; i < lanes; i++)
          block[i] = from + i < rows ? rounded_elements(k + (from + i) * stride + 2 * pair, n, 1) : v_zero();
        v_transpose(block);
        for (size_t i = 0; i < places; i++) v_store(target + (pair + i) * panel_outputs + v * lanes, block[i]);
      }
    }
  }
}

/// Panels of elements of values: for each pair of rows, that of each element.
static void pack_values(const float *v, size_t stride, size_t rows, size_t size, float *target) {
  // Takes elements of one row and of the next in turn.
  int16_t in_turn[in_pairs];
  for (int i = 0; i < in_pairs; i++) in_turn[i] = (int16_t)(i / 2 + (i % 2 ? lanes : 0));
  __m512i order = _mm512_loadu_si512(in_turn);
  for (size_t d = 0; d < size; d += panel_outputs) {
    for (size_t row = 0; row < rows; row += 2, target += panel_outputs) {
      for (size_t j = 0; j < panel_outputs; j += lanes) {
        size_t n = size > d + j ? ck_least(lanes, size - d - j) : 0;
        const float *at = v + row * stride + d + j;
        vec first = n > 0 ? v_load_some(at, n) : v_zero();
        vec second = n > 0 && row + 1 < rows ? v_load_some(at + stride, n) : v_zero();
        v_store(target + j, _mm512_castsi512_ps(_mm512_permutexvar_epi16(order, _mm512_castps_si512(rounded(first, second)))));
      }
    }
  }
}

/// s[0 ..< n] becomes e^(s - max), rounded, at the front of where it was, a zero behind if n is odd. Returns the sum
/// before rounding. Up to 31 elements behind are read.
static float rounded_exponentials(float *s, size_t n) {
  const float least = -INFINITY;
  vec max = v_all(least);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) max = v_max(max, v_load(s + i));
  if (i < n) max = v_max(max, v_first(v_load(s + i), n - i, least));
  vec largest = v_all(v_largest(max)), sum = v_zero(), sum2 = v_zero();
  for (i = 0; i + in_pairs <= n; i += in_pairs) {
    vec e = v_exp(v_sub(v_load(s + i), largest)), e2 = v_exp(v_sub(v_load(s + i + lanes), largest));
    sum = v_add(sum, e);
    sum2 = v_add(sum2, e2);
    v_store(s + i / 2, rounded(e, e2));
  }
  if (i < n) {
    size_t low = ck_least(lanes, n - i), high = n - i - low;
    vec e = v_first(v_exp(v_sub(v_load(s + i), largest)), low, 0);
    vec e2 = v_first(v_exp(v_sub(v_load(s + i + lanes), largest)), high, 0);
    sum = v_add(sum, e);
    sum2 = v_add(sum2, e2);
    v_store(s + i / 2, rounded(e, e2));
  }
  return v_sum(v_add(sum, sum2));
}

static INLINE vec dot_of_pairs(vec sum, vec a, vec b) {
  __m512bh x, y;
  memcpy(&x, &a, sizeof(x));
  memcpy(&y, &b, sizeof(y));
  return _mm512_dpbf16_ps(sum, x, y);
}

/// The product of `rows` rows (a constant where this is inlined), a_stride apart, and one panel of outputs.
static INLINE void rounded_tile_of(size_t rows, const float *a, size_t a_stride, const float *b, size_t depth, float *c,
                                   size_t c_stride) {
  vec sums[panel_rows][panel_vectors];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = v_zero();
  for (size_t k = 0; k < depth; k++, b += panel_outputs) {
    vec w[panel_vectors];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) w[v] = v_load(b + v * lanes);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows; i++) {
      vec x = v_all(a[i * a_stride + k]);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < panel_vectors; v++) sums[i][v] = dot_of_pairs(sums[i][v], x, w[v]);
    }
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (size_t v = 0; v < panel_vectors; v++) v_store(c + i * c_stride + v * lanes, sums[i][v]);
}

static void rounded_tile(size_t rows, const float *a, size_t a_stride, const float *b, size_t depth, float *c,
                         size_t c_stride) {
#define CASE(n) \
  case n: rounded_tile_of(n, a, a_stride, b, depth, c, c_stride); break;
  switch (rows) {
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
  }
#undef CASE
}

static void attend(const ck_attention *attention, size_t head, size_t first_row, size_t rows, float *scratch,
                   int is_packed) {
  rounded_places places = places_of(attention);
  size_t size = attention->head_size, all_keys = attention->k_rows;
  float *keys = scratch + places.keys, *values = scratch + places.values, *query = scratch + places.query;
  float *scores = scratch + places.scores, *product = scratch + places.product;
  if (!is_packed) {
    pack_keys(attention->k + head * size, attention->k_stride, all_keys, size, places.depth, keys);
    pack_values(attention->v + head * size, attention->v_stride, all_keys, size, values);
  }
  size_t blocks = ck_parts(rows, panel_rows), pairs = ck_parts(all_keys, 2);
  for (size_t block = 0; block < blocks; block++) {
    size_t from = first_row + rows * block / blocks, count = first_row + rows * (block + 1) / blocks - from;
    for (size_t i = 0; i < count; i++) {
      const float *q = attention->q + (from + i) * attention->q_stride + head * size;
      for (size_t d = 0; d < size; d += in_pairs)
        v_store(query + i * places.query_stride + d / 2,
                rounded_elements(q + d, ck_least(in_pairs, size - d), attention->scale));
    }
    for (size_t j = 0; j < all_keys; j += panel_outputs)
      rounded_tile(count, query, places.query_stride, keys + j * places.depth, places.depth, scores + j,
                   places.score_stride);
    float factors[panel_rows];
    for (size_t i = 0; i < count; i++) factors[i] = 1 / rounded_exponentials(scores + i * places.score_stride, all_keys);
    for (size_t d = 0; d < size; d += panel_outputs) {
      size_t n = ck_least(panel_outputs, size - d);
      rounded_tile(count, scores, places.score_stride, values + d * pairs, pairs, product, panel_outputs);
      for (size_t i = 0; i < count; i++) {
        float *out = attention->out + (from + i) * attention->out_stride + head * size + d;
        for (size_t j = 0; j < n; j += lanes)
          v_store_some(out + j, v_mul(v_load(product + i * panel_outputs + j), v_all(factors[i])), ck_least(lanes, n - j));
      }
    }
  }
}
