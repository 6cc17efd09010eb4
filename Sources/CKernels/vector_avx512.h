// Vectors of 16 floats, AVX-512. Included inside the region whose functions are compiled for these instructions.
// The `_some` forms touch the first n elements only (n may be 0 ... 16) and read the others as 0.
enum { lanes = 16 };
typedef __m512 vec;

static INLINE __mmask16 first(size_t n) { return (__mmask16)((1u << n) - 1); }

static INLINE vec v_zero(void) { return _mm512_setzero_ps(); }
static INLINE vec v_all(float x) { return _mm512_set1_ps(x); }
static INLINE vec v_load(const float *p) { return _mm512_loadu_ps(p); }
static INLINE vec v_load_some(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
static INLINE void v_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
static INLINE void v_store_some(float *p, vec a, size_t n) { _mm512_mask_storeu_ps(p, first(n), a); }

static INLINE vec v_float16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
static INLINE vec v_float16_some(const uint16_t *p, size_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p));
}
static INLINE vec bfloat16_widened(__m256i bits) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
static INLINE vec v_bfloat16(const uint16_t *p) { return bfloat16_widened(_mm256_loadu_si256((const __m256i *)p)); }
static INLINE vec v_bfloat16_some(const uint16_t *p, size_t n) {
  return bfloat16_widened(_mm256_maskz_loadu_epi16(first(n), p));
}

static INLINE vec v_int8(const int8_t *p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
static INLINE vec v_int8_some(const int8_t *p, size_t n) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first(n), p)));
}

/// There are registers enough.
static INLINE vec v_pinned(vec a) {
  return a;
}
static INLINE vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static INLINE vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static INLINE vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static INLINE vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
/// a b + c
static INLINE vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
/// c - a b
static INLINE vec v_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }
/// A NaN in b stays.
static INLINE vec v_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static INLINE vec v_min(vec a, vec b) { return _mm512_min_ps(a, b); }
static INLINE vec v_round(vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// a 2ⁿ for whole n
static INLINE vec v_scale(vec a, vec n) { return _mm512_scalef_ps(a, n); }
static INLINE vec v_magnitude(vec a) { return _mm512_abs_ps(a); }
/// The first n elements of a, `rest` behind them.
static INLINE vec v_first(vec a, size_t n, float rest) { return _mm512_mask_blend_ps(first(n), v_all(rest), a); }
/// By halves, as all levels do it: see `wide_sum`.
static INLINE float v_sum(vec a) {
  __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static INLINE float v_largest(vec a) { return _mm512_reduce_max_ps(a); }

/// Transposes 16 × 16.
static INLINE void v_transpose(vec r[16]) {
  vec t[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    vec a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
    vec c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
#define JOIN(f, x, y) _mm512_castpd_ps(f(_mm512_castps_pd(x), _mm512_castps_pd(y)))
    t[i] = JOIN(_mm512_unpacklo_pd, a, c), t[i + 1] = JOIN(_mm512_unpackhi_pd, a, c);
    t[i + 2] = JOIN(_mm512_unpacklo_pd, b, d), t[i + 3] = JOIN(_mm512_unpackhi_pd, b, d);
#undef JOIN
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    vec a = _mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), b = _mm512_shuffle_f32x4(t[i], t[i + 4], 0xDD);
    vec c = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0x88), d = _mm512_shuffle_f32x4(t[i + 8], t[i + 12], 0xDD);
    r[i] = _mm512_shuffle_f32x4(a, c, 0x88), r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xDD);
    r[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88), r[i + 12] = _mm512_shuffle_f32x4(b, d, 0xDD);
  }
}

/// Of 4 or 2 neighbours in each place of 32 bits, one: `shift` is 24, 16, 8 or 0 for the first to the last of int8.
#define v_int8_of(a, shift) \
  _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(_mm512_castps_si512(a), shift), 24))
/// Of float16, the lower halves of all places; and the upper ones.
static INLINE vec v_float16_first(vec a) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_castps_si512(a))); }
static INLINE vec v_float16_second(vec a) {
  return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(a), 16)));
}
static INLINE vec v_bfloat16_first(vec a) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 16)); }
static INLINE vec v_bfloat16_second(vec a) {
  return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32((int)0xFFFF0000u)));
}

/// The transposed 16 × 16 at p, whose rows are `stride` bytes apart.
static INLINE void v_load_transposed(const char *p, size_t stride, vec r[16]) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) r[i] = v_load((const float *)(p + i * stride));
  v_transpose(r);
}
