// Sums of products of int8 by processors without instructions for four of them: as int16, two at a time.
#include "int8_neon.h"

/// Elements hold q - zero: no sums of weights are needed.
enum { unit = 2, needs_weight_sums = 0 };
typedef int16_t quantum;

/// sum + the products of each place of w and x
static INLINE ivec i_dot(ivec sum, ivec x, ivec w) {
  int16x8_t a = vreinterpretq_s16_s32(x), b = vreinterpretq_s16_s32(w);
  return vaddq_s32(sum, vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b)));
}
/// Weights as they are multiplied.
static INLINE ivec i_weight(const int8_t *p) { return vreinterpretq_s32_s16(vmovl_s8(vld1_s8(p))); }
/// The first n of them, and anything.
static INLINE ivec i_weight_some(const int8_t *p, size_t n) {
  int8_t copy[8] = {0};
  memcpy(copy, p, n);
  return i_weight(copy);
}
static INLINE ivec i_add_weights(ivec sum, ivec w) {
  (void)w;
  return sum;
}
