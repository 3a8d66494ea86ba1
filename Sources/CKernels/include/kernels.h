#ifndef LOXEVAL_KERNELS_H
#define LOXEVAL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Float32 arithmetic of a decoder's forward pass over weights that stay in their own element type.
//
// Every function computes a row from that row alone, in an order of operations that does not depend
// on how many rows there are, which row it is, or how the work is cut between threads. That is what
// lets a server promise the same bytes for a request whatever runs beside it. Results may differ in
// the last bits between processors, since the width of their vectors differs.

/// Element types of a weight.
enum {
  LOXEVAL_FLOAT32 = 0,
  LOXEVAL_FLOAT16 = 1,
  LOXEVAL_BFLOAT16 = 2,
};

/// The vector instructions in use: "avx512", "avx2", or the compiler's baseline, "generic".
const char *loxeval_instruction_set(void);

/// Widens `count` elements to float32.
void loxeval_widen(const void *source, int element_type, size_t count, float *destination);

/// Floats of scratch space that `loxeval_project` needs for weights of `inputs` columns.
size_t loxeval_project_scratch(size_t inputs);

/// y[m][n] = (or +=, where `accumulate`) sum_k x[m][k] * w[n][k] for n in begin ..< end.
///
/// x is rows by inputs, w is outputs by inputs, both row-major; `scratch` holds
/// `loxeval_project_scratch(inputs)` floats that nobody else uses meanwhile.
void loxeval_project(
    const float *x, size_t x_stride, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch);

/// y[n] += sum_r t[r] * b[r][n] for n in begin ..< end: the second half of a low-rank update, for
/// one row. b is rank by outputs, row-major with stride `b_stride`.
void loxeval_add_low_rank(
    const float *t, size_t rank, const float *b, size_t b_stride, size_t begin, size_t end,
    float *y);

/// y = x / sqrt(mean(x^2) + epsilon) * gain, for one row of `count` elements.
void loxeval_rms_norm(const float *x, const float *gain, size_t count, float epsilon, float *y);

/// gate = silu(gate) * up, element by element, where silu(z) = z / (1 + exp(-z)).
void loxeval_silu_multiply(float *gate, const float *up, size_t count);

/// Rotates the pairs (i, i + dimension / 2) of one head by the angles whose cosines and sines are
/// given (dimension / 2 of each).
void loxeval_rotate(float *head, const float *cosines, const float *sines, size_t dimension);

/// Positions are computed in groups of this many: keys and scores are padded to a multiple of it.
#define LOXEVAL_POSITION_GROUP 16

/// Attention of one query head over `length` cached positions.
///
/// keys is dimension by positions (so that neighbouring positions are neighbours in memory) with
/// stride `key_stride`, values is length by dimension; both keys' rows and `scores` can hold
/// `length` rounded up to LOXEVAL_POSITION_GROUP. `scores` is left with the attention weights;
/// out = softmax(scale * query * keys) * values.
void loxeval_attend(
    const float *query, const float *keys, size_t key_stride, const float *values, size_t length,
    size_t dimension, float scale, float *scores, float *out);

/// The index of the largest element (the first of equals); NaN never wins.
size_t loxeval_argmax(const float *x, size_t count);

/// log(sum(exp(x))), computed stably.
float loxeval_log_sum_exp(const float *x, size_t count);

/// Tells the processor that this thread is waiting in a short loop.
static inline void loxeval_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
