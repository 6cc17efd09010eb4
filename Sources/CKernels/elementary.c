// Elementary functions in double precision that are the same to the bit on every machine: a C library's differ between its
// releases, and by what the processor has. Sums, products and quotients in the order that is written, nothing fused; within
// 2 units in the last place (the tangent 5). docs/ARITHMETIC.md states them.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

/// ln 2 in two parts; products of the first with whole numbers up to 2¹¹ are exact.
static const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;

static double of_pattern(uint64_t pattern) {
  double x;
  memcpy(&x, &pattern, sizeof x);
  return x;
}

static uint64_t pattern_of(double x) {
  uint64_t pattern;
  memcpy(&pattern, &x, sizeof pattern);
  return pattern;
}

/// 2ⁿ for n within ±1000.
static double power_of_two(int n) { return of_pattern((uint64_t)(n + 1023) << 52); }

/// eˣ = 2ⁿ (1 + q) for x within ±746, q within ±0.42.
static double reduced(double x, double *n) {
  // To the nearest whole number, ties to even: what is added leaves no room for a fraction.
  *n = (x * 0x1.71547652b82fep+0 + 0x1.8p52) - 0x1.8p52;
  double r = (x - *n * ln2_high) - *n * ln2_low;
  // Taylor's series: r is within ±0.35, so that what is left out is below 2⁻⁵⁸.
  double p = 1.0 / 6227020800.0;
  static const double parts[] = {479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0,
                                 720.0,       120.0,      24.0,      6.0,      2.0};
  for (int i = 0; i < 11; i++) p = p * r + 1.0 / parts[i];
  return p * r * r + r;
}

double ck_exp(double x) {
  if (x != x) return x;
  if (x > 709.79) return INFINITY;
  if (x < -745.2) return 0;
  double n, q = reduced(x, &n);
  int whole = (int)n, half = whole / 2;
  return (q + 1.0) * power_of_two(half) * power_of_two(whole - half);
}

double ck_log(double x) {
  if (x != x || x == INFINITY) return x;
  if (x <= 0) return x == 0 ? -INFINITY : NAN;
  int exponent = 0;
  // Subnormal numbers are made normal first.
  if (x < 0x1p-1022) x *= 0x1p54, exponent = -54;
  uint64_t pattern = pattern_of(x);
  exponent += (int)(pattern >> 52) - 1023;
  double m = of_pattern((pattern & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m > 1.4142135623730951) m *= 0.5, exponent += 1;
  // ln m = 2 artanh f, f = (m - 1) / (m + 1) within ±0.172: its series.
  double f = (m - 1.0) / (m + 1.0), s = f * f, p = 1.0 / 23.0;
  for (int i = 21; i >= 3; i -= 2) p = p * s + 1.0 / (double)i;
  double n = (double)exponent;
  return n * ln2_high + (2.0 * f + (2.0 * f * (p * s) + n * ln2_low));
}

double ck_tanh(double x) {
  double z = x < 0 ? -x : x;
  // Below, the difference from x is less than half a unit in the last place; above, that from 1.
  if (!(z >= 0x1p-27)) return x;
  double less = -1.0; // e⁻²ᶻ - 1
  if (z < 20.0) {
    double n, q = reduced(-2.0 * z, &n);
    less = n == 0.0 ? q : (q + 1.0) * power_of_two((int)n) - 1.0;
  }
  double t = -less / (2.0 + less);
  return x < 0 ? -t : t;
}
