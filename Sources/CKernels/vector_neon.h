// Vectors of 4 floats, as every 64-bit ARM processor has them (Advanced SIMD). The `_some` forms touch the first n elements
// only (n may be 0 ... 4) and read the others as 0.
enum { lanes = 4 };
typedef float32x4_t vec;

static INLINE uint32x4_t first(size_t n) {
  static const uint32_t places[4] = {0, 1, 2, 3};
  return vcltq_u32(vld1q_u32(places), vdupq_n_u32((uint32_t)n));
}

static INLINE vec v_zero(void) { return vdupq_n_f32(0); }
static INLINE vec v_all(float x) { return vdupq_n_f32(x); }
static INLINE vec v_load(const float *p) { return vld1q_f32(p); }
static INLINE vec v_load_some(const float *p, size_t n) {
  float copy[4] = {0};
  memcpy(copy, p, n * sizeof(*p));
  return vld1q_f32(copy);
}
static INLINE void v_store(float *p, vec a) { vst1q_f32(p, a); }
static INLINE void v_store_some(float *p, vec a, size_t n) {
  float copy[4];
  vst1q_f32(copy, a);
  memcpy(p, copy, n * sizeof(*p));
}

static INLINE uint16x4_t some_halves(const uint16_t *p, size_t n) {
  uint16_t copy[4] = {0};
  memcpy(copy, p, n * sizeof(*p));
  return vld1_u16(copy);
}
static INLINE vec float16_widened(uint16x4_t bits) { return vcvt_f32_f16(vreinterpret_f16_u16(bits)); }
static INLINE vec bfloat16_widened(uint16x4_t bits) { return vreinterpretq_f32_u32(vshll_n_u16(bits, 16)); }
static INLINE vec v_float16(const uint16_t *p) { return float16_widened(vld1_u16(p)); }
static INLINE vec v_float16_some(const uint16_t *p, size_t n) { return float16_widened(some_halves(p, n)); }
static INLINE vec v_bfloat16(const uint16_t *p) { return bfloat16_widened(vld1_u16(p)); }
static INLINE vec v_bfloat16_some(const uint16_t *p, size_t n) { return bfloat16_widened(some_halves(p, n)); }

static INLINE vec v_int8_some(const int8_t *p, size_t n) {
  int8_t copy[8] = {0};
  memcpy(copy, p, n);
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(copy)))));
}
static INLINE vec v_int8(const int8_t *p) { return v_int8_some(p, 4); }

/// There are registers enough.
static INLINE vec v_pinned(vec a) { return a; }
static INLINE vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static INLINE vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static INLINE vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static INLINE vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
/// a b + c
static INLINE vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
/// c - a b
static INLINE vec v_fnma(vec a, vec b, vec c) { return vfmsq_f32(c, a, b); }
/// A NaN in b stays. The instructions for this treat zeros and NaN otherwise.
static INLINE vec v_max(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static INLINE vec v_min(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static INLINE vec v_round(vec a) { return vrndnq_f32(a); }
/// a 2ⁿ for whole n within ±250: in two steps, so that overflow and underflow come out right.
static INLINE vec v_scale(vec a, vec n) {
  int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
  vec by_half = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  vec by_rest = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23));
  return vmulq_f32(vmulq_f32(a, by_half), by_rest);
}
static INLINE vec v_magnitude(vec a) { return vabsq_f32(a); }
/// The first n elements of a, `rest` behind them.
static INLINE vec v_first(vec a, size_t n, float rest) { return vbslq_f32(first(n), a, v_all(rest)); }
/// By halves, as all levels do it: see `wide_sum`.
static INLINE float v_sum(vec a) {
  float32x2_t halves = vadd_f32(vget_low_f32(a), vget_high_f32(a));
  return vget_lane_f32(halves, 0) + vget_lane_f32(halves, 1);
}
static INLINE float v_largest(vec a) { return vmaxnmvq_f32(a); }

/// Transposes 4 × 4.
static INLINE void v_transpose(vec r[4]) {
  float64x2_t a = vreinterpretq_f64_f32(vtrn1q_f32(r[0], r[1])), b = vreinterpretq_f64_f32(vtrn2q_f32(r[0], r[1]));
  float64x2_t c = vreinterpretq_f64_f32(vtrn1q_f32(r[2], r[3])), d = vreinterpretq_f64_f32(vtrn2q_f32(r[2], r[3]));
  r[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c)), r[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
  r[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c)), r[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
}

/// Of 4 or 2 neighbours in each place of 32 bits, one: `shift` is 24, 16, 8 or 0 for the first to the last of int8.
#define v_int8_of(a, shift) \
  vcvtq_f32_s32(vshrq_n_s32(vshlq_n_s32(vreinterpretq_s32_f32(a), shift), 24))
/// Of float16, the lower halves of all places; and the upper ones.
static INLINE vec v_float16_first(vec a) { return float16_widened(vmovn_u32(vreinterpretq_u32_f32(a))); }
static INLINE vec v_float16_second(vec a) { return float16_widened(vshrn_n_u32(vreinterpretq_u32_f32(a), 16)); }
static INLINE vec v_bfloat16_first(vec a) { return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(a), 16)); }
static INLINE vec v_bfloat16_second(vec a) {
  return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0xFFFF0000u)));
}

/// The transposed 4 × 4 at p, whose rows are `stride` bytes apart.
static INLINE void v_load_transposed(const char *p, size_t stride, vec r[4]) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) r[i] = v_load((const float *)(p + i * stride));
  v_transpose(r);
}
