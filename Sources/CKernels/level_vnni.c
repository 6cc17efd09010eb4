// Products of int8 compiled for AVX-512 with VNNI.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#include <immintrin.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c,avx2,fma"))), apply_to = function)

// As in level_avx512.c.
enum { panel_rows = 14, panel_vectors = 2, few_rows_limit = 12, rows_per_group = 8, most_few_rows_int8 = 24 };

#include "vector_avx512.h"
#include "kernel_functions.h"
#include "int8_vnni.h"
#include "kernel_int8.h"

const ck_int8_operations ck_int8_operations_vnni = INT8_OPERATIONS;

#pragma clang attribute pop
#endif
