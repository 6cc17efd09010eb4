// Vectors of 4 floats, as the compiler makes them for any processor.
// The `_some` forms touch the first n elements only (n may be 0 ... 4) and read the others as 0.
enum { lanes = 4 };
typedef float vec __attribute__((vector_size(16)));
typedef int32_t bits __attribute__((vector_size(16)));

static INLINE vec v_all(float x) { return (vec){x, x, x, x}; }
static INLINE vec v_zero(void) { return v_all(0); }
static INLINE vec v_load(const float *p) {
  vec a;
  memcpy(&a, p, sizeof(a));
  return a;
}
static INLINE vec v_load_some(const float *p, size_t n) {
  vec a = v_zero();
  for (size_t i = 0; i < lanes; i++)
    if (i < n) a[i] = p[i];
  return a;
}
static INLINE void v_store(float *p, vec a) { memcpy(p, &a, sizeof(a)); }
static INLINE void v_store_some(float *p, vec a, size_t n) {
  for (size_t i = 0; i < lanes; i++)
    if (i < n) p[i] = a[i];
}

static INLINE float float_of(uint32_t pattern) {
  float x;
  memcpy(&x, &pattern, sizeof(x));
  return x;
}
static INLINE float float16_widened(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7FFF;
  // A NaN is made quiet, as processors do.
  if (rest >= 0x7C00) return float_of(sign | 0x7F800000 | rest << 13 | (rest > 0x7C00 ? 0x00400000 : 0));
  if (rest >= 0x0400) return float_of(sign | ((rest << 13) + 0x38000000));
  float small = (float)rest * 0x1p-24f; // subnormal or zero: exact
  return sign ? -small : small;
}
static INLINE float bfloat16_widened(uint16_t half) { return float_of((uint32_t)half << 16); }
static INLINE vec v_float16_some(const uint16_t *p, size_t n) {
  vec a = v_zero();
  for (size_t i = 0; i < lanes; i++)
    if (i < n) a[i] = float16_widened(p[i]);
  return a;
}
static INLINE vec v_float16(const uint16_t *p) { return v_float16_some(p, lanes); }
static INLINE vec v_bfloat16_some(const uint16_t *p, size_t n) {
  vec a = v_zero();
  for (size_t i = 0; i < lanes; i++)
    if (i < n) a[i] = bfloat16_widened(p[i]);
  return a;
}
static INLINE vec v_bfloat16(const uint16_t *p) { return v_bfloat16_some(p, lanes); }

static INLINE vec v_int8_some(const int8_t *p, size_t n) {
  vec a = v_zero();
  for (size_t i = 0; i < lanes; i++)
    if (i < n) a[i] = (float)p[i];
  return a;
}
static INLINE vec v_int8(const int8_t *p) { return v_int8_some(p, lanes); }

static INLINE vec choose(bits mask, vec yes, vec no) { return (vec)((mask & (bits)yes) | (~mask & (bits)no)); }
static INLINE vec v_add(vec a, vec b) { return a + b; }
static INLINE vec v_sub(vec a, vec b) { return a - b; }
static INLINE vec v_mul(vec a, vec b) { return a * b; }
static INLINE vec v_div(vec a, vec b) { return a / b; }
/// a b + c, fused where the processor can.
static INLINE vec v_fma(vec a, vec b, vec c) { return a * b + c; }
/// c - a b
static INLINE vec v_fnma(vec a, vec b, vec c) { return c - a * b; }
/// A NaN in b stays.
static INLINE vec v_max(vec a, vec b) { return choose(a > b, a, b); }
static INLINE vec v_min(vec a, vec b) { return choose(a < b, a, b); }
/// To a whole number, for magnitudes below 2²²: adding 1.5 · 2²³ leaves no room for a fraction.
static INLINE vec v_round(vec a) {
  const vec magic = v_all(0x1.8p23f);
  return (a + magic) - magic;
}
/// a 2ⁿ for whole n within ±250: in two steps, so that overflow and underflow come out right.
static INLINE vec v_scale(vec a, vec n) {
  // Of a NaN any n will do, but its conversion is undefined.
  n = choose(n == n, n, v_zero());
  bits whole = __builtin_convertvector(n, bits), half = whole >> 1;
  return a * (vec)((half + 127) << 23) * (vec)((whole - half + 127) << 23);
}
/// The magnitude of a with the sign of b.
static INLINE vec v_sign_of(vec a, vec b) {
  const bits sign = (bits)v_all(-0.0f);
  return choose(sign, b, a);
}
static INLINE vec v_magnitude(vec a) { return choose((bits)v_all(-0.0f), v_zero(), a); }
/// 1 where a ≥ limit, b elsewhere.
static INLINE vec v_one_from(vec a, float limit, vec b) { return choose(a >= v_all(limit), v_all(1), b); }
/// The first n elements of a, `rest` behind them.
static INLINE vec v_first(vec a, size_t n, float rest) {
  return choose((bits){0, 1, 2, 3} < (bits){(int)n, (int)n, (int)n, (int)n}, a, v_all(rest));
}
static INLINE float v_sum(vec a) { return (a[0] + a[2]) + (a[1] + a[3]); }
static INLINE float larger(float a, float b) { return a > b ? a : b; }
static INLINE float v_largest(vec a) { return larger(larger(a[0], a[1]), larger(a[2], a[3])); }

/// Transposes 4 × 4.
static INLINE void v_transpose(vec r[4]) {
  vec a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
  vec c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
  r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5), r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}
