#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

// a * b + c is one fused operation wherever the instruction set has it.
#pragma clang fp contract(fast)

/// Weights widened at a time: with 1,536 inputs a block is 288 KiB, within a second-level cache.
#define BLOCK_OUTPUTS 48

/// Up to here weights are used as they stand in memory; above, blocks of them are widened first.
#define FEW_ROWS 128

/// Strips of weights, each as wide as a tile, that all rows meet before the next ones.
#define STRIPS_AT_ONCE 4

/// Twice as many are, where they take no more than this: within a second-level cache beside the rows.
#define STRIPS_BYTES (192 << 10)

/// Of a cache: what one fetch brings.
#define LINE_BYTES 64

/// How many dimensions of keys, and positions of values, are fetched ahead: caches of many sequences fit no
/// processor's, and a dimension's few positions are too short a stretch to be guessed.
#define ATTENDED_AHEAD 16

#define CONCATENATE_(a, b) a##_##b
#define CONCATENATE(a, b) CONCATENATE_(a, b)
#define NAME(function) CONCATENATE(function, INSTRUCTIONS)

/// To bfloat16: to nearest, halves to even; NaN stays NaN.
static inline __attribute__((always_inline)) void narrow(
    const float *x, size_t count, uint16_t *y) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    const uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    y[i] = (bits & 0x7FFFFFFF) > 0x7F800000 ? (uint16_t)(bits >> 16 | 0x40) : (uint16_t)rounded;
  }
}

// Dithering adds a threshold below one unit of what stays to the bits that go. From row to row and column to column
// of a matrix thresholds go on by these, mod 2^16: the reciprocals of the plastic number and of its square, which
// spread points evenly in two dimensions (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").
#define DITHER_ROW 49471u
#define DITHER_COLUMN 37345u

/// To the nearest number that is a bfloat16 too. `y` may be `x`.
static void round_to_bfloat16(const float *x, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) {
    uint16_t narrowed;
    narrow(x + i, 1, &narrowed);
    const uint32_t bits = (uint32_t)narrowed << 16;
    memcpy(y + i, &bits, 4);
  }
}

#define INSTRUCTIONS generic
#define LANES 4
#define ROWS_AT_ONCE 4
#define OUTPUTS_AT_ONCE 3
#define HEADS_AT_ONCE 2
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE
#undef HEADS_AT_ONCE

/// A part of a product of packed sides.
struct packed_product {
  const uint16_t *left, *right;
  size_t row_begin, row_end, column_begin, column_end, inner;
  float scale, *c;
  size_t stride;
  int accumulate;
};

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define INSTRUCTIONS avx2
#define LANES 8
#define ROWS_AT_ONCE 4
#define OUTPUTS_AT_ONCE 3
#define HEADS_AT_ONCE 2
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE
#undef HEADS_AT_ONCE
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define INSTRUCTIONS avx512
#define LANES 16
#define ROWS_AT_ONCE 8
#define OUTPUTS_AT_ONCE 3
#define HEADS_AT_ONCE 4
#include "kernels_body.h"
#undef INSTRUCTIONS
#undef LANES
#undef ROWS_AT_ONCE
#undef OUTPUTS_AT_ONCE
#undef HEADS_AT_ONCE
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma"))), \
    apply_to = function)
#include "bfloat16_body.h"
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target( \
        "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16,avx2,fma"))), \
    apply_to = function)
#include "amx_body.h"
#pragma clang attribute pop

/// Whether the system lets this process use tiles: it must ask, once.
static int may_use_tiles(void) {
  const long request = 0x1023 /* ARCH_REQ_XCOMP_PERM */, tile_data = 18;
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}
#endif

enum { GENERIC, AVX2, AVX512, AVX512_BF16, AMX };
static const char *const level_names[] = {"generic", "avx2", "avx512", "avx512-bf16", "amx"};

