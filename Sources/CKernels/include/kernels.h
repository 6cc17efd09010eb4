// The few hot loops of running a net, for the processor at hand: by AVX-512, AVX2, NEON or portable C, or with OpenBLAS's products.
//
// Matrices are row-major; a stride is the distance between rows, in elements. Activations are float32 everywhere.
#ifndef INGOT_KERNELS_H
#define INGOT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Which instructions are used. At the level of OpenBLAS it multiplies matrices of float32, and all else is done at the
/// best of the processor's other levels.
typedef enum ck_level {
  ck_level_portable = 0,
  ck_level_avx2 = 1,
  ck_level_avx512 = 2,
  ck_level_openblas = 3,
  ck_level_neon = 4,
} ck_level;

/// The level that is best here: that of the processor, or where we have no kernels for it, OpenBLAS if it is installed.
ck_level ck_level_best(void);
/// Whether the processor has the instructions, or OpenBLAS (libopenblas.so.0) can be loaded. Only asking for that loads it.
int ck_level_is_available(ck_level level);
/// Why OpenBLAS can't be loaded, in the loader's words; NULL when it is.
const char *ck_openblas_problem(void);

/// Threads that work on one kernel at a time. The caller is one of them; the others spin shortly between kernels and
/// then sleep. One pool must not be used by two threads at once.
typedef struct ck_pool ck_pool;

/// NULL when memory is short or the level isn't available. A thread that can't be started is done without.
ck_pool *ck_pool_create(int threads, ck_level level);
void ck_pool_destroy(ck_pool *pool);
/// Threads that really work, the caller included.
int ck_pool_threads(const ck_pool *pool);

/// Element type of stored weights. float16 and bfloat16 are widened on the way and products computed in float32.
///
/// int8 weights are quantized by rows: element (j, i) means weight[j, i] · scales[j]. Unless `keeps_floats` says
/// otherwise, rows of x are quantized too, as `ck_quantize_activations` does, and multiplied exactly:
///   sum = Σ weight[j, i] · (q[i] - zero of x), an int32 without overflow or saturation,
///   y = (float)sum · (scale of x · scales[j]), each step rounded to float32, none fused,
/// and then as for floats: + y if the finish adds, + bias, gelu. So y is the same to the last bit on every processor,
/// by any number of threads and rows (with either gelu, whose arithmetic is the level's own, by any number of those only). A
/// row of x with an element that isn't finite makes its row of y NaN.
typedef enum ck_type { ck_float32 = 0, ck_float16 = 1, ck_bfloat16 = 2, ck_int8 = 3 } ck_type;

/// The most inputs of a map whose rows of x are quantized.
enum { ck_most_int8_inputs = 65536 };

/// What is done with x wᵀ + b before it is written.
typedef enum ck_finish {
  /// y = x wᵀ + b
  ck_finish_plain = 0,
  /// y = gelu(x wᵀ + b), by the error function
  ck_finish_gelu = 1,
  /// y = y + x wᵀ + b
  ck_finish_add = 2,
  /// y = z / (1 + exp(-1.702 z)) of z = x wᵀ + b: gelu nearly, by the logistic function
  ck_finish_quick_gelu = 3,
} ck_finish;

/// One linear map. y must not overlap x.
typedef struct ck_linear {
  const float *x; // rows × inputs
  size_t x_stride;
  const void *weight; // outputs × inputs, rows adjacent, of `type`; any alignment of its element
  ck_type type;
  const float *scales; // of int8 weights: one per output; NULL otherwise
  int keeps_floats;    // int8 weights only: nonzero: x is not quantized, products are float32
  const float *bias;   // outputs, or NULL
  float *y;            // rows × outputs
  size_t y_stride;
  size_t rows, inputs, outputs;
  ck_finish finish;
} ck_linear;

/// Runs several independent linear maps as one piece of work. Returns 0, or -1 when memory is short or a map has more
/// inputs than `ck_most_int8_inputs` and is to be quantized (then nothing is computed).
int ck_linear_run(ck_pool *pool, const ck_linear *maps, size_t count);

/// Scaled dot-product attention of several heads: softmax(q kᵀ · scale) v. Head h is at columns h · head_size and
/// following of q, k, v and out. out must not overlap the others.
typedef struct ck_attention {
  const float *q, *k, *v;
  size_t q_stride, k_stride, v_stride;
  float *out;
  size_t out_stride;
  float *weights; // heads × q_rows × k_rows, or NULL: then they are never written out
  size_t q_rows, k_rows, heads, head_size;
  float scale;
  int causal; // row i of q sees rows 0 ... k_rows - q_rows + i of k (k_rows >= q_rows)
  // Nonzero: operands of many rows may be rounded to bfloat16 where the processor multiplies these faster; not with
  // weights, nor when causal.
  int rounds;
} ck_attention;

/// Runs several independent attentions as one piece of work. Returns 0, or -1 when memory is short.
int ck_attention_run(ck_pool *pool, const ck_attention *attentions, size_t count);

