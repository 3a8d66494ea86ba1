#ifndef LOXEVAL_KERNELS_H
#define LOXEVAL_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Float32 arithmetic of a decoder: its forward pass over weights that stay in their own element type,
// and, below, the backward pass and the optimiser of training.
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

/// The vector instructions in use: "avx512", "avx2", or the compiler's baseline, "generic" (NEON on Arm).
///
/// The best that the processor has, but no more than the environment's LOXEVAL_INSTRUCTIONS names: generic, avx2,
/// avx512, or one of those that only products of bfloat16 use.
const char *loxeval_instruction_set(void);

/// What LOXEVAL_INSTRUCTIONS may name, the least first: the name at an index, null behind the last.
const char *loxeval_instruction_set_name(int index);

/// The instructions of `loxeval_project_bfloat16`: "amx" (tiles), "avx512-bf16" (pairs), or those of float32.
const char *loxeval_bfloat16_instruction_set(void);

/// Widens `count` elements to float32.
void loxeval_widen(const void *source, int element_type, size_t count, float *destination);

/// Narrows to bfloat16: to nearest, halves to even; NaN stays NaN.
void loxeval_to_bfloat16(
    const void *source, int element_type, size_t count, uint16_t *destination);

/// y = a - b in float32, for two arrays of `count` elements, each of its own type.
void loxeval_subtract(
    const void *a, int a_type, const void *b, int b_type, size_t count, float *y);

/// Floats of scratch space that `loxeval_project` needs for weights of `inputs` columns.
size_t loxeval_project_scratch(size_t inputs);

/// y[m][n] = (or +=, where `accumulate`) sum_k x[m][k] * w[n][k] for n in begin ..< end.
///
/// x is rows by inputs, w is outputs by inputs, both row-major; `scratch` holds
/// `loxeval_project_scratch(inputs)` floats that nobody else uses meanwhile.
void loxeval_project(
    const float *x, size_t x_stride, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch);

/// Floats that `loxeval_prepare_bfloat16` fills.
size_t loxeval_bfloat16_operand(size_t rows, size_t inputs);

/// Rounds rows begin ..< end to bfloat16 (to nearest, halves to even), as `loxeval_project_bfloat16` takes them;
/// begin is a multiple of 16.
///
/// `operand` has room for `loxeval_bfloat16_operand` floats of all rows; how they lie there depends on the
/// processor.
void loxeval_prepare_bfloat16(
    const float *x, size_t stride, size_t begin, size_t end, size_t inputs, void *operand);

/// As `loxeval_project`, of numbers rounded to bfloat16 on both sides, summed in float32.
///
/// `operand` is what `loxeval_prepare_bfloat16` made of x. Where the processor has no such products the rounded
/// numbers are multiplied in float32; the order of the sums differs between the ways, nothing else.
void loxeval_project_bfloat16(
    const void *operand, size_t rows, const void *w, int element_type, size_t inputs, size_t begin,
    size_t end, float *y, size_t y_stride, int accumulate, float *scratch);

/// y[n] += sum_r t[r] * b[r][n] for n in begin ..< end: the second half of a low-rank update, for
/// one row. b is rank by outputs, row-major with stride `b_stride`.
void loxeval_add_low_rank(
    const float *t, size_t rank, const float *b, size_t b_stride, size_t begin, size_t end,
    float *y);

/// y = x / sqrt(mean(x^2) + epsilon) * gain, for one row of `count` elements.
void loxeval_rms_norm(const float *x, const float *gain, size_t count, float epsilon, float *y);

/// gate = silu(gate) * up, element by element, where silu(z) = z / (1 + exp(-z)).
void loxeval_silu_multiply(float *gate, const float *up, size_t count);

/// gate = gelu(gate) * up, element by element, where gelu is the tanh form:
/// gelu(z) = z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2.
void loxeval_gelu_multiply(float *gate, const float *up, size_t count);

