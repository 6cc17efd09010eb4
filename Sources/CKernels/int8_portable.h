// Sums of products of int8 as int16, two at a time: several processors have an instruction for that, and the compiler
// finds it.
/// Elements hold q - zero: no sums of weights are needed.
enum { unit = 2, needs_weight_sums = 0 };
typedef int16_t quantum;
typedef bits ivec;
typedef int16_t shorts __attribute__((vector_size(16)));
typedef int32_t wide_bits __attribute__((vector_size(32)));

static INLINE ivec i_zero(void) { return (ivec){0, 0, 0, 0}; }
static INLINE ivec i_all(int32_t x) { return (ivec){x, x, x, x}; }
static INLINE ivec i_load(const void *p) {
  ivec a;
  memcpy(&a, p, sizeof(a));
  return a;
}
static INLINE void i_store(void *p, ivec a) { memcpy(p, &a, sizeof(a)); }
static INLINE ivec i_sub(ivec a, ivec b) { return a - b; }
static INLINE ivec i_mul(ivec a, ivec b) { return a * b; }
static INLINE vec i_bits(ivec a) { return (vec)a; }
static INLINE ivec i_of_bits(vec a) { return (ivec)a; }
static INLINE vec i_floats(ivec a) { return __builtin_convertvector(a, vec); }
/// sum + the products of each place of w and x
static INLINE ivec i_dot(ivec sum, ivec x, ivec w) {
  wide_bits products = __builtin_convertvector((shorts)x, wide_bits) * __builtin_convertvector((shorts)w, wide_bits);
  return sum + (__builtin_shufflevector(products, products, 0, 2, 4, 6) +
                __builtin_shufflevector(products, products, 1, 3, 5, 7));
}
/// Weights as they are multiplied.
static INLINE ivec i_weight(const int8_t *p) {
  int8_t a __attribute__((vector_size(8)));
  memcpy(&a, p, sizeof(a));
  return (ivec)__builtin_convertvector(a, shorts);
}
/// The first n of them, and anything.
static INLINE ivec i_weight_some(const int8_t *p, size_t n) {
  int8_t copy[8] = {0};
  memcpy(copy, p, n);
  return i_weight(copy);
}
static INLINE int32_t i_offset(int32_t sum) {
  (void)sum;
  return 0;
}
static INLINE ivec i_add_weights(ivec sum, ivec w) {
  (void)w;
  return sum;
}
static INLINE int32_t i_weights_offset(size_t count) {
  (void)count;
  return 0;
}

/// The sum of each of n vectors. The target has room for n rounded up to a multiple of 4.
static INLINE void i_sums(const ivec *s, size_t n, int32_t *target) {
#pragma clang loop unroll(full)
  for (size_t i = 0; i < n; i++) target[i] = (s[i][0] + s[i][2]) + (s[i][1] + s[i][3]);
}
