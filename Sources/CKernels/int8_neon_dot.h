// Sums of products of int8, four at a time, by SDOT (the extension DotProd). Elements hold q: what `zero` makes of them is
// taken off with sums of weights.
#include "int8_neon.h"

enum { unit = 4, needs_weight_sums = 1 };
typedef int8_t quantum;

/// sum + the products of each place of w and x
static INLINE ivec i_dot(ivec sum, ivec x, ivec w) {
  return vdotq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w));
}
/// Weights as they are multiplied.
static INLINE ivec i_weight(const int8_t *p) { return vreinterpretq_s32_s8(vld1q_s8(p)); }
/// The first n of them, and anything.
static INLINE ivec i_weight_some(const int8_t *p, size_t n) {
  int8_t copy[16] = {0};
  memcpy(copy, p, n);
  return i_weight(copy);
}
/// sum + each place of w
static INLINE ivec i_add_weights(ivec sum, ivec w) {
  return vdotq_s32(sum, vreinterpretq_s8_s32(w), vdupq_n_s8(1));
}
