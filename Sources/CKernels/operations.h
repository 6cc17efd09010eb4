// What a level offers to the drivers: the hot loops, and the sizes they want their operands packed in.
#ifndef INGOT_OPERATIONS_H
#define INGOT_OPERATIONS_H

#include "include/kernels.h"

/// What belongs to a quantized row of x: its elements mean (q - zero) · scale, and `offset` is what its sums of products
/// come out too large by besides zero · the sum of the weights. Of a level whose elements are q - zero, `zero` is 0.
typedef struct ck_row {
  float scale;
  int32_t offset, zero;
} ck_row;

/// Within this library only: y holds the sums of products themselves, as int32, and x is int8.
enum { ck_finish_sums = 4 };

/// Products of int8. A quantized row has a level's own element type and is padded with zeros; several are adjacent.
typedef struct ck_int8_operations {
  /// As below. The places of a panel are 32 bits: as many elements as are multiplied and added by one instruction.
  size_t panel_rows, panel_outputs;
  size_t most_few_rows;
  /// Bytes of a quantized row, and of one row or output of a panel: a multiple of 4.
  size_t (*row_bytes)(size_t inputs);
  void (*quantize)(const float *x, size_t inputs, void *target, ck_row *row);
  /// The same of a row that is int8 already, with scale 1.
  void (*take)(const int8_t *x, size_t inputs, void *target, ck_row *row);
  void (*pack_rows)(const void *quantized, size_t rows, size_t inputs, void *target);
  /// Also puts the sum of each output's weights into `sums`, panel_outputs places, where the level needs it.
  void (*pack_outputs)(const int8_t *weight, size_t inputs, size_t outputs, void *target, int32_t *sums);
  /// Rows first_row ..< first_row + rows of y, which `packed_x` and `x_rows` are of; outputs from first_output.
  void (*multiply)(const ck_linear *map, const void *packed_x, const ck_row *x_rows, const void *packed_w,
                   const int32_t *w_sums, size_t first_row, size_t rows, size_t first_output, size_t outputs);
  /// All rows, some outputs (≤ ck_few_outputs), weights read in place.
  void (*few_rows)(const ck_linear *map, const void *quantized, const ck_row *x_rows, size_t first_output,
                   size_t outputs);
} ck_int8_operations;

typedef struct ck_attention_operations {
  /// How many floats `attend` needs as scratch.
  size_t (*scratch)(const ck_attention *attention);
  /// Rows first ..< first + rows of one head. `is_packed`: the scratch holds keys and values of that head already, from
  /// another call with rows > few.
  void (*attend)(const ck_attention *attention, size_t head, size_t first_row, size_t rows, float *scratch,
                 int is_packed);
} ck_attention_operations;

/// Part of a linear map: all inputs, some rows and outputs.
typedef struct ck_operations {
  // Products of packed panels. x is packed by panels of up to `panel_rows` rows, for each input those rows adjacent;
  // w by panels of `panel_outputs` outputs, for each input those outputs adjacent.
  size_t panel_rows, panel_outputs;
  /// Packs rows 0 ..< rows (≤ panel_rows) × depth. The target has depth × panel_rows places; missing rows are 0.
  void (*pack_rows)(const float *x, size_t stride, size_t rows, size_t depth, float *target);
  /// Packs outputs 0 ..< outputs (≤ panel_outputs) × depth of weights whose rows are `stride` elements apart. `scales` are
  /// those of the outputs, for int8 weights.
  void (*pack_outputs)(const void *weight, ck_type type, const float *scales, size_t stride, size_t outputs, size_t depth,
                       float *target);
  /// y (rows × outputs) = packed x · packed w, by depth; then as `finish` says if this is the last of several depths,
  /// whose sum is made in y.
  void (*multiply)(const float *packed_x, const float *packed_w, size_t depth, size_t rows, size_t outputs, float *y,
                   size_t y_stride, const float *bias, ck_finish finish, int is_first, int is_last);

  /// The most rows `few_rows` is faster for, and the most of them it takes at once.
  size_t most_few_rows;
  size_t few;
  /// y = x wᵀ + b with its finish for some of the outputs, reading w in place. Outputs ≤ ck_few_outputs.
  void (*few_rows)(const ck_linear *map, size_t first_output, size_t outputs);

  ck_attention_operations attention;

  void (*layer_norm)(const float *x, size_t rows, size_t size, const float *weight, const float *bias, float epsilon,
                     float *y);
  double (*log_sum_exp)(const float *x, size_t count);
  void (*widen)(const void *source, ck_type type, size_t count, float *target);

  /// y = products + bias, + y before that if `add_before`; then either gelu if that is the finish. `products` may be y.
  void (*finish_rows)(const float *products, size_t stride, size_t rows, size_t outputs, float *y, size_t y_stride,
                      const float *bias, int add_before, ck_finish finish);
  /// s[0 ..< n] becomes e^(s - max), s[n ..< end] zeros. Returns the sum.
  float (*exponentials)(float *s, size_t n, size_t end);
  /// One whole product.
  void (*product)(const ck_product *product);
  /// A row becomes its softmax.
  void (*softmax)(float *row, size_t count);

  const ck_int8_operations *int8;
  int is_openblas;
} ck_operations;

enum { ck_few_outputs = 256 };

/// Inputs summed at once: more of them are divided into parts of nearly the same size, whose sums are added. Part of the
/// arithmetic (docs/ARITHMETIC.md).
enum { ck_most_depth = 3072 };

static inline size_t ck_type_size(ck_type type) { return type == ck_float32 ? 4 : type == ck_int8 ? 1 : 2; }
/// Whether rows of x are quantized for a map.
static inline int ck_is_quantized(const ck_linear *map) { return map->type == ck_int8 && !map->keeps_floats; }
static inline size_t ck_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t ck_most(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t ck_parts(size_t total, size_t part) { return total / part + (total % part != 0); }

static inline size_t ck_depths(size_t inputs) { return ck_parts(inputs, ck_most_depth); }
/// Where part `index` of `parts` begins: they differ by 1 at most.
static inline size_t ck_start(size_t total, size_t index, size_t parts) {
  return total / parts * index + total % parts * index / parts;
}

extern const ck_operations ck_operations_portable;
#if defined(__x86_64__)
extern const ck_operations ck_operations_avx2, ck_operations_avx512;
extern const ck_int8_operations ck_int8_operations_vnni;
extern const ck_attention_operations ck_rounded_attention_avx512;
#elif defined(__aarch64__)
extern const ck_operations ck_operations_neon;
extern const ck_int8_operations ck_int8_operations_neon_dot;
#endif

/// The best of this processor's own levels.
ck_level ck_level_of_processor(void);
/// Those of a level, or NULL where it isn't available.
const ck_operations *ck_operations_of(ck_level level);
/// Those for int8 that belong to a level's and that this processor has.
const ck_int8_operations *ck_int8_operations_of(const ck_operations *operations);
/// Those for attention with operands rounded to bfloat16, without weights, not causal, of more than `few` rows; NULL where
/// they would be no faster than floats.
const ck_attention_operations *ck_rounded_attention_of(const ck_operations *operations);

#endif
