// Pillow's filters, bit for bit (source: Pillow 13.0.0, src/libImaging/Resample.c, restated; the order of the
// passes was found by experiment).
//
// One axis at a time, n_in samples to n_out. All of this in double, in this order of operations:
//     scale = n_in / n_out, widened = max(scale, 1), support = radius widened
//     center = (i + 0.5) scale                                        for each output i
//     lo = trunc(center - support + 0.5), but at least 0; hi = trunc(center + support + 0.5), but at most n_in
//     w[j] = filter((j + lo - center + 0.5) (1 / widened))            for lo + j below hi
//     w[j] is divided by the sum of all w, taken from left to right
//     k[j] = trunc(w[j] 2^22 ± 0.5), away from 0                      not adjusted to sum to 2^22
// The bicubic filter is Keys' with a = -0.5 and the radius 2, the bilinear one a tent with the radius 1, box is 1 up to 0.5
// on one side, Hamming's a windowed sinc with the radius 1, Lanczos' one with the radius 3. An output is
// 2^21 + sum of k[j] pixel[lo + j], shifted right by 22 and clipped to 0...255. Sums fit in 32 bits whatever their order,
// because the k of one output add up to less than 1.5 * 2^22 in magnitude. The first pass makes 8-bit samples, so that the order of passes matters: the vertical comes first if
// height - out_height > 2 max(0, width - out_width). An axis that keeps its size is skipped.
//
// And torchvision's antialiased filters on bytes, bit for bit (source: PyTorch 2.15.0, aten/src/ATen/native/cpu/
// UpSampleKernel.cpp, restated): the same, but k[j] = trunc(w[j] 2^p ± 0.5) with the largest p ≤ 22 for which no k of the
// axis is 2^15 or more, the width first always, and the outer part of the bicubic filter in another order of operations.
// Its nearest sample is that of the center, in single precision.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

// A fused multiply-add would change last bits.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX2 1
#else
#define HAS_AVX2 0
#endif

enum {
  /// Pillow's.
  PRECISION = 22,
  /// Products that are summed side by side: a multiple of 3 channels and of every vector's width.
  LANES = 24,
  /// Samples of a row that the vertical pass works on at a time.
  BLOCK = 768,
};
/// Bytes of a table of coefficients, unless those of one output alone take more.
#define TABLE_BYTES ((size_t)4 << 20)

/// One axis.
struct axis {
  size_t in, out;
  double scale, support, inverse;
  ingot_image_filter filter;
  ingot_image_method method;
  /// Bits of a coefficient behind the point.
  int precision;
};

static double radius_of(ingot_image_filter filter) {
  switch (filter) {
    case INGOT_IMAGE_BOX: return 0.5;
    case INGOT_IMAGE_BILINEAR:
    case INGOT_IMAGE_HAMMING: return 1.0;
    case INGOT_IMAGE_LANCZOS: return 3.0;
    default: return 2.0;
  }
}

static int find_precision(const struct axis *axis);

static struct axis make_axis(size_t in, size_t out, ingot_image_filter filter, ingot_image_method method) {
  struct axis axis = {.in = in, .out = out, .filter = filter, .method = method, .precision = PRECISION};
  axis.scale = (double)in / (double)out;
  double widened = axis.scale < 1.0 ? 1.0 : axis.scale;
  axis.support = radius_of(filter) * widened;
  axis.inverse = 1.0 / widened;
  if (method == INGOT_IMAGE_TORCHVISION) axis.precision = find_precision(&axis);
  return axis;
}

/// The most taps an output can have.
static size_t most_taps(const struct axis *axis) {
  double taps = 2.0 * axis->support + 3.0;
  return taps < (double)axis->in ? (size_t)taps : axis->in;
}

static double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= M_PI;
  return sin(x) / x;
}

static double weight_at(double x, ingot_image_filter filter, ingot_image_method method) {
  const double a = -0.5;
  if (filter == INGOT_IMAGE_BOX) return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  if (filter == INGOT_IMAGE_LANCZOS) return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
  if (x < 0.0) x = -x;
  // The window's constants are floats there.
  if (filter == INGOT_IMAGE_HAMMING) return x < 1.0 ? sinc(x) * (0.54f + 0.46f * cos(x * M_PI)) : 0.0;
  if (filter == INGOT_IMAGE_BILINEAR) return x < 1.0 ? 1.0 - x : 0.0;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x >= 2.0) return 0.0;
  if (method == INGOT_IMAGE_TORCHVISION) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return (((x - 5) * x + 8) * x - 4) * a;
}

