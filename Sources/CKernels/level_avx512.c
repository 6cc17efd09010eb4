// The hot loops compiled for AVX-512.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#include <immintrin.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,avx2,fma"))), apply_to = function)

// 28 sums, 2 vectors of w and 1 element of x fit into 32 registers.
enum { panel_rows = 14, panel_vectors = 2, few_rows_limit = 12, rows_per_group = 8, most_few_rows = 64 };

#include "vector_avx512.h"
#include "kernel_functions.h"
#include "kernel_gemm.h"
#include "kernel_few_rows.h"
#include "kernel_attention.h"
#include "kernel_elementwise.h"

const ck_operations ck_operations_avx512 = {
    .panel_rows = panel_rows,
    .panel_outputs = panel_outputs,
    .pack_rows = pack_rows,
    .pack_outputs = pack_outputs,
    .multiply = multiply,
    .most_few_rows = most_few_rows,
    .few = few_rows_limit,
    .few_rows = few_rows,
    .attention = {.scratch = attention_scratch, .attend = attend},
    .layer_norm = layer_norm,
    .log_sum_exp = log_sum_exp,
    .widen = widen,
    // Where the processor has them.
    .int8 = &ck_int8_operations_vnni,
};

#pragma clang attribute pop
#endif
