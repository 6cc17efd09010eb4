// Sums of products of int8 by AVX2, as int16, two at a time: that never saturates, and instructions on int8 would need as
// many steps for as many products.
/// Elements hold q - zero: no sums of weights are needed.
enum { unit = 2, needs_weight_sums = 0 };
typedef int16_t quantum;
typedef __m256i ivec;

static INLINE ivec i_zero(void) { return _mm256_setzero_si256(); }
static INLINE ivec i_all(int32_t x) { return _mm256_set1_epi32(x); }
static INLINE ivec i_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static INLINE void i_store(void *p, ivec a) { _mm256_storeu_si256((__m256i *)p, a); }
static INLINE ivec i_sub(ivec a, ivec b) { return _mm256_sub_epi32(a, b); }
static INLINE ivec i_mul(ivec a, ivec b) { return _mm256_mullo_epi32(a, b); }
static INLINE vec i_bits(ivec a) { return _mm256_castsi256_ps(a); }
static INLINE ivec i_of_bits(vec a) { return _mm256_castps_si256(a); }
static INLINE vec i_floats(ivec a) { return _mm256_cvtepi32_ps(a); }
/// sum + the products of each place of w and x
static INLINE ivec i_dot(ivec sum, ivec x, ivec w) { return _mm256_add_epi32(sum, _mm256_madd_epi16(w, x)); }
/// Weights as they are multiplied.
static INLINE ivec i_weight(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
/// The first n of them, and anything.
static INLINE ivec i_weight_some(const int8_t *p, size_t n) {
  int8_t copy[16] = {0};
  memcpy(copy, p, n);
  return i_weight(copy);
}
static INLINE int32_t i_offset(int32_t sum) {
  (void)sum;
  return 0;
}
static INLINE ivec i_add_weights(ivec sum, ivec w) {
  (void)w;
  return sum;
}
static INLINE int32_t i_weights_offset(size_t count) {
  (void)count;
  return 0;
}

/// Sums of a ... d over all elements whose indices are the same modulo 4, by halves.
static INLINE ivec sums_of_4(ivec a, ivec b, ivec c, ivec d) {
  ivec ab = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
  ivec cd = _mm256_add_epi32(_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
  return _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
}
/// The sum of each of n vectors. The target has room for n rounded up to a multiple of 4.
static INLINE void i_sums(const ivec *s, size_t n, int32_t *target) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < n; i += 4) {
    ivec b = i + 1 < n ? s[i + 1] : i_zero(), c = i + 2 < n ? s[i + 2] : i_zero(), d = i + 3 < n ? s[i + 3] : i_zero();
    ivec a = sums_of_4(s[i], b, c, d);
    _mm_storeu_si128((__m128i *)(target + i), _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1)));
  }
}