/// y = (x - mean) / sqrt(variance + epsilon) · weight + bias over each row of `size` adjacent elements. y may be x.
void ck_layer_norm(ck_pool *pool, const float *x, size_t rows, size_t size, const float *weight, const float *bias,
                   float epsilon, float *y);

/// One product y = x w with a matrix whose rows are inputs. y must not overlap the others.
typedef struct ck_product {
  const float *x; // rows × inputs
  size_t x_stride;
  const void *w;       // inputs × outputs, float32 or int8
  const float *scales; // of int8: one per input; NULL otherwise
  size_t w_stride;
  float *y; // rows × outputs
  size_t y_stride;
  size_t rows, inputs, outputs;
} ck_product;

/// Runs several independent products, of few rows each, as one piece of work.
void ck_product_run(ck_pool *pool, const ck_product *products, size_t count);

/// Each of `count` rows of `columns` elements becomes its softmax.
void ck_softmax(ck_pool *pool, float *x, size_t count, size_t columns, size_t stride);

/// log Σ exp(x), without overflow.
double ck_log_sum_exp(const float *x, size_t count);

/// eˣ and the natural logarithm within 2 units in the last place, the hyperbolic tangent within 5: the same bits on every
/// machine.
double ck_exp(double x);
double ck_log(double x);
double ck_tanh(double x);

/// Any type as float32; int8 without its scales.
void ck_widen(const void *source, ck_type type, size_t count, float *target);

/// The most directions along which rounding makes up for its errors.
enum { ck_most_directions = 32 };

/// Quantizes each row of `columns` adjacent elements to integers from -127 to 127 and a scale: of six scales, the largest
/// magnitude over 127 and that times 0.96, 0.92, … 0.8, the one with the least sum of squared errors when every element is
/// rounded to the nearest. They are rounded so when `size` is 0. Else, with a row's errors e along `size` (≤
/// ck_most_directions) directions, 0 at first, for one element after the other:
///   out = round((x - Σ gain · e) · (1 / scale)), cut to ±127,
///   e = e + direction · (out · scale - x), direction by direction,
/// each difference, quotient, product and sum (directions in their order) rounded to float32. The same bytes on every
/// processor. Returns 0, or -1 when an element is not finite or too large.
/// `directions`, `gains`: columns × size; NULL where that is 0.
int ck_quantize_rows(const float *rows, size_t count, size_t columns, const float *directions, const float *gains,
                     size_t size, int8_t *out, float *scales);

/// Of each of `count` rows that were quantized: the sum of its squares, and of its squared errors x - out · scale, in double
/// precision. The same on every processor.
void ck_row_errors(const float *rows, size_t count, size_t columns, const int8_t *out, const float *scales, double *signal,
                   double *noise);

/// Some rows of an array of `outer` × `rows` × `inner` elements of `size` (1, 2, 4, 8) bytes, a row being all elements of one
/// middle index: rows `first` ..< `first + count`, one after the other, into `out` (count × outer · inner elements).
void ck_gather_rows(const void *array, size_t size, size_t outer, size_t rows, size_t inner, size_t first, size_t count,
                    void *out);

/// The reverse for quantized rows: each byte of `elements` goes into the first byte of its element's place in the array, the
/// others of which are then of no use. `ck_pack_first_bytes` brings them together, at the front.
void ck_scatter_rows(const int8_t *elements, size_t size, size_t outer, size_t rows, size_t inner, size_t first,
                     size_t count, void *array);
void ck_pack_first_bytes(void *array, size_t size, size_t count);

/// The gains (columns × count) that go with directions (columns × count). From the last column to the first, in double
/// precision, M (count × count) being the unit matrix at first, sums in the order of the directions, nothing fused:
///   m = M d, gain = m / (1 + m · d), rounded to float32, and then M = M - (m mᵀ) / (1 + m · d).
void ck_rounding_gains(const float *directions, size_t columns, size_t count, float *gains);

/// Quantizes one row of x, as linear maps with int8 weights do: x[i] means scale · (out[i] - zero). With low and high the
/// least and the greatest of all x and 0, and range = high - low:
///   scale = range / 255, inverse = 255 / range, zero = round(-low · inverse) - 128,
///   out = round(x · inverse) + zero, and -128 or 127 where that is out of bounds, by 1 at most;
///   a range below 2⁻¹¹⁹ (all of it too small to count): scale = 0, zero = 0 and zeros;
///   an element or a range that isn't finite: scale = NaN, zero = 0 and zeros.
/// Each difference, quotient and product is rounded to float32; round is to the nearest integer, ties to even.
void ck_quantize_activations(const float *x, size_t count, int8_t *out, float *scale, int32_t *zero);

/// sums (rows × outputs) = x (rows × inputs) · weightᵀ (weight: outputs × inputs), all rows adjacent: exactly what linear
/// maps compute on the way, by the same kernels. Any int8, -128 too. Returns as `ck_linear_run`.
int ck_int8_sums(ck_pool *pool, const int8_t *x, size_t rows, size_t inputs, const int8_t *weight, size_t outputs,
                 int32_t *sums);

#endif
