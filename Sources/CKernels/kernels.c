#include "kernels.h"

#include <math.h>
#include <string.h>

// a * b + c is one fused operation wherever the instruction set has it.
#pragma clang fp contract(fast)

/// Weights widened at a time: with 1,536 inputs a block is 288 KiB, within a second-level cache.
#define BLOCK_OUTPUTS 48

/// Up to here weights are used as they stand in memory; above, blocks of them are widened first.
#define FEW_ROWS 128

/// How far ahead of their use weights are fetched from memory.
#define FETCH_AHEAD_BYTES 8192

#define CONCATENATE_(a, b) a##_##b
#define CONCATENATE(a, b) CONCATENATE_(a, b)
#define NAME(function) CONCATENATE(function, INSTRUCTIONS)

#define INSTRUCTIONS generic
#define LANES 4
#define ROWS_AT_ONCE 4
#define OUTPUTS_AT_ONCE 3
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define INSTRUCTIONS avx2
#define LANES 8
#define ROWS_AT_ONCE 4
#define OUTPUTS_AT_ONCE 3
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define INSTRUCTIONS avx512
#define LANES 16
#define ROWS_AT_ONCE 8
#define OUTPUTS_AT_ONCE 3
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE
#pragma clang attribute pop

/// 2 for AVX-512, 1 for AVX2, 0 for neither; asked of the processor once.
static int instruction_set(void) {
  static int known = -1;
  int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (level < 0) {
    __builtin_cpu_init();
    level = 0;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) level = 1;
    if (level == 1 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      level = 2;
    __atomic_store_n(&known, level, __ATOMIC_RELAXED);
  }
  return level;
}
#define DISPATCH(function, ...)                         \
  switch (instruction_set()) {                          \
  case 2: return function##_avx512(__VA_ARGS__);        \
  case 1: return function##_avx2(__VA_ARGS__);          \
  default: return function##_generic(__VA_ARGS__);      \
  }
#else
static int instruction_set(void) { return 0; }
#define DISPATCH(function, ...) return function##_generic(__VA_ARGS__);
#endif

const char *loxeval_instruction_set(void) {
  static const char *const names[] = {"generic", "avx2", "avx512"};
  return names[instruction_set()];
}

size_t loxeval_project_scratch(size_t inputs) { return BLOCK_OUTPUTS * inputs; }

void loxeval_widen(const void *source, int element_type, size_t count, float *destination) {
  DISPATCH(widen, source, element_type, count, destination)
}

void loxeval_subtract(
    const void *a, int a_type, const void *b, int b_type, size_t count, float *y) {
  DISPATCH(subtract, a, a_type, b, b_type, count, y)
}

void loxeval_project(
    const float *x, size_t x_stride, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch) {
  DISPATCH(
      project, x, x_stride, rows, w, element_type, inputs, begin, end, y, y_stride, accumulate,
      scratch)
}

void loxeval_combine_rows(
    const float *c, size_t c_stride, size_t rows, const float *a, size_t count, size_t width,
    float *z) {
  DISPATCH(combine_rows, c, c_stride, rows, a, count, width, z)
}

void loxeval_add_low_rank(
    const float *t, size_t rank, const float *b, size_t b_stride, size_t begin, size_t end,
    float *y) {
  DISPATCH(add_low_rank, t, rank, b, b_stride, begin, end, y)
}

void loxeval_rms_norm(const float *x, const float *gain, size_t count, float epsilon, float *y) {
  DISPATCH(rms_norm, x, gain, count, epsilon, y)
}

void loxeval_silu_multiply(float *gate, const float *up, size_t count) {
  DISPATCH(silu_multiply, gate, up, count)
}

void loxeval_gelu_multiply(float *gate, const float *up, size_t count) {
  DISPATCH(gelu_multiply, gate, up, count)
}

// Both by the C library's erf: few models use this form.

void loxeval_erf_gelu_multiply(float *gate, const float *up, size_t count) {
  for (size_t i = 0; i < count; i++)
    gate[i] = 0.5f * gate[i] * (1.0f + erff(gate[i] * 0.70710678f)) * up[i];
}