/// gate = gelu(gate) * up, element by element, where gelu(z) = z (1 + erf(z / sqrt(2))) / 2.
void loxeval_erf_gelu_multiply(float *gate, const float *up, size_t count);

/// x = cap * tanh(scale * x / cap), element by element.
void loxeval_soft_cap(float *x, size_t count, float scale, float cap);

/// Rotates the pairs (i, i + dimension / 2) of one head by the angles whose cosines and sines are
/// given (dimension / 2 of each).
void loxeval_rotate(float *head, const float *cosines, const float *sines, size_t dimension);

/// Positions are computed in groups of this many: keys and scores are padded to a multiple of it.
#define LOXEVAL_POSITION_GROUP 16

/// Attention of query heads that share keys and values, over `length` cached positions.
///
/// queries and out are heads by dimension. keys is dimension by positions (so that neighbouring positions
/// are neighbours in memory) with stride `key_stride`, values is length by dimension; both keys' rows and
/// each head's `score_stride` of `scores` can hold `length` rounded up to LOXEVAL_POSITION_GROUP. `scores`
/// is left with the attention weights; out = softmax(scale * queries * keys) * values, where `cap` > 0 with
/// scores of cap * tanh(score / cap). A head's result does not depend on how many there are.
void loxeval_attend(
    const float *queries, size_t heads, const float *keys, size_t key_stride, const float *values,
    size_t length, size_t dimension, float scale, float cap, float *scores, size_t score_stride,
    float *out);

/// The index of the largest element (the first of equals); NaN never wins.
size_t loxeval_argmax(const float *x, size_t count);

/// log(sum(exp(x))), computed stably.
float loxeval_log_sum_exp(const float *x, size_t count);

/// z[r][j] += sum_i c[r][i] * a[i][j]: rows by width, from rows by count and count by width.
void loxeval_combine_rows(
    const float *c, size_t c_stride, size_t rows, const float *a, size_t count, size_t width,
    float *z);

// Training.

/// Rounds to numbers that are bfloat16 too, to nearest, halves to even. `y` may be `x`.
void loxeval_round_to_bfloat16(const float *x, size_t count, float *y);

/// Rounds a row of a matrix to numbers that are bfloat16 too, each up or down by a threshold of its own: evenly spread
/// over the matrix, so that what is rounded away is zero on the mean over neighbours, and over values of `dither`.
/// A number that is a bfloat16 stays what it is. `y` may be `x`.
void loxeval_dither_to_bfloat16(
    const float *x, size_t row, size_t count, uint16_t dither, float *y);

/// Whether the processor multiplies bfloat16 numbers, so that the three functions below may be called.
int loxeval_packs_bfloat16(void);

/// Numbers of one packed side of a product: `lines` are the left one's rows or the right one's columns.
size_t loxeval_packed_size(size_t lines, size_t inner);

/// Rounds lines begin ..< end of one side of a product to bfloat16 and packs them; begin is a multiple of 16. Rounds to
/// nearest where `dither` is below 0, else as `loxeval_dither_to_bfloat16` rounds the rows as they lie in memory.
///
/// A line's elements along the inner dimension are neighbours in memory where `lines_are_contiguous`, with
/// `stride` from line to line; else `stride` leads from one of them to the next, and lines are neighbours.
void loxeval_pack_bfloat16(
    const float *x, size_t stride, int lines_are_contiguous, int is_right, size_t begin, size_t end,
    size_t inner, int32_t dither, uint16_t *packed);

/// c[m][n] = (or +=, where `accumulate`) scale * sum_k left[m][k] * right[k][n], summed in float32, for the rows and
/// columns named, each range beginning at a multiple of 16.
void loxeval_multiply_packed(
    const uint16_t *left, const uint16_t *right, size_t row_begin, size_t row_end,
    size_t column_begin, size_t column_end, size_t inner, float scale, float *c, size_t stride,
    int accumulate);

/// The gradients of rms_norm for one row: dx += ..., and dgain += ... where it is not NULL.
void loxeval_rms_norm_backward(
    const float *x, const float *gain, const float *dy, size_t count, float epsilon, float *dx,
    float *dgain);

