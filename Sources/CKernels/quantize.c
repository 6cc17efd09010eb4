// Weights as 8-bit integers with one scale per row.
//
// The same bytes come out on every processor: sums are kept in a fixed number of lanes and added in a fixed order,
// whatever the width of the vectors, and nothing is fused.
//
// Rounding can make up for its own errors. With inputs x that vary as D Dᵀ + I says (D: columns × directions; the unit is
// what they vary in all other directions), errors δ of a row cost |δ|² + |Dᵀ δ|². Elements are rounded one after the other,
// each moved by what costs least given the errors before it and that the elements behind it can still make up: this is
// what optimal brain quantization and GPTQ do (Frantar et al., 2022), which for such a matrix needs of the earlier errors
// only their sum along the directions, e = Σ dᵢ δᵢ. The best move of element j is -gⱼ e, where gⱼ = M dⱼ / (1 + dⱼᵀ M dⱼ) and
// M = (I + Σ dᵢ dᵢᵀ)⁻¹ over the elements i behind j.
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
  MOST_DIRECTIONS = ck_most_directions,
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

void ck_rounding_gains(const float *directions, size_t columns, size_t count, float *gains) {
  double m[MOST_DIRECTIONS][MOST_DIRECTIONS] = {{0}}, moved[MOST_DIRECTIONS];
  for (size_t a = 0; a < count; a++) m[a][a] = 1.0;
  for (size_t column = columns; column-- > 0;) {
    const float *direction = directions + column * count;
    double whole = 1.0;
    for (size_t a = 0; a < count; a++) {
      moved[a] = 0.0;
      for (size_t b = 0; b < count; b++) moved[a] += m[a][b] * (double)direction[b];
    }
    for (size_t a = 0; a < count; a++) whole += moved[a] * (double)direction[a];
    for (size_t a = 0; a < count; a++) gains[column * count + a] = (float)(moved[a] / whole);
    // What the element adds to the matrix that M is the inverse of, by Sherman and Morrison.
    for (size_t a = 0; a < count; a++)
      for (size_t b = 0; b < count; b++) m[a][b] -= moved[a] * moved[b] / whole;
  }
}

/// Up to LANES rows, side by side. Whatever the directions are, the integers are within bounds.
FOR_SEVERAL_PROCESSORS
static void quantize_along(const float *rows, size_t count, size_t columns, const float *scales,
                           const float *directions, const float *gains, size_t size, int8_t *out) {
  float errors[MOST_DIRECTIONS][LANES] = {{0}}, scale[LANES] = {0}, inverse[LANES] = {0};
  // Columns by the tile, so that neither side is read or written a row apart.
  float x[LANES][LANES] = {{0}};
  int8_t q[LANES][LANES];
  for (size_t row = 0; row < count; row++) {
    scale[row] = scales[row];
    inverse[row] = scale[row] > 0.0f ? 1.0f / scale[row] : 0.0f;
  }
  for (size_t start = 0; start < columns; start += LANES) {
    size_t width = columns - start < LANES ? columns - start : LANES;
    for (size_t row = 0; row < count; row++)
      for (size_t index = 0; index < width; index++) x[index][row] = rows[row * columns + start + index];
    for (size_t index = 0; index < width; index++) {
      const float *direction = directions + (start + index) * size, *gain = gains + (start + index) * size;
      float moved[LANES] = {0}, error[LANES];
      for (size_t a = 0; a < size; a++)
        for (int lane = 0; lane < LANES; lane++) moved[lane] += gain[a] * errors[a][lane];
      for (int lane = 0; lane < LANES; lane++) {
        float value = rounded((x[index][lane] - moved[lane]) * inverse[lane]);
        // What is no number, too, becomes one.
        value = value < 127.0f ? value : 127.0f;
        value = value > -127.0f ? value : -127.0f;
        q[index][lane] = (int8_t)(int32_t)value;
        error[lane] = value * scale[lane];
        error[lane] = error[lane] - x[index][lane];
      }
      for (size_t a = 0; a < size; a++)
        for (int lane = 0; lane < LANES; lane++) errors[a][lane] += direction[a] * error[lane];
    }
    for (size_t row = 0; row < count; row++)
      for (size_t index = 0; index < width; index++) out[row * columns + start + index] = q[index][row];
  }
}

