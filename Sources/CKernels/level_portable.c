// The hot loops compiled for whatever processor this is built for.
#include <math.h>
#include <string.h>

#include "operations.h"

#define INLINE inline __attribute__((always_inline))

// 8 sums, 2 vectors of w and 1 element of x fit into 16 registers.
enum { panel_rows = 4, panel_vectors = 2, few_rows_limit = 8, rows_per_group = 4, most_few_rows = 8,
       most_few_rows_int8 = 16 };

#include "vector_portable.h"
#include "kernel_float.h"
#include "int8_portable.h"
#include "kernel_int8.h"

static const ck_int8_operations int8_operations = INT8_OPERATIONS;

const ck_operations ck_operations_portable = OPERATIONS(&int8_operations);
