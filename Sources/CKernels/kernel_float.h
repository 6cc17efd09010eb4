// The kernels for floats and the table of them. Included once per level, after its vectors.
#include "kernel_functions.h"
#include "kernel_gemm.h"
#include "kernel_few_rows.h"
#include "kernel_attention.h"
#include "kernel_elementwise.h"
#include "kernel_product.h"

/// `int8_table`: the address of the level's int8 operations.
#define OPERATIONS(int8_table) \
  { \
    .panel_rows = panel_rows, .panel_outputs = panel_outputs, .pack_rows = pack_rows, .pack_outputs = pack_outputs, \
    .multiply = multiply, .most_few_rows = most_few_rows, .few = few_rows_limit, .few_rows = few_rows, \
    .attention = {.scratch = attention_scratch, .attend = attend}, .layer_norm = layer_norm, \
    .log_sum_exp = log_sum_exp, .widen = widen, .finish_rows = finish_rows, .exponentials = exponentials, .product = product, .softmax = softmax, .int8 = (int8_table), \
  }
