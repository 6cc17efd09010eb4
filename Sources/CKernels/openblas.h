// Products of float32 matrices by OpenBLAS, which is loaded at run time and only when it is asked for or nothing better is
// there. Its threads stay unused: ours divide the work.
#ifndef INGOT_OPENBLAS_H
#define INGOT_OPENBLAS_H

#include "operations.h"
#include "pool.h"

/// c (m × n) = alpha · a · b + beta · c, row by row (CBLAS).
typedef void ck_sgemm(int order, int transposes_a, int transposes_b, int m, int n, int k, float alpha, const float *a,
                      int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride);

/// The operations of the level, or NULL when the library can't be loaded. All but products of float32 are those of the
/// processor's own level.
const ck_operations *ck_openblas_operations(void);

/// Whether a map goes to OpenBLAS: floats, and more rows than are faster with the weights read in place.
int ck_openblas_takes(const ck_operations *operations, const ck_linear *map);
/// Runs those maps that go there.
int ck_openblas_linear_run(ck_pool *pool, const ck_linear *maps, size_t count);

#endif
