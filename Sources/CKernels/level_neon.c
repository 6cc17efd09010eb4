// The hot loops compiled for 64-bit ARM: all of these processors have vectors of 4 floats and fused multiply-add.
#if defined(__aarch64__)
#include <arm_neon.h>
#include <math.h>
#include <string.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))

// 24 sums, 6 vectors of w and 1 element of x fit into 32 registers.
enum { panel_rows = 4, panel_vectors = 6, few_rows_limit = 8, most_few_rows = 8, most_few_rows_int8 = 16,
       rows_per_group = 4 };

#include "vector_neon.h"
#include "kernel_float.h"
#include "int8_neon_pairs.h"
#include "kernel_int8.h"

static const ck_int8_operations int8_operations = INT8_OPERATIONS;

const ck_operations ck_operations_neon = OPERATIONS(&int8_operations);
#endif