/// Replaces gate and up by their gradients, given d = the gradient of silu(gate) * up.
void loxeval_silu_backward(float *gate, float *up, const float *d, size_t count);

/// The same of gelu(gate) * up.
void loxeval_gelu_backward(float *gate, float *up, const float *d, size_t count);

/// The same for `loxeval_erf_gelu_multiply`.
void loxeval_erf_gelu_backward(float *gate, float *up, const float *d, size_t count);

/// d = the gradient before soft_cap, given that after it; capped is what soft_cap gave.
void loxeval_soft_cap_backward(
    const float *capped, size_t count, float scale, float cap, float *d);

/// sum_i x[i] * y[i].
float loxeval_dot(const float *x, const float *y, size_t count);

/// scores = softmax(scale * scores) over the first `valid`; zero up to `padded`.
void loxeval_softmax(float *scores, size_t valid, size_t padded, float scale);

/// d = scale * shares * (d - along), where along = sum_j shares[j] * d[j]: softmax's gradient.
void loxeval_softmax_backward(
    const float *shares, float *d, size_t count, float along, float scale);

/// Replaces logits by weight * (softmax(logits) - one_hot(label)) and returns
/// log(softmax(logits)[label]).
float loxeval_cross_entropy(float *logits, size_t count, size_t label, float weight);

/// sum_i x[i]^2, in double over blocks.
double loxeval_squared_norm(const float *x, size_t count);

/// One step of AdamW (Loshchilov and Hutter, arXiv 1711.05101) on gradient_scale * g, as PyTorch
/// computes it; correction1 = 1 - beta1^t, correction2 = 1 - beta2^t.
void loxeval_adamw(
    float *w, const float *g, float *m, float *v, size_t count, float gradient_scale, float rate,
    float decay, float beta1, float beta2, float epsilon, float correction1, float correction2);

/// Numbers that share the scales of their 8-bit means.
#define LOXEVAL_MOMENT_BLOCK 256

/// The same with both running means in 8 bits, by blocks of LOXEVAL_MOMENT_BLOCK numbers (after Dettmers and
/// others, arXiv 2110.02861; the codes and the rounding are this program's).
///
/// A block's first means are scale[0] * sign(c) * (c / 127)^2, its second ones scale[1] * (c / 255)^4, with the block's
/// largest as scales. What a step leaves is rounded up or down by chance, so that its mean is what it would be without
/// rounding: to the nearest, a second mean would not fall at all (by 0.1 % a step, where codes are 1.6 % apart or more).
/// The chance depends on `key` and the number's place, `begin` being that of the first, and nothing else.
void loxeval_adamw_8bit(
    float *w, const float *g, int8_t *m, uint8_t *v, float *scales, size_t count, uint32_t key,
    uint32_t begin, float gradient_scale, float rate, float decay, float beta1, float beta2,
    float epsilon, float correction1, float correction2);

/// y += factor * x.
void loxeval_add_scaled(const float *x, float factor, size_t count, float *y);

/// y = x with a share of its elements zeroed and the others divided by 1 - share. Which ones
/// depends on `key` and the element's number, `begin` being that of the first.
void loxeval_dropout(
    const float *x, size_t count, uint32_t key, uint32_t begin, float share, float *y);

/// Makes this thread treat numbers below the smallest normal one as 0 (or not), and returns whether it
/// did before. Gradients and AdamW's means fade into such numbers, which processors compute with
/// many times slower.
int loxeval_flush_subnormals(int flushes);

/// Memory that is not initialised, for `free`: aligned to 64 bytes, in large pages where it is large and the system has
/// them, which saves most of the faults of its first use and of the processor's look-ups. Never NULL: without
/// memory the process ends.
void *loxeval_allocate(size_t bytes);

/// Gives freed memory back to the system, where the C library can (glibc's).
void loxeval_release_freed_memory(void);

/// Tells the processor that this thread is waiting in a short loop.
static inline void loxeval_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