/// Where the samples of an output are, and the sum of their weights. Returns the first.
static size_t find_samples(const struct axis *axis, size_t output, size_t *count, double *sum) {
  double center = ((double)output + 0.5) * axis->scale;
  double low = center - axis->support + 0.5, high = center + axis->support + 0.5;
  size_t lo = low < 0.0 ? 0 : (size_t)low;
  size_t hi = high >= (double)axis->in ? axis->in : (size_t)high;
  *count = hi - lo;
  *sum = 0.0;
  for (size_t j = 0; j < *count; j++) {
    *sum += weight_at(((double)(j + lo) - center + 0.5) * axis->inverse, axis->filter, axis->method);
  }
  return lo;
}

/// The weight of sample lo + j.
static double find_weight(const struct axis *axis, size_t output, size_t lo, size_t j, double sum) {
  double center = ((double)output + 0.5) * axis->scale;
  double weight = weight_at(((double)(j + lo) - center + 0.5) * axis->inverse, axis->filter, axis->method);
  return sum != 0.0 ? weight / sum : weight;
}

static int find_precision(const struct axis *axis) {
  double largest = 0.0;
  for (size_t output = 0; output < axis->out; output++) {
    size_t count;
    double sum;
    size_t lo = find_samples(axis, output, &count, &sum);
    for (size_t j = 0; j < count; j++) {
      double weight = find_weight(axis, output, lo, j, sum);
      if (weight > largest) largest = weight;
    }
  }
  int precision = 0;
  while (precision < PRECISION && (int)(0.5 + largest * (double)(1 << (precision + 1))) < 1 << 15) precision++;
  return precision;
}

/// Computes the coefficients of one output. They stand `repeat` times each in `coefficients`. Returns the first sample;
/// `taps` is how many there are.
static size_t find_coefficients(
    const struct axis *axis, size_t output, int repeat, int32_t *coefficients, size_t *taps) {
  // Twice the same numbers, in place of room for them.
  double sum;
  size_t lo = find_samples(axis, output, taps, &sum);
  for (size_t j = 0; j < *taps; j++) {
    double weight = find_weight(axis, output, lo, j, sum);
    double scaled = weight * (1 << axis->precision);
    int32_t coefficient = (int32_t)(weight < 0.0 ? scaled - 0.5 : scaled + 0.5);
    for (int index = 0; index < repeat; index++) *coefficients++ = coefficient;
  }
  return lo;
}

static inline uint8_t clip(int32_t sum, int precision) {
  int32_t value = sum >> precision;
  return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// One output pixel: `count` samples, a multiple of LANES, times as many coefficients.
static inline __attribute__((always_inline)) void sum_pixel(
    const uint8_t *samples, const int32_t *coefficients, int precision, size_t count, uint8_t *out) {
  int32_t sums[LANES] = {0};
  for (size_t start = 0; start < count; start += LANES) {
    for (size_t lane = 0; lane < LANES; lane++) sums[lane] += samples[start + lane] * coefficients[start + lane];
  }
  for (size_t channel = 0; channel < 3; channel++) {
    int32_t sum = 1 << (precision - 1);
    for (size_t lane = channel; lane < LANES; lane += 3) sum += sums[lane];
    out[channel] = clip(sum, precision);
  }
}

/// Some outputs of one row. The coefficients of each begin `stride` after those of the one before.
static inline __attribute__((always_inline)) void sum_row(
    const uint8_t *row, const size_t *first, const int32_t *coefficients, size_t stride, int precision, size_t count,
    uint8_t *out) {
  for (size_t index = 0; index < count; index++) {
    sum_pixel(row + first[index], coefficients + index * stride, precision, stride, out + 3 * index);
  }
}

/// Some samples, at most BLOCK, of one output row.
static inline __attribute__((always_inline)) void sum_rows(
    const uint8_t *rows, size_t stride, const int32_t *coefficients, size_t taps, int precision, size_t count,
    uint8_t *out) {
  int32_t sums[BLOCK];
  for (size_t x = 0; x < count; x++) sums[x] = 1 << (precision - 1);
  size_t tap = 0;
  for (; tap + 2 <= taps; tap += 2) {
    const uint8_t *upper = rows + tap * stride, *lower = upper + stride;
    int32_t a = coefficients[tap], b = coefficients[tap + 1];
    for (size_t x = 0; x < count; x++) sums[x] += upper[x] * a + lower[x] * b;
  }
  for (; tap < taps; tap++) {
    const uint8_t *row = rows + tap * stride;
    for (size_t x = 0; x < count; x++) sums[x] += row[x] * coefficients[tap];
  }
  for (size_t x = 0; x < count; x++) out[x] = clip(sums[x], precision);
}

typedef void row_function(
    const uint8_t *row, const size_t *first, const int32_t *coefficients, size_t stride, int precision, size_t count,
    uint8_t *out);
typedef void rows_function(
    const uint8_t *rows, size_t stride, const int32_t *coefficients, size_t taps, int precision, size_t count,
    uint8_t *out);

static void sum_row_anywhere(
    const uint8_t *row, const size_t *first, const int32_t *coefficients, size_t stride, int precision, size_t count,
    uint8_t *out) {
  sum_row(row, first, coefficients, stride, precision, count, out);
}

static void sum_rows_anywhere(
    const uint8_t *rows, size_t stride, const int32_t *coefficients, size_t taps, int precision, size_t count,
    uint8_t *out) {
  sum_rows(rows, stride, coefficients, taps, precision, count, out);
}

#if HAS_AVX2
__attribute__((target("avx2"))) static void sum_row_avx2(
    const uint8_t *row, const size_t *first, const int32_t *coefficients, size_t stride, int precision, size_t count,
    uint8_t *out) {
  sum_row(row, first, coefficients, stride, precision, count, out);
}

__attribute__((target("avx2"))) static void sum_rows_avx2(
    const uint8_t *rows, size_t stride, const int32_t *coefficients, size_t taps, int precision, size_t count,
    uint8_t *out) {
  sum_rows(rows, stride, coefficients, taps, precision, count, out);
}

static int has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2");
}
#endif

