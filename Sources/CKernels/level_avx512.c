// The hot loops compiled for AVX-512.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#include <immintrin.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,f16c,avx2,fma"))), apply_to = function)

// 28 sums, 2 vectors of w and 1 element of x fit into 32 registers.
enum { panel_rows = 14, panel_vectors = 2, few_rows_limit = 12, rows_per_group = 8, most_few_rows = 24 };

#include "vector_avx512.h"
#include "kernel_float.h"

// int8: where the processor has VNNI.
const ck_operations ck_operations_avx512 = OPERATIONS(&ck_int8_operations_vnni);

#pragma clang attribute pop
#endif
