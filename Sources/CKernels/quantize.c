// Weights as 8-bit integers with one scale per row.
//
// The same bytes come out on every processor: sums are kept in a fixed number of lanes and added in a fixed order,
// whatever the width of the vectors, and nothing is fused.
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__linux__)
#define FOR_SEVERAL_PROCESSORS __attribute__((target_clones("default", "avx2", "arch=x86-64-v4")))
#else
#define FOR_SEVERAL_PROCESSORS
#endif

enum {
  LANES = 16,
  /// Scales that are tried for a row: its largest magnitude over 127, and that times 0.96, 0.92, … 0.8.
  CANDIDATES = 6,
};

/// Adding and subtracting it rounds what is below 2^22 to the nearest integer, ties to even.
#define ROUNDER 12582912.0f

static inline float rounded(float x) { return (x + ROUNDER) - ROUNDER; }

static inline float clamped(float x) {
  x = x > 127.0f ? 127.0f : x;
  return x < -127.0f ? -127.0f : x;
}

FOR_SEVERAL_PROCESSORS
static float largest_magnitude(const float *row, size_t count) {
  float lanes[LANES] = {0};
  size_t start = 0;
  for (; start + LANES <= count; start += LANES) {
    for (int lane = 0; lane < LANES; lane++) {
      float magnitude = row[start + lane] < 0.0f ? -row[start + lane] : row[start + lane];
      lanes[lane] = magnitude > lanes[lane] ? magnitude : lanes[lane];
    }
  }
  float largest = 0.0f;
  for (int lane = 0; lane < LANES; lane++) largest = lanes[lane] > largest ? lanes[lane] : largest;
  for (; start < count; start++) {
    float magnitude = row[start] < 0.0f ? -row[start] : row[start];
    largest = magnitude > largest ? magnitude : largest;
  }
  return largest;
}

/// Sum of the squared errors of a row that is quantized with a scale.
FOR_SEVERAL_PROCESSORS
static float squared_error(const float *row, size_t count, float scale, float inverse) {
  float lanes[LANES] = {0};
  size_t start = 0;
  for (; start + LANES <= count; start += LANES) {
    for (int lane = 0; lane < LANES; lane++) {
      float x = row[start + lane];
      float error = x - clamped(rounded(x * inverse)) * scale;
      lanes[lane] += error * error;
    }
  }
  float sum = 0.0f;
  for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
  for (; start < count; start++) {
    float error = row[start] - clamped(rounded(row[start] * inverse)) * scale;
    sum += error * error;
  }
  return sum;
}

FOR_SEVERAL_PROCESSORS
static void quantize_row(const float *row, size_t count, float inverse, int8_t *out) {
  for (size_t index = 0; index < count; index++) out[index] = (int8_t)(int32_t)clamped(rounded(row[index] * inverse));
}

void ck_quantize_activations(const float *x, size_t count, int8_t *out, float *scale, int32_t *zero) {
  int finite = 1;
  float low = 0.0f, high = 0.0f;
  for (size_t index = 0; index < count; index++) {
    if (!isfinite(x[index])) finite = 0;
    if (x[index] < low) low = x[index];
    if (x[index] > high) high = x[index];
  }
  float range = high - low;
  memset(out, 0, count);
  *zero = 0;
  if (!finite || !isfinite(range) || range < 0x1p-119f) {
    *scale = finite && isfinite(range) ? 0.0f : NAN;
    return;
  }
  float inverse = 255.0f / range, scaled = -low * inverse;
  *scale = range / 255.0f;
  *zero = (int32_t)rounded(scaled) - 128;
  for (size_t index = 0; index < count; index++) {
    scaled = x[index] * inverse;
    int32_t q = (int32_t)rounded(scaled) + *zero;
    out[index] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
  }
}

int ck_quantize_rows(const float *rows, size_t count, size_t columns, int8_t *out, float *scales) {
  for (size_t index = 0; index < count; index++) {
    const float *row = rows + index * columns;
    float largest = largest_magnitude(row, columns), best = 0.0f, least = 0.0f;
    for (int candidate = 0; candidate < CANDIDATES; candidate++) {
      float scale = largest * (1.0f - 0.04f * (float)candidate) / 127.0f, inverse = 1.0f / scale;
      // A row of zeros, and one too small for its scale to have an inverse, become zeros.
      if (!(inverse > 0.0f) || inverse > 3e38f) break;
      float error = squared_error(row, columns, scale, inverse);
      if (!(error < 3e38f)) return -1;
      if (candidate == 0 || error < least) {
        best = scale;
        least = error;
      }
    }
    if (!(largest < 3e38f)) return -1;
    scales[index] = best;
    quantize_row(row, columns, best > 0.0f ? 1.0f / best : 0.0f, out + index * columns);
  }
  return 0;
}