static row_function *best_row_function(void) {
#if HAS_AVX2
  if (has_avx2()) return sum_row_avx2;
#endif
  return sum_row_anywhere;
}

static rows_function *best_rows_function(void) {
#if HAS_AVX2
  if (has_avx2()) return sum_rows_avx2;
#endif
  return sum_rows_anywhere;
}

/// What the horizontal pass works with, for as many outputs as fit in a table.
struct table {
  /// Coefficients of one output, each three times and zeros after them: a multiple of LANES.
  size_t stride;
  size_t outputs;
  int32_t *coefficients;
  /// Where the samples of each output begin.
  size_t *first;
  /// A row with room after it, which coefficients of 0 reach.
  uint8_t *row;
};

static void free_table(struct table *table) {
  free(table->coefficients);
  free(table->first);
  free(table->row);
}

static int make_table(struct table *table, const struct axis *axis) {
  size_t taps = most_taps(axis);
  *table = (struct table){0};
  if (taps > SIZE_MAX / 64) return INGOT_IMAGE_NO_MEMORY;
  table->stride = (taps * 3 + LANES - 1) / LANES * LANES;
  table->outputs = TABLE_BYTES / sizeof(int32_t) / table->stride;
  if (table->outputs < 1) table->outputs = 1;
  if (table->outputs > axis->out) table->outputs = axis->out;
  table->coefficients = malloc(table->outputs * table->stride * sizeof(int32_t));
  table->first = malloc(table->outputs * sizeof(size_t));
  table->row = calloc(axis->in * 3 + table->stride, 1);
  if (table->coefficients && table->first && table->row) return 0;
  free_table(table);
  return INGOT_IMAGE_NO_MEMORY;
}

/// Makes `height` rows of another width.
static int resize_rows(
    const uint8_t *rgb, size_t width, size_t height, size_t out_width, ingot_image_filter filter,
    ingot_image_method method, uint8_t *out) {
  struct axis axis = make_axis(width, out_width, filter, method);
  struct table table;
  int status = make_table(&table, &axis);
  if (status) return status;
  row_function *sum = best_row_function();
  for (size_t start = 0; start < out_width; start += table.outputs) {
    size_t count = out_width - start < table.outputs ? out_width - start : table.outputs;
    memset(table.coefficients, 0, count * table.stride * sizeof(int32_t));
    size_t begin = 0, end = 0;
    for (size_t index = 0; index < count; index++) {
      size_t taps;
      size_t lo = find_coefficients(&axis, start + index, 3, table.coefficients + index * table.stride, &taps);
      if (index == 0) begin = lo;
      end = lo + taps;
      table.first[index] = (lo - begin) * 3;
    }
    // What lies after it are bytes of longer rows of the same image, or zeros: both are multiplied by 0.
    for (size_t y = 0; y < height; y++) {
      memcpy(table.row, rgb + (y * width + begin) * 3, (end - begin) * 3);
      sum(table.row, table.first, table.coefficients, table.stride, axis.precision, count, out + (y * out_width + start) * 3);
    }
  }
  free_table(&table);
  return 0;
}

