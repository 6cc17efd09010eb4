#include "digests.h"

#include <string.h>

enum { BLOCK = 64, LENGTH = 8 };

// FIPS 180-4, 5.3.3.
static const uint32_t start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA __attribute__((target("sha,sse4.1")))

// FIPS 180-4, 4.2.2.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

int ingot_sha256_is_there(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1)) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/// The eight words of a state as the instructions want them: A, B, E, F and C, D, G, H.
typedef struct {
  __m128i abef, cdgh;
} words;

SHA static inline words loaded(const uint32_t *state) {
  __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
  __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
  return (words){_mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xF0)};
}

SHA static inline void store(uint32_t *state, words words) {
  __m128i feba = _mm_shuffle_epi32(words.abef, 0x1B), dchg = _mm_shuffle_epi32(words.cdgh, 0xB1);
  _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/// Four words of the schedule, of which there are sixteen fours: those of the block, and what follows from them.
SHA static inline __m128i scheduled(__m128i *fours, int four, const uint8_t *block) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i *at = fours + (four & 3), last = fours[(four + 3) & 3];
  if (four < 4) return *at = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)block + four), swap);
  __m128i sum = _mm_add_epi32(
      _mm_sha256msg1_epu32(*at, fours[(four + 1) & 3]), _mm_alignr_epi8(last, fours[(four + 2) & 3], 4));
  return *at = _mm_sha256msg2_epu32(sum, last);
}

SHA static inline void turn(words *words, __m128i scheduled) {
  words->cdgh = _mm_sha256rnds2_epu32(words->cdgh, words->abef, scheduled);
  words->abef = _mm_sha256rnds2_epu32(words->abef, words->cdgh, _mm_shuffle_epi32(scheduled, 0x0E));
}

SHA static inline words added(words a, words b) {
  return (words){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

/// Blocks of one digest, and as many of another; their steps alternate, so that neither waits for itself.
SHA static void take_both(uint32_t *first, const uint8_t *a, uint32_t *second, const uint8_t *b, size_t blocks) {
  words x = loaded(first), y = loaded(second);
  for (; blocks; blocks--, a += BLOCK, b += BLOCK) {
    words x_before = x, y_before = y;
    __m128i of_x[4] = {}, of_y[4] = {};
#pragma clang loop unroll(full)
    for (int four = 0; four < 16; four++) {
      __m128i constant = _mm_load_si128((const __m128i *)constants + four);
      __m128i for_x = _mm_add_epi32(scheduled(of_x, four, a), constant);
      __m128i for_y = _mm_add_epi32(scheduled(of_y, four, b), constant);
      turn(&x, for_x);
      turn(&y, for_y);
    }
    x = added(x, x_before);
    y = added(y, y_before);
  }
  store(first, x);
  store(second, y);
}

SHA static void take(uint32_t *state, const uint8_t *bytes, size_t blocks) {
  words x = loaded(state);
  for (; blocks; blocks--, bytes += BLOCK) {
    words before = x;
    __m128i fours[4] = {};
#pragma clang loop unroll(full)
    for (int four = 0; four < 16; four++) {
      turn(&x, _mm_add_epi32(
                   scheduled(fours, four, bytes), _mm_load_si128((const __m128i *)constants + four)));
    }
    x = added(x, before);
  }
  store(state, x);
}

#else

int ingot_sha256_is_there(void) { return 0; }

static void take_both(uint32_t *first, const uint8_t *a, uint32_t *second, const uint8_t *b, size_t blocks) {
  __builtin_trap();
}

static void take(uint32_t *state, const uint8_t *bytes, size_t blocks) { __builtin_trap(); }

#endif

void ingot_sha256_begin(ingot_sha256 *digest) {
  memcpy(digest->state, start, sizeof start);
  digest->count = 0;
}

void ingot_sha256_update(ingot_sha256 *digest, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  size_t held = digest->count % BLOCK;
  digest->count += count;
  if (held) {
    size_t more = count < BLOCK - held ? count : BLOCK - held;
    memcpy(digest->rest + held, next, more);
    next += more;
    count -= more;
    if (held + more < BLOCK) return;
    take(digest->state, digest->rest, 1);
  }
  take(digest->state, next, count / BLOCK);
  if (count % BLOCK) memcpy(digest->rest, next + count / BLOCK * BLOCK, count % BLOCK);
}

void ingot_sha256_update_both(
    ingot_sha256 *first, const void *first_bytes, size_t first_count, ingot_sha256 *second, const void *second_bytes,
    size_t second_count) {
  // Together go whole blocks that both have; what is held of an earlier one, or is left, goes by itself.
  size_t both = 0;
  if (first->count % BLOCK == 0 && second->count % BLOCK == 0) {
    both = (first_count < second_count ? first_count : second_count) / BLOCK;
    take_both(first->state, first_bytes, second->state, second_bytes, both);
    both *= BLOCK;
    first->count += both;
    second->count += both;
  }
  if (first_count > both) ingot_sha256_update(first, (const uint8_t *)first_bytes + both, first_count - both);
  if (second_count > both) ingot_sha256_update(second, (const uint8_t *)second_bytes + both, second_count - both);
}

void ingot_sha256_finish(ingot_sha256 *digest, uint8_t *bytes) {
  // A one, zeros, and the number of bits in eight bytes end the last block.
  uint64_t bits = digest->count * 8;
  uint8_t end[BLOCK + LENGTH] = {0x80};
  size_t held = digest->count % BLOCK, zeros = (held < BLOCK - LENGTH ? BLOCK : 2 * BLOCK) - LENGTH - held;
  for (int byte = 0; byte < LENGTH; byte++) end[zeros + byte] = (uint8_t)(bits >> (56 - 8 * byte));
  ingot_sha256_update(digest, end, zeros + LENGTH);
  for (int word = 0; word < 8; word++) {
    for (int byte = 0; byte < 4; byte++) bytes[4 * word + byte] = (uint8_t)(digest->state[word] >> (24 - 8 * byte));
  }
  ingot_sha256_begin(digest);
}
