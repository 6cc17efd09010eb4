// Sums across a row, elementary functions on vectors, and loads of any element type. Included once per level.
//
// What is computed is defined to the bit in docs/ARITHMETIC.md, the same for every level: vectors differ in how many
// elements they hold, and in nothing else. So nothing may be contracted or reordered by the compiler.
#pragma STDC FP_CONTRACT OFF

/// Sums across a row have 16 lanes: element i goes into lane i mod 16, however many a vector holds.
enum { wide_lanes = 16, wide = wide_lanes / lanes };

/// Lanes i and i + 8 are added, then i and i + 4, i + 2, i + 1. Of what is in `s` nothing is left.
static INLINE float wide_sum(vec s[wide]) {
#pragma clang loop unroll(full)
  for (size_t n = wide / 2; n > 0; n /= 2)
    for (size_t v = 0; v < n; v++) s[v] = v_add(s[v], s[v + n]);
  return v_sum(s[0]);
}

/// How many of n elements are in vector v of a group of 16.
static INLINE size_t wide_part(size_t n, size_t v) {
  return n > v * lanes ? ck_least(lanes, n - v * lanes) : 0;
}

/// eˣ within 2 ulp; 0 for -∞ and below -104, ∞ above 88.8, NaN for NaN.
static INLINE vec v_exp(vec x) {
  x = v_min(v_all(89.5f), v_max(v_all(-105.0f), x));
  vec n = v_round(v_mul(x, v_all(1.44269504f)));
  // ln 2 in two parts, so that n ln 2 is exact enough.
  vec r = v_fnma(n, v_all(-2.12194440e-4f), v_fnma(n, v_all(0.693359375f), x));
  vec p = v_all(1.9875691500e-4f);
  p = v_fma(p, r, v_all(1.3981999507e-3f));
  p = v_fma(p, r, v_all(8.3334519073e-3f));
  p = v_fma(p, r, v_all(4.1665795894e-2f));
  p = v_fma(p, r, v_all(1.6666665459e-1f));
  p = v_fma(p, r, v_all(5.0000001201e-1f));
  p = v_fma(v_mul(p, r), r, r);
  return v_scale(v_add(p, v_all(1)), n);
}

/// x Φ(x) = ½ x (1 + erf(x / √2)). Written as max(x, 0) - |x| Φ(-|x|), it loses nothing by 1 + erf cancelling. log₂ Φ(-z)
/// is smooth: a polynomial, fitted where the product matters, that falls to -∞ beyond, so that Φ gets exactly 0.
static INLINE vec v_gelu(vec x) {
  vec z = v_min(v_all(16), v_magnitude(x));
  vec q = v_all(-4.94441394e-08f);
  q = v_fma(q, z, v_all(1.26913153e-06f));
  q = v_fma(q, z, v_all(-1.43122252e-05f));
  q = v_fma(q, z, v_all(9.08693328e-05f));
  q = v_fma(q, z, v_all(-0.000314984267f));
  q = v_fma(q, z, v_all(4.93089865e-05f));
  q = v_fma(q, z, v_all(0.00690984493f));
  q = v_fma(q, z, v_all(-0.0524284691f));
  q = v_fma(q, z, v_all(-0.459221959f));
  q = v_fma(q, z, v_all(-1.15110433f));
  q = v_max(v_all(-160), v_fma(q, z, v_all(-1)));
  vec n = v_round(q), r = v_sub(q, n);
  vec p = v_all(0.00015353362f);
  p = v_fma(p, r, v_all(0.0013398875f));
  p = v_fma(p, r, v_all(0.00961843692f));
  p = v_fma(p, r, v_all(0.0555033237f));
  p = v_fma(p, r, v_all(0.240226477f));
  p = v_fma(p, r, v_all(0.693147182f));
  p = v_fma(p, r, v_all(1));
  return v_fnma(z, v_scale(p, n), v_max(v_zero(), x));
}

/// x / (1 + exp(-1.702 x)): 0 where the exponential is infinite.
static INLINE vec v_quick_gelu(vec x) { return v_div(x, v_add(v_all(1), v_exp(v_mul(v_all(-1.702f), x)))); }

static INLINE vec v_weight(const void *p, size_t at, ck_type type) {
  if (type == ck_float16) return v_float16((const uint16_t *)p + at);
  if (type == ck_bfloat16) return v_bfloat16((const uint16_t *)p + at);
  if (type == ck_int8) return v_int8((const int8_t *)p + at);
  return v_load((const float *)p + at);
}

static INLINE vec v_weight_some(const void *p, size_t at, size_t n, ck_type type) {
  if (type == ck_float16) return v_float16_some((const uint16_t *)p + at, n);
  if (type == ck_bfloat16) return v_bfloat16_some((const uint16_t *)p + at, n);
  if (type == ck_int8) return v_int8_some((const int8_t *)p + at, n);
  return v_load_some((const float *)p + at, n);
}

/// The transposed block of lanes × lanes weights at p, whose rows are `stride` bytes apart. type is a constant where this
/// is inlined.
static INLINE void v_weights_transposed(const char *p, size_t stride, ck_type type, vec block[lanes]) {
  if (type == ck_float32) {
    v_load_transposed(p, stride, block);
    return;
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < lanes; i++) block[i] = v_weight(p + i * stride, 0, type);
  v_transpose(block);
}

/// Writes y from products (+ bias), as `finish` says. `add_before`: y holds the sum of earlier depths.
static INLINE vec finished(vec sum, vec bias, vec before, int add_before, ck_finish finish) {
  if (add_before) sum = v_add(sum, before);
  sum = v_add(sum, bias);
  if (finish == ck_finish_quick_gelu) return v_quick_gelu(sum);
  return finish == ck_finish_gelu ? v_gelu(sum) : sum;
}