/// What the processor has: an index of level_names.
static int offered_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return GENERIC;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return AVX2;
  if (!__builtin_cpu_supports("avx512bf16")) return AVX512;
  return __builtin_cpu_supports("amx-bf16") && may_use_tiles() ? AMX : AVX512_BF16;
#else
  return GENERIC;
#endif
}

/// What is used of it, asked once: no more than LOXEVAL_INSTRUCTIONS names.
static int level(void) {
  static int known = -1;
  int found = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (found < 0) {
    found = offered_level();
    const char *limit = getenv("LOXEVAL_INSTRUCTIONS");
    for (int i = 0; limit && i < found; i++)
      if (strcmp(limit, level_names[i]) == 0) found = i;
    __atomic_store_n(&known, found, __ATOMIC_RELAXED);
  }
  return found;
}

#if defined(__x86_64__)
#define DISPATCH(function, ...)                         \
  switch (level()) {                                    \
  case AMX:                                             \
  case AVX512_BF16:                                     \
  case AVX512: return function##_avx512(__VA_ARGS__);   \
  case AVX2: return function##_avx2(__VA_ARGS__);       \
  default: return function##_generic(__VA_ARGS__);      \
  }
#else
#define DISPATCH(function, ...) return function##_generic(__VA_ARGS__);
#endif

const char *loxeval_instruction_set(void) { return level_names[level() > AVX512 ? AVX512 : level()]; }

const char *loxeval_instruction_set_name(int index) {
  return index >= 0 && index <= AMX ? level_names[index] : NULL;
}

const char *loxeval_bfloat16_instruction_set(void) { return level_names[level()]; }

size_t loxeval_project_scratch(size_t inputs) { return BLOCK_OUTPUTS * ((inputs + 31) / 32 * 32); }

void loxeval_widen(const void *source, int element_type, size_t count, float *destination) {
  DISPATCH(widen, source, element_type, count, destination)
}

