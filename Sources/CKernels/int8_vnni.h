// Sums of products of int8, four at a time, by AVX-512 VNNI. The instruction takes unsigned × signed: weights are shifted
// by 128, so that a row's sums come out too large by 128 times the sum of its elements. All of it is modulo 2³².
enum { unit = 4, needs_weight_sums = 1 };
typedef int8_t quantum;
typedef __m512i ivec;

static INLINE ivec i_zero(void) { return _mm512_setzero_si512(); }
static INLINE ivec i_all(int32_t x) { return _mm512_set1_epi32(x); }
static INLINE ivec i_load(const void *p) { return _mm512_loadu_si512(p); }
static INLINE void i_store(void *p, ivec a) { _mm512_storeu_si512(p, a); }
static INLINE ivec i_sub(ivec a, ivec b) { return _mm512_sub_epi32(a, b); }
static INLINE ivec i_mul(ivec a, ivec b) { return _mm512_mullo_epi32(a, b); }
static INLINE vec i_bits(ivec a) { return _mm512_castsi512_ps(a); }
static INLINE ivec i_of_bits(vec a) { return _mm512_castps_si512(a); }
static INLINE vec i_floats(ivec a) { return _mm512_cvtepi32_ps(a); }
/// sum + the products of each place of w and x
static INLINE ivec i_dot(ivec sum, ivec x, ivec w) { return _mm512_dpbusd_epi32(sum, w, x); }
/// Weights as they are multiplied.
static INLINE ivec i_weight(const int8_t *p) { return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128)); }
/// The first n of them, and anything.
static INLINE ivec i_weight_some(const int8_t *p, size_t n) {
  return _mm512_xor_si512(_mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p), _mm512_set1_epi8(-128));
}
static INLINE int32_t i_offset(int32_t sum) { return 128 * sum; }
/// sum + each place of w
static INLINE ivec i_add_weights(ivec sum, ivec w) { return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi8(1)); }
/// How much larger a sum of so many weights is than that of the weights themselves.
static INLINE int32_t i_weights_offset(size_t count) { return 128 * (int32_t)count; }

/// Sums of a ... d over all elements whose indices are the same modulo 4, by quarters.
static INLINE ivec sums_of_4(ivec a, ivec b, ivec c, ivec d) {
  ivec ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
  ivec cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}
static INLINE __m256i halves(ivec a) {
  return _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
}
static INLINE ivec pairs(ivec a, ivec b) {
  return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xDD));
}
/// The sum of each of n vectors. The target has room for n rounded up to a multiple of 4.
static INLINE void i_sums(const ivec *s, size_t n, int32_t *target) {
  size_t i = 0;
#pragma clang loop unroll(full)
  for (; i + 16 <= n; i += 16) {
    ivec a = sums_of_4(s[i], s[i + 1], s[i + 2], s[i + 3]), b = sums_of_4(s[i + 4], s[i + 5], s[i + 6], s[i + 7]);
    ivec c = sums_of_4(s[i + 8], s[i + 9], s[i + 10], s[i + 11]);
    ivec d = sums_of_4(s[i + 12], s[i + 13], s[i + 14], s[i + 15]);
    i_store(target + i, pairs(pairs(a, b), pairs(c, d)));
  }
  if (i + 8 <= n) {
    __m256i a = halves(sums_of_4(s[i], s[i + 1], s[i + 2], s[i + 3]));
    __m256i b = halves(sums_of_4(s[i + 4], s[i + 5], s[i + 6], s[i + 7]));
    a = _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
    _mm256_storeu_si256((__m256i *)(target + i), a);
    i += 8;
  }
#pragma clang loop unroll(full)
  for (; i < n; i += 4) {
    ivec b = i + 1 < n ? s[i + 1] : i_zero(), c = i + 2 < n ? s[i + 2] : i_zero(), d = i + 3 < n ? s[i + 3] : i_zero();
    __m256i a = halves(sums_of_4(s[i], b, c, d));
    _mm_storeu_si128((__m128i *)(target + i), _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1)));
  }
}
