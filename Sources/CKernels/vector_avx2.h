// Vectors of 8 floats, AVX2. Included inside the region whose functions are compiled for these instructions.
// The `_some` forms touch the first n elements only (n may be 0 ... 8) and read the others as 0.
enum { lanes = 8 };
typedef __m256 vec;

static INLINE __m256i first(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static INLINE vec v_zero(void) { return _mm256_setzero_ps(); }
static INLINE vec v_all(float x) { return _mm256_set1_ps(x); }
static INLINE vec v_load(const float *p) { return _mm256_loadu_ps(p); }
static INLINE vec v_load_some(const float *p, size_t n) { return _mm256_maskload_ps(p, first(n)); }
static INLINE void v_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
static INLINE void v_store_some(float *p, vec a, size_t n) { _mm256_maskstore_ps(p, first(n), a); }

static INLINE __m128i some_halves(const uint16_t *p, size_t n) {
  uint16_t copy[8] = {0};
  memcpy(copy, p, n * sizeof(*p));
  return _mm_loadu_si128((const __m128i *)copy);
}
static INLINE vec bfloat16_widened(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
static INLINE vec v_float16(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
static INLINE vec v_float16_some(const uint16_t *p, size_t n) { return _mm256_cvtph_ps(some_halves(p, n)); }
static INLINE vec v_bfloat16(const uint16_t *p) { return bfloat16_widened(_mm_loadu_si128((const __m128i *)p)); }
static INLINE vec v_bfloat16_some(const uint16_t *p, size_t n) { return bfloat16_widened(some_halves(p, n)); }

static INLINE vec int8_widened(__m128i bytes) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)); }
static INLINE vec v_int8(const int8_t *p) { return int8_widened(_mm_loadl_epi64((const __m128i *)p)); }
static INLINE vec v_int8_some(const int8_t *p, size_t n) {
  int8_t bytes[16] = {0};
  for (size_t i = 0; i < n; i++) bytes[i] = p[i];
  return int8_widened(_mm_loadl_epi64((const __m128i *)bytes));
}

/// a, at this place of the order: else the compiler takes so many elements ahead that sums must leave their registers.
static INLINE vec v_pinned(vec a) {
  __asm__ volatile("" : "+x"(a));
  return a;
}
static INLINE vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static INLINE vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static INLINE vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static INLINE vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
/// a b + c
static INLINE vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
/// c - a b
static INLINE vec v_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }
/// A NaN in b stays.
static INLINE vec v_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static INLINE vec v_min(vec a, vec b) { return _mm256_min_ps(a, b); }
static INLINE vec v_round(vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static INLINE vec power_of_two(__m256i n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
/// a 2ⁿ for whole n within ±250: in two steps, so that overflow and underflow come out right.
static INLINE vec v_scale(vec a, vec n) {
  __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  return _mm256_mul_ps(_mm256_mul_ps(a, power_of_two(half)), power_of_two(_mm256_sub_epi32(whole, half)));
}
static INLINE vec v_magnitude(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
/// The first n elements of a, `rest` behind them.
static INLINE vec v_first(vec a, size_t n, float rest) {
  return _mm256_blendv_ps(v_all(rest), a, _mm256_castsi256_ps(first(n)));
}
/// By halves, as all levels do it: see `wide_sum`.
static INLINE float v_sum(vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static INLINE float v_largest(vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/// Transposes 8 × 8.
static INLINE void v_transpose(vec r[8]) {
  vec t[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i += 4) {
    vec a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
    vec c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
    t[i] = _mm256_shuffle_ps(a, c, 0x44), t[i + 1] = _mm256_shuffle_ps(a, c, 0xEE);
    t[i + 2] = _mm256_shuffle_ps(b, d, 0x44), t[i + 3] = _mm256_shuffle_ps(b, d, 0xEE);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    r[i] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(t[i], t[i + 4], 0x31);
  }
}

/// Of 4 or 2 neighbours in each place of 32 bits, one: `shift` is 24, 16, 8 or 0 for the first to the last of int8.
#define v_int8_of(a, shift) \
  _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(_mm256_castps_si256(a), shift), 24))
/// Of float16, the lower halves of all places; and the upper ones.
static INLINE vec v_float16_first(vec a) {
  __m256i low = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0xFFFF));
  __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  return _mm256_cvtph_ps(packed);
}
static INLINE vec v_float16_second(vec a) {
  return v_float16_first(_mm256_castsi256_ps(_mm256_srli_epi32(_mm256_castps_si256(a), 16)));
}
static INLINE vec v_bfloat16_first(vec a) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 16)); }
static INLINE vec v_bfloat16_second(vec a) {
  return _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32((int)0xFFFF0000u)));
}

/// The transposed 8 × 8 at p, whose rows are `stride` bytes apart: halves of rows are joined while they are loaded, which
/// saves a third of the shuffles.
static INLINE void v_load_transposed(const char *p, size_t stride, vec r[8]) {
#pragma clang loop unroll(full)
  for (size_t half = 0; half < 8; half += 4) {
    vec t[4];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 4; i++) {
      const float *low = (const float *)(p + i * stride) + half, *high = (const float *)(p + (i + 4) * stride) + half;
      t[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
    }
    vec a = _mm256_unpacklo_ps(t[0], t[1]), b = _mm256_unpackhi_ps(t[0], t[1]);
    vec c = _mm256_unpacklo_ps(t[2], t[3]), d = _mm256_unpackhi_ps(t[2], t[3]);
#define JOIN(f, x, y) _mm256_castpd_ps(f(_mm256_castps_pd(x), _mm256_castps_pd(y)))
    r[half] = JOIN(_mm256_unpacklo_pd, a, c), r[half + 1] = JOIN(_mm256_unpackhi_pd, a, c);
    r[half + 2] = JOIN(_mm256_unpacklo_pd, b, d), r[half + 3] = JOIN(_mm256_unpackhi_pd, b, d);
#undef JOIN
  }
}
