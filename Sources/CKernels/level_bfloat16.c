// Attention with operands rounded to bfloat16, compiled for AVX-512 with BF16. One instruction multiplies pairs of them
// and adds both products to a float, so it does twice the work of one on floats.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>
#include <immintrin.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,f16c,avx2,fma"))), apply_to = function)

// As in level_avx512.c.
enum { panel_rows = 14, panel_vectors = 2 };

#include "vector_avx512.h"
#include "kernel_functions.h"
#include "kernel_attention_bfloat16.h"

const ck_attention_operations ck_rounded_attention_avx512 = {.scratch = attention_scratch, .attend = attend};

#pragma clang attribute pop
#endif