void loxeval_erf_gelu_backward(float *gate, float *up, const float *d, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float z = gate[i];
    float share = 0.5f * (1.0f + erff(z * 0.70710678f));
    // The normal distribution's density.
    float density = 0.39894228f * expf(-0.5f * z * z);
    gate[i] = d[i] * up[i] * (share + z * density);
    up[i] = d[i] * z * share;
  }
}

void loxeval_soft_cap(float *x, size_t count, float scale, float cap) {
  DISPATCH(soft_cap, x, count, scale, cap)
}

void loxeval_rotate(float *head, const float *cosines, const float *sines, size_t dimension) {
  DISPATCH(rotate, head, cosines, sines, dimension)
}

void loxeval_attend(
    const float *query, const float *keys, size_t key_stride, const float *values, size_t length,
    size_t dimension, float scale, float cap, float *scores, float *out) {
  DISPATCH(attend, query, keys, key_stride, values, length, dimension, scale, cap, scores, out)
}

size_t loxeval_argmax(const float *x, size_t count) { DISPATCH(argmax, x, count) }

float loxeval_log_sum_exp(const float *x, size_t count) { DISPATCH(log_sum_exp, x, count) }

void loxeval_rms_norm_backward(
    const float *x, const float *gain, const float *dy, size_t count, float epsilon, float *dx,
    float *dgain) {
  DISPATCH(rms_norm_backward, x, gain, dy, count, epsilon, dx, dgain)
}

void loxeval_silu_backward(float *gate, float *up, const float *d, size_t count) {
  DISPATCH(silu_backward, gate, up, d, count)
}

void loxeval_gelu_backward(float *gate, float *up, const float *d, size_t count) {
  DISPATCH(gelu_backward, gate, up, d, count)
}

void loxeval_soft_cap_backward(
    const float *capped, size_t count, float scale, float cap, float *d) {
  DISPATCH(soft_cap_backward, capped, count, scale, cap, d)
}

float loxeval_dot(const float *x, const float *y, size_t count) { DISPATCH(dot, x, y, count) }

void loxeval_softmax(float *scores, size_t valid, size_t padded, float scale) {
  DISPATCH(softmax, scores, valid, padded, scale)
}

void loxeval_softmax_backward(
    const float *shares, float *d, size_t count, float along, float scale) {
  DISPATCH(softmax_backward, shares, d, count, along, scale)
}

float loxeval_cross_entropy(float *logits, size_t count, size_t label, float weight) {
  DISPATCH(cross_entropy, logits, count, label, weight)
}

double loxeval_squared_norm(const float *x, size_t count) { DISPATCH(squared_norm, x, count) }

void loxeval_adamw(
    float *w, const float *g, float *m, float *v, size_t count, float gradient_scale, float rate,
    float decay, float beta1, float beta2, float epsilon, float correction1, float correction2) {
  DISPATCH(
      adamw, w, g, m, v, count, gradient_scale, rate, decay, beta1, beta2, epsilon, correction1,
      correction2)
}

void loxeval_add_scaled(const float *x, float factor, size_t count, float *y) {
  DISPATCH(add_scaled, x, factor, count, y)
}

void loxeval_dropout(
    const float *x, size_t count, uint32_t key, uint32_t begin, float share, float *y) {
  DISPATCH(dropout, x, count, key, begin, share, y)
}

int loxeval_flush_subnormals(int flushes) {
#if defined(__x86_64__)
  const unsigned int bits = 0x8040;  // flush to zero, denormals are zero
  unsigned int state = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(flushes ? state | bits : state & ~bits);
  return (state & bits) == bits;
#elif defined(__aarch64__)
  const uint64_t bit = 1 << 24;  // FPCR.FZ
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  uint64_t next = flushes ? state | bit : state & ~bit;
  __asm__ volatile("msr fpcr, %0" : : "r"(next));
  return (state & bit) != 0;
#else
  (void)flushes;
  return 0;
#endif
}