int ck_quantize_rows(const float *rows, size_t count, size_t columns, const float *directions, const float *gains,
                     size_t size, int8_t *out, float *scales) {
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
    if (size == 0) quantize_row(row, columns, best > 0.0f ? 1.0f / best : 0.0f, out + index * columns);
  }
  for (size_t index = 0; size > 0 && index < count; index += LANES)
    quantize_along(rows + index * columns, count - index < LANES ? count - index : LANES, columns, scales + index,
                   directions, gains, size, out + index * columns);
  return 0;
}

FOR_SEVERAL_PROCESSORS
void ck_row_errors(const float *rows, size_t count, size_t columns, const int8_t *out, const float *scales, double *signal,
                   double *noise) {
  for (size_t index = 0; index < count; index++) {
    const float *row = rows + index * columns;
    const int8_t *rounded_row = out + index * columns;
    double scale = (double)scales[index], squares[LANES] = {0}, errors[LANES] = {0};
    size_t start = 0;
    for (; start + LANES <= columns; start += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        double x = (double)row[start + lane], error = x - (double)rounded_row[start + lane] * scale;
        squares[lane] += x * x;
        errors[lane] += error * error;
      }
    }
    for (; start < columns; start++) {
      double x = (double)row[start], error = x - (double)rounded_row[start] * scale;
      squares[start % LANES] += x * x;
      errors[start % LANES] += error * error;
    }
    double square_sum = 0.0, error_sum = 0.0;
    for (int lane = 0; lane < LANES; lane++) {
      square_sum += squares[lane];
      error_sum += errors[lane];
    }
    signal[index] = square_sum;
    noise[index] = error_sum;
  }
}

/// Runs of one element go by tiles, so that neither side is read or written a row apart.
#define GATHER(type)                                                                                          \
  do {                                                                                                        \
    const type *from = array;                                                                                 \
    type *to = out;                                                                                           \
    for (size_t top = 0; top < outer; top += LANES)                                                           \
      for (size_t left = 0; left < count; left += LANES)                                                      \
        for (size_t row = left; row < count && row < left + LANES; row++)                                     \
          for (size_t index = top; index < outer && index < top + LANES; index++)                             \
            to[row * outer + index] = from[index * rows + first + row];                                       \
  } while (0)

void ck_gather_rows(const void *array, size_t size, size_t outer, size_t rows, size_t inner, size_t first, size_t count,
                    void *out) {
  if (inner == 1) {
    if (size == 1) GATHER(uint8_t);
    if (size == 2) GATHER(uint16_t);
    if (size == 4) GATHER(uint32_t);
    if (size == 8) GATHER(uint64_t);
    return;
  }
  size_t run = inner * size;
  for (size_t row = 0; row < count; row++)
    for (size_t index = 0; index < outer; index++)
      memcpy((char *)out + (row * outer + index) * run, (const char *)array + (index * rows + first + row) * run, run);
}

void ck_scatter_rows(const int8_t *elements, size_t size, size_t outer, size_t rows, size_t inner, size_t first,
                     size_t count, void *array) {
  int8_t *bytes = array;
  for (size_t top = 0; top < outer; top += LANES)
    for (size_t row = 0; row < count; row++)
      for (size_t index = top; index < outer && index < top + LANES; index++)
        for (size_t element = 0; element < inner; element++)
          bytes[((index * rows + first + row) * inner + element) * size] = elements[(row * outer + index) * inner + element];
}

void ck_pack_first_bytes(void *array, size_t size, size_t count) {
  int8_t *bytes = array;
  for (size_t index = 0; index < count; index++) bytes[index] = bytes[index * size];
}
