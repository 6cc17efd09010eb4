// Integers of 4 × 32 bits, for both ways in which 64-bit ARM processors multiply int8.
typedef int32x4_t ivec;

static INLINE ivec i_zero(void) { return vdupq_n_s32(0); }
static INLINE ivec i_all(int32_t x) { return vdupq_n_s32(x); }
static INLINE ivec i_load(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
static INLINE void i_store(void *p, ivec a) { vst1q_u8(p, vreinterpretq_u8_s32(a)); }
static INLINE ivec i_sub(ivec a, ivec b) { return vsubq_s32(a, b); }
static INLINE ivec i_mul(ivec a, ivec b) { return vmulq_s32(a, b); }
static INLINE vec i_bits(ivec a) { return vreinterpretq_f32_s32(a); }
static INLINE ivec i_of_bits(vec a) { return vreinterpretq_s32_f32(a); }
static INLINE vec i_floats(ivec a) { return vcvtq_f32_s32(a); }
static INLINE int32_t i_offset(int32_t sum) {
  (void)sum;
  return 0;
}
static INLINE int32_t i_weights_offset(size_t count) {
  (void)count;
  return 0;
}

/// The sum of each of n vectors. The target has room for n rounded up to a multiple of 4.
static INLINE void i_sums(const ivec *s, size_t n, int32_t *target) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < n; i++) target[i] = vaddvq_s32(s[i]);
}
