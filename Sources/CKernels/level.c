// Which of the levels that were compiled in this processor has, and whether OpenBLAS is there.
#include "openblas.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static int has_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#else
  return 0;
#endif
}

static int has_avx512(void) {
#if defined(__x86_64__)
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return 0;
#endif
}

static int has_neon(void) {
#if defined(__aarch64__)
  return 1;
#else
  return 0;
#endif
}

ck_level ck_level_of_processor(void) {
  return has_avx512() ? ck_level_avx512 : has_avx2() ? ck_level_avx2 : has_neon() ? ck_level_neon : ck_level_portable;
}

ck_level ck_level_best(void) {
  ck_level level = ck_level_of_processor();
  return level == ck_level_portable && ck_openblas_operations() != NULL ? ck_level_openblas : level;
}

int ck_level_is_available(ck_level level) {
  switch (level) {
  case ck_level_portable: return 1;
  case ck_level_avx2: return has_avx2();
  case ck_level_avx512: return has_avx512();
  case ck_level_neon: return has_neon();
  case ck_level_openblas: return ck_openblas_operations() != NULL;
  default: return 0;
  }
}

const ck_operations *ck_operations_of(ck_level level) {
  if (!ck_level_is_available(level)) return NULL;
  switch (level) {
#if defined(__x86_64__)
  case ck_level_avx2: return &ck_operations_avx2;
  case ck_level_avx512: return &ck_operations_avx512;
#elif defined(__aarch64__)
  case ck_level_neon: return &ck_operations_neon;
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
#elif defined(__aarch64__)
  if (operations == &ck_operations_neon && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
    return &ck_int8_operations_neon_dot;
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
