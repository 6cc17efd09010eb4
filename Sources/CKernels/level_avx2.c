// The hot loops compiled for AVX2.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#include <immintrin.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

// 12 sums, 2 vectors of w and 1 element of x fit into 16 registers.
enum { panel_rows = 6, panel_vectors = 2, few_rows_limit = 8, rows_per_group = 4, most_few_rows = 8,
       most_few_rows_int8 = 16 };

#include "vector_avx2.h"
#include "kernel_float.h"
#include "int8_avx2.h"
#include "kernel_int8.h"

static const ck_int8_operations int8_operations = INT8_OPERATIONS;

const ck_operations ck_operations_avx2 = OPERATIONS(&int8_operations);

#pragma clang attribute pop
#endif