void loxeval_to_bfloat16(
    const void *source, int element_type, size_t count, uint16_t *destination) {
  DISPATCH(to_bfloat16, source, element_type, count, destination)
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

size_t loxeval_bfloat16_operand(size_t rows, size_t inputs) {
  // Whole tiles of 16 rows and 32 inputs of half a float.
  return (rows + 15) / 16 * 16 * ((inputs + 31) / 32 * 32);
}

void loxeval_prepare_bfloat16(
    const float *x, size_t stride, size_t begin, size_t end, size_t inputs, void *operand) {
#if defined(__x86_64__)
  if (level() == AMX) {
    prepare_tiles(x, stride, begin, end, inputs, operand);
    return;
  }
  if (level() == AVX512_BF16) {
    prepare_paired(x, stride, begin, end, inputs, operand);
    return;
  }
#endif
  for (size_t m = begin; m < end; m++)
    round_to_bfloat16(x + m * stride, inputs, (float *)operand + m * inputs);
}

void loxeval_project_bfloat16(
    const void *operand, size_t rows, const void *w, int element_type, size_t inputs, size_t begin,
    size_t end, float *y, size_t y_stride, int accumulate, float *scratch) {
#if defined(__x86_64__)
  if (level() == AMX) {
    project_tiles(
        operand, rows, w, element_type, inputs, begin, end, y, y_stride, accumulate, scratch);
    return;
  }
  if (level() == AVX512_BF16) {
    project_paired(
        operand, inputs, rows, w, element_type, inputs, begin, end, y, y_stride, accumulate, scratch);
    return;
  }
#endif
  if (element_type == LOXEVAL_BFLOAT16) {
    loxeval_project(
        operand, inputs, rows, w, element_type, inputs, begin, end, y, y_stride, accumulate, scratch);
    return;
  }
  const size_t width = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  for (size_t block = begin; block < end; block += BLOCK_OUTPUTS) {
    const size_t outputs = end - block < BLOCK_OUTPUTS ? end - block : BLOCK_OUTPUTS;
    loxeval_widen((const char *)w + block * inputs * width, element_type, outputs * inputs, scratch);
    round_to_bfloat16(scratch, outputs * inputs, scratch);
    loxeval_project(
        operand, inputs, rows, scratch, LOXEVAL_FLOAT32, inputs, 0, outputs, y + block, y_stride,
        accumulate, NULL);
  }
}

void loxeval_round_to_bfloat16(const float *x, size_t count, float *y) {
  round_to_bfloat16(x, count, y);
}

void loxeval_dither_to_bfloat16(
    const float *x, size_t row, size_t count, uint16_t dither, float *y) {
  uint32_t threshold = dither + (uint32_t)row * DITHER_ROW;
  for (size_t i = 0; i < count; i++, threshold += DITHER_COLUMN) {
    uint32_t bits;
    memcpy(&bits, x + i, 4);
    if ((bits & 0x7FFFFFFF) > 0x7F800000)
      bits |= 1 << 22;
    else
      bits += threshold & 0xFFFF;
    bits &= 0xFFFF0000;
    memcpy(y + i, &bits, 4);
  }
}

int loxeval_packs_bfloat16(void) { return level() >= AVX512_BF16; }

size_t loxeval_packed_size(size_t lines, size_t inner) {
  return (lines + 15) / 16 * 16 * ((inner + 31) / 32 * 32);
}

void loxeval_pack_bfloat16(
    const float *x, size_t stride, int lines_are_contiguous, int is_right, size_t begin, size_t end,
    size_t inner, int32_t dither, uint16_t *packed) {
#if defined(__x86_64__)
  pack_side(x, stride, lines_are_contiguous, is_right, begin, end, inner, dither, packed);
#else
  (void)x, (void)stride, (void)lines_are_contiguous, (void)is_right, (void)begin, (void)end;
  (void)inner, (void)dither, (void)packed;
#endif
}

void loxeval_multiply_packed(
    const uint16_t *left, const uint16_t *right, size_t row_begin, size_t row_end,
    size_t column_begin, size_t column_end, size_t inner, float scale, float *c, size_t stride,
    int accumulate) {
  const struct packed_product part = {
      .left = left, .right = right, .row_begin = row_begin, .row_end = row_end,
      .column_begin = column_begin, .column_end = column_end, .inner = inner, .scale = scale,
      .c = c, .stride = stride, .accumulate = accumulate};
#if defined(__x86_64__)
  if (level() == AMX) {
    multiply_tiles(&part);
  } else {
    multiply_paired(&part);
  }
#else
  (void)part;
#endif
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
    const float *queries, size_t heads, const float *keys, size_t key_stride, const float *values,
    size_t length, size_t dimension, float scale, float cap, float *scores, size_t score_stride,
    float *out) {
  DISPATCH(
      attend, queries, heads, keys, key_stride, values, length, dimension, scale, cap, scores,
      score_stride, out)
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

void loxeval_adamw_8bit(
    float *w, const float *g, int8_t *m, uint8_t *v, float *scales, size_t count, uint32_t key,
    uint32_t begin, float gradient_scale, float rate, float decay, float beta1, float beta2,
    float epsilon, float correction1, float correction2) {
  DISPATCH(
      adamw_8bit, w, g, m, v, scales, count, key, begin, gradient_scale, rate, decay, beta1, beta2,
      epsilon, correction1, correction2)
}

void loxeval_add_scaled(const float *x, float factor, size_t count, float *y) {
  DISPATCH(add_scaled, x, factor, count, y)
}

void loxeval_dropout(
    const float *x, size_t count, uint32_t key, uint32_t begin, float share, float *y) {
  DISPATCH(dropout, x, count, key, begin, share, y)
}

void *loxeval_allocate(size_t bytes) {
  // Of a smaller one little would be left in whole pages of the large kind.
  const size_t large = 2 << 20;
  void *memory = NULL;
  if (posix_memalign(&memory, bytes < 2 * large ? 64 : large, bytes) != 0) abort();
#if defined(MADV_HUGEPAGE)
  if (bytes >= 2 * large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void loxeval_release_freed_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
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
