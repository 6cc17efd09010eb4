// Products of int8 compiled for 64-bit ARM with DotProd.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

// As in level_neon.c.
enum { panel_rows = 4, panel_vectors = 6, few_rows_limit = 8, most_few_rows_int8 = 16, rows_per_group = 4 };

#include "vector_neon.h"
#include "kernel_functions.h"
#include "int8_neon_dot.h"
#include "kernel_int8.h"

const ck_int8_operations ck_int8_operations_neon_dot = INT8_OPERATIONS;

#pragma clang attribute pop
#endif
