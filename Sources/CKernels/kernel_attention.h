// Attention of some rows of one head: products with the keys, softmax, products with the values, for as many rows at
// once as a panel has, so that their scores stay in a near cache. Included once per level.

/// Where the parts of the scratch are, in floats.
typedef struct attention_places {
  size_t score_stride, keys, values, query, scores, product, total;
} attention_places;

static attention_places places_of(const ck_attention *attention) {
  size_t key_panels = ck_parts(attention->k_rows, panel_outputs);
  size_t value_panels = ck_parts(attention->head_size, panel_outputs);
  attention_places places;
  // Not a multiple of the page: rows of scores are read side by side.
  places.score_stride = (key_panels * panel_outputs) + 16;
  places.keys = 0;
  places.values = places.keys + key_panels * panel_outputs * attention->head_size;
  places.query = places.values + value_panels * panel_outputs * attention->k_rows;
  places.scores = places.query + (attention->head_size * panel_rows + 15) / 16 * 16;
  places.product = places.scores + places.score_stride * panel_rows;
  places.total = places.product + (size_t)panel_rows * panel_outputs;
  return places;
}

static size_t attention_scratch(const ck_attention *attention) { return places_of(attention).total; }

/// s[0 ..< n] becomes e^(s - max); up to `end` zeros follow. Returns the sum.
static float exponentials(float *s, size_t n, size_t end) {
  const float least = -INFINITY;
  vec max = v_all(least), max2 = max;
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    max = v_max(max, v_load(s + i));
    max2 = v_max(max2, v_load(s + i + lanes));
  }
  max = v_max(max, max2);
  for (; i + lanes <= n; i += lanes) max = v_max(max, v_load(s + i));
  if (i < n) max = v_max(max, v_first(v_load_some(s + i, n - i), n - i, least));
  vec largest = v_all(v_largest(max)), sums[wide];
  for (size_t v = 0; v < wide; v++) sums[v] = v_zero();
  for (i = 0; i + wide_lanes <= n; i += wide_lanes) {
#pragma clang loop unroll(full)
    for (size_t v = 0; v < wide; v++) {
      vec e = v_exp(v_sub(v_load(s + i + v * lanes), largest));
      v_store(s + i + v * lanes, e);
      sums[v] = v_add(sums[v], e);
    }
  }
  for (size_t v = 0; v < wide && i < n; v++) {
    size_t some = wide_part(n - i, v);
    vec e = v_first(v_exp(v_sub(v_load_some(s + i + v * lanes, some), largest)), some, 0);
    v_store_some(s + i + v * lanes, e, some);
    sums[v] = v_add(sums[v], e);
  }
  for (i = n; i < end; i++) s[i] = 0;
  return wide_sum(sums);
}

static void scaled_copy(const float *from, size_t n, float factor, float *to) {
  vec f = v_all(factor);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) v_store(to + i, v_mul(v_load(from + i), f));
  if (i < n) v_store_some(to + i, v_mul(v_load_some(from + i, n - i), f), n - i);
}

/// Values first ..< first + n (≤ panel_outputs) of each row, adjacent, zeros behind.
static void pack_values(const float *v, size_t stride, size_t rows, size_t n, float *target) {
  for (size_t k = 0; k < rows; k++, v += stride, target += panel_outputs) {
    if (n == panel_outputs) {
      for (size_t i = 0; i < panel_outputs; i += lanes) v_store(target + i, v_load(v + i));
    } else {
      for (size_t i = 0; i < panel_outputs; i += lanes)
        v_store(target + i, i < n ? v_load_some(v + i, ck_least(lanes, n - i)) : v_zero());
    }
  }
}

/// Keys that row i sees.
static size_t seen(const ck_attention *attention, size_t row) {
  return attention->causal ? attention->k_rows - attention->q_rows + row + 1 : attention->k_rows;
}

static void attend(const ck_attention *attention, size_t head, size_t first_row, size_t rows, float *scratch,
                   int is_packed) {
  attention_places places = places_of(attention);
  size_t size = attention->head_size, all_keys = attention->k_rows;
  const float *k = attention->k + head * size, *v = attention->v + head * size;
  float *keys = scratch + places.keys, *values = scratch + places.values, *query = scratch + places.query;
  float *scores = scratch + places.scores, *product = scratch + places.product;
  int in_place = rows <= few_rows_limit && rows <= panel_rows;
  if (!in_place && !is_packed) {
    for (size_t j = 0; j < all_keys; j += panel_outputs)
      pack_outputs(k + j * attention->k_stride, ck_float32, NULL, attention->k_stride,
                   ck_least(panel_outputs, all_keys - j), size, keys + j * size);
    for (size_t d = 0; d < size; d += panel_outputs)
      pack_values(v + d, attention->v_stride, all_keys, ck_least(panel_outputs, size - d), values + d * all_keys);
  }
  size_t blocks = ck_parts(rows, panel_rows);
  for (size_t block = 0; block < blocks; block++) {
    size_t from = first_row + rows * block / blocks, count = first_row + rows * (block + 1) / blocks - from;
    size_t end = seen(attention, from + count - 1);
    const float *q = attention->q + from * attention->q_stride + head * size;
    if (in_place) {
      // Scaled and side by side.
      for (size_t i = 0; i < count; i++) scaled_copy(q + i * attention->q_stride, size, attention->scale, query + i * size);
      few_float32(count, query, size, k, NULL, attention->k_stride, end, size, scores, places.score_stride);
    } else {
      pack_rows(q, attention->q_stride, count, size, query);
      scaled_copy(query, size * panel_rows, attention->scale, query);
      for (size_t j = 0; j < end; j += panel_outputs)
        packed_tile(count, query, keys + j * size, panel_outputs, size, scores + j, places.score_stride);
    }
    float factors[panel_rows];
    for (size_t i = 0; i < count; i++) {
      size_t n = seen(attention, from + i);
      float *row = scores + i * places.score_stride;
      factors[i] = 1 / exponentials(row, n, end);
      if (attention->weights != NULL) {
        float *written = attention->weights + (head * attention->q_rows + from + i) * all_keys;
        scaled_copy(row, n, factors[i], written);
        memset(written + n, 0, (all_keys - n) * sizeof(float));
      }
    }
    for (size_t d = 0; d < size; d += panel_outputs) {
      size_t n = ck_least(panel_outputs, size - d);
      const float *b = values + d * all_keys;
      size_t b_step = panel_outputs;
      if (in_place && n == panel_outputs) b = v + d, b_step = attention->v_stride;
      else if (in_place) pack_values(v + d, attention->v_stride, end, n, values + d * all_keys);
      row_tile(count, scores, places.score_stride, b, b_step, end, product, panel_outputs, 0);
      for (size_t i = 0; i < count; i++)
        scaled_copy(product + i * panel_outputs, n, factors[i],
                    attention->out + (from + i) * attention->out_stride + head * size + d);
    }
  }
}
