// Which of the levels that were compiled in this processor has, and whether OpenBLAS is there.
#include "openblas.h"

ck_level ck_level_of_processor(void) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c"))
    return ck_level_portable;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq"))
    return ck_level_avx512;
  return ck_level_avx2;
#else
  return ck_level_portable;
#endif
}

ck_level ck_level_best(void) {
  ck_level level = ck_level_of_processor();
  return level == ck_level_portable && ck_openblas_operations() != NULL ? ck_level_openblas : level;
}

int ck_level_is_available(ck_level level) {
  return level == ck_level_openblas ? ck_openblas_operations() != NULL : level <= ck_level_of_processor();
}

const ck_operations *ck_operations_of(ck_level level) {
  if (!ck_level_is_available(level)) return NULL;
  switch (level) {
#if defined(__x86_64__)
  case ck_level_avx2: return &ck_operations_avx2;
  case ck_level_avx512: return &ck_operations_avx512;
#endif
  case ck_level_openblas: return ck_openblas_operations();
  default: return &ck_operations_portable;
  }
}

const ck_int8_operations *ck_int8_operations_of(const ck_operations *operations) {
#if defined(__x86_64__)
  // The first processors with AVX-512 multiply int8 no better than AVX2 does.
  if (operations == &ck_operations_avx512)
    return __builtin_cpu_supports("avx512vnni") ? &ck_int8_operations_vnni : ck_operations_avx2.int8;
#endif
  return operations->int8;
}

const ck_attention_operations *ck_rounded_attention_of(const ck_operations *operations) {
#if defined(__x86_64__)
  if (operations == &ck_operations_avx512 && __builtin_cpu_supports("avx512bf16")) return &ck_rounded_attention_avx512;
#else
  (void)operations;
#endif
  return NULL;
}
