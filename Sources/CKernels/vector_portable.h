// Vectors of 4 floats, as the compiler makes them for any processor.
// The `_some` forms touch the first n elements only (n may be 0 ... 4) and read the others as 0.
enum { lanes = 4 };
typedef float vec __attribute__((vector_size(16)));
typedef int32_t bits __attribute__((vector_size(16)));
typedef uint32_t unsigned_bits __attribute__((vector_size(16)));

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
/// As the compiler likes.
static INLINE vec v_pinned(vec a) {
  return a;
}
static INLINE vec v_add(vec a, vec b) { return a + b; }
static INLINE vec v_sub(vec a, vec b) { return a - b; }
static INLINE vec v_mul(vec a, vec b) { return a * b; }
static INLINE vec v_div(vec a, vec b) { return a / b; }
#if defined(__FMA__) || defined(__aarch64__)
/// a b + c, rounded once
static INLINE vec v_fma(vec a, vec b, vec c) { return __builtin_elementwise_fma(a, b, c); }
#else
typedef double doubles __attribute__((vector_size(16)));
typedef int64_t long_bits __attribute__((vector_size(16)));
/// a b + c of two lanes by double precision, in which products of floats are exact. The sum is rounded there to an odd
/// last bit where it isn't exact, so that rounding it again, to a float, is as if it had been rounded once (Boldo and
/// Melquiond, Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd, 2008).
static INLINE doubles odd_sum(doubles a, doubles b, doubles c) {
  doubles product = a * b, sum = product + c, part = sum - product;
  doubles error = (product - (sum - part)) + (c - part); // exact (Knuth's sum of two)
  long_bits is_even = (((long_bits)sum & 1) - 1);        // all ones or none
  // Neither where the sum is infinite: then the error is no number.
  long_bits is_inexact = (error < 0) | (error > 0);
  // One place towards the error; magnitudes grow with their patterns.
  long_bits step = (((long_bits)error ^ (long_bits)sum) >> 63) | 1;
  return (doubles)((long_bits)sum + (step & is_even & is_inexact));
}
/// a b + c, rounded once
static INLINE vec v_fma(vec a, vec b, vec c) {
  typedef float pair __attribute__((vector_size(8)));
#define PAIR(x, i) __builtin_convertvector(__builtin_shufflevector(x, x, i, i + 1), doubles)
  pair low = __builtin_convertvector(odd_sum(PAIR(a, 0), PAIR(b, 0), PAIR(c, 0)), pair);
  pair high = __builtin_convertvector(odd_sum(PAIR(a, 2), PAIR(b, 2), PAIR(c, 2)), pair);
#undef PAIR
  return __builtin_shufflevector(low, high, 0, 1, 2, 3);
}
#endif
/// c - a b
static INLINE vec v_fnma(vec a, vec b, vec c) { return v_fma(-a, b, c); }
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
static INLINE vec v_magnitude(vec a) { return choose((bits)v_all(-0.0f), v_zero(), a); }
/// The first n elements of a, `rest` behind them.
static INLINE vec v_first(vec a, size_t n, float rest) {
  return choose((bits){0, 1, 2, 3} < (bits){(int)n, (int)n, (int)n, (int)n}, a, v_all(rest));
}
/// By halves, as all levels do it: see `wide_sum`.
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

/// Of 4 or 2 neighbours in each place of 32 bits, one: `shift` is 24, 16, 8 or 0 for the first to the last of int8.
#define v_int8_of(a, shift) \
  __builtin_convertvector((bits)((unsigned_bits)(a) << (shift)) >> 24, vec)
/// Of float16, the lower halves of all places; and the upper ones.
static INLINE vec v_float16_first(vec a) {
  for (size_t i = 0; i < lanes; i++) a[i] = float16_widened((uint16_t)((unsigned_bits)a)[i]);
  return a;
}
static INLINE vec v_float16_second(vec a) { return v_float16_first((vec)((unsigned_bits)a >> 16)); }
static INLINE vec v_bfloat16_first(vec a) { return (vec)((unsigned_bits)a << 16); }
static INLINE vec v_bfloat16_second(vec a) { return (vec)((unsigned_bits)a & 0xFFFF0000u); }

/// The transposed 4 × 4 at p, whose rows are `stride` bytes apart.
static INLINE void v_load_transposed(const char *p, size_t stride, vec r[4]) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) r[i] = v_load((const float *)(p + i * stride));
  v_transpose(r);
}