/// Makes columns of another height.
static int resize_columns(
    const uint8_t *rgb, size_t width, size_t height, size_t out_height, ingot_image_filter filter,
    ingot_image_method method, uint8_t *out) {
  struct axis axis = make_axis(height, out_height, filter, method);
  size_t most = most_taps(&axis), stride = width * 3;
  if (most > SIZE_MAX / 8) return INGOT_IMAGE_NO_MEMORY;
  int32_t *coefficients = malloc(most * sizeof(int32_t));
  if (!coefficients) return INGOT_IMAGE_NO_MEMORY;
  rows_function *sum = best_rows_function();
  for (size_t y = 0; y < out_height; y++) {
    size_t taps;
    size_t lo = find_coefficients(&axis, y, 1, coefficients, &taps);
    for (size_t start = 0; start < stride; start += BLOCK) {
      size_t count = stride - start < BLOCK ? stride - start : BLOCK;
      sum(rgb + lo * stride + start, stride, coefficients, taps, axis.precision, count, out + y * stride + start);
    }
  }
  free(coefficients);
  return 0;
}

/// Whether the height is changed before the width, where both are: if that drops more than twice as many rows as the
/// other order drops columns. (Pillow 13.0.0. Until 12.0.0 the width always came first.)
static int is_vertical_first(size_t width, size_t height, size_t out_width, size_t out_height) {
  if (height <= out_height) return 0;
  size_t fewer_rows = height - out_height, fewer_columns = width > out_width ? width - out_width : 0;
  // Without doubling, which could overflow.
  return fewer_rows > fewer_columns && fewer_rows - fewer_columns > fewer_columns;
}

static size_t nearest_exactly(size_t in, size_t out, size_t index) {
  // Its compiler fuses this product and difference.
  float source = fmaf((float)in / (float)out, (float)index + 0.5f, -0.5f);
  return (size_t)floorf((source < 0.0f ? 0.0f : source) + 0.5f);
}

/// Where each output takes its sample from. Pillow adds the scale up, errors too; torchvision calculates each by itself.
static int find_nearest(size_t in, size_t out, ingot_image_method method, size_t **places) {
  *places = malloc(out * sizeof(size_t));
  if (!*places) return INGOT_IMAGE_NO_MEMORY;
  double scale = (double)in / (double)out, at = scale * 0.5;
  for (size_t index = 0; index < out; index++, at += scale) {
    size_t place = (size_t)at;
    if (method == INGOT_IMAGE_TORCHVISION) place = nearest_exactly(in, out, index);
    (*places)[index] = place < in ? place : in - 1;
  }
  return 0;
}

static int resize_nearest(
    const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height,
    ingot_image_method method, uint8_t *out) {
  size_t *columns, *rows;
  int status = find_nearest(width, out_width, method, &columns);
  if (status) return status;
  status = find_nearest(height, out_height, method, &rows);
  for (size_t y = 0; !status && y < out_height; y++) {
    for (size_t x = 0; x < out_width; x++) memcpy(out + (y * out_width + x) * 3, rgb + (rows[y] * width + columns[x]) * 3, 3);
  }
  if (!status) free(rows);
  free(columns);
  return status;
}

int ingot_image_resize(
    const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height,
    ingot_image_filter filter, ingot_image_method method, uint8_t *out) {
  if (width == 0 || height == 0 || out_width == 0 || out_height == 0) return INGOT_IMAGE_BAD_DATA;
  if (method == INGOT_IMAGE_TORCHVISION && (filter == INGOT_IMAGE_BOX || filter == INGOT_IMAGE_HAMMING)) {
    return INGOT_IMAGE_BAD_DATA;
  }
  if (width == out_width && height == out_height) {
    memcpy(out, rgb, width * height * 3);
    return 0;
  }
  if (filter == INGOT_IMAGE_NEAREST) {
    return resize_nearest(rgb, width, height, out_width, out_height, method, out);
  }
  if (width == out_width) return resize_columns(rgb, width, height, out_height, filter, method, out);
  if (height == out_height) return resize_rows(rgb, width, height, out_width, filter, method, out);

  int vertical = method == INGOT_IMAGE_PILLOW && is_vertical_first(width, height, out_width, out_height);
  size_t between_width = vertical ? width : out_width, between_height = vertical ? out_height : height, size;
  if (__builtin_mul_overflow(between_width, between_height, &size) || __builtin_mul_overflow(size, 3, &size)) {
    return INGOT_IMAGE_NO_MEMORY;
  }
  uint8_t *between = malloc(size);
  if (!between) return INGOT_IMAGE_NO_MEMORY;
  int status = vertical ? resize_columns(rgb, width, height, out_height, filter, method, between)
                        : resize_rows(rgb, width, height, out_width, filter, method, between);
  if (!status) {
    status = vertical ? resize_rows(between, width, out_height, out_width, filter, method, out)
                      : resize_columns(between, out_width, height, out_height, filter, method, out);
  }
  free(between);
  return status;
}
