// Products of bfloat16 rows on processors that multiply pairs of them (AVX512-BF16): the form of
// kernels_body.h's tiles, over 32 inputs a step.

#include <immintrin.h>

#define PAIRED_ROWS 8
#define PAIRED_OUTPUTS 3
#define INLINE_PAIRED static inline __attribute__((always_inline))

/// Up to 32 values from `p` on, zero beyond `count`.
INLINE_PAIRED __m512bh load_paired(const uint16_t *p, const int whole, size_t count) {
  const __mmask32 mask = whole ? 0xFFFFFFFFu : (1u << count) - 1;
  return (__m512bh)_mm512_maskz_loadu_epi16(mask, p);
}

/// A tile of dot products; an element's value is the same in a tile of any size. Meanwhile weights of later tiles
/// are fetched from memory as in kernels_body.h's tiles.
INLINE_PAIRED void paired_tile(
    const uint16_t *x, size_t x_stride, const uint16_t *w, size_t inputs, float *y, size_t y_stride,
    int accumulate, const char *ahead, size_t pace, const int fetches, const int rows,
    const int outputs) {
  vector_avx512 sums[PAIRED_ROWS * PAIRED_OUTPUTS];
#pragma unroll
  for (int i = 0; i < rows * outputs; i++) sums[i] = (vector_avx512){0};
  size_t k = 0;
#define PAIRED_STEP(whole)                                                                   \
  __m512bh weights[PAIRED_OUTPUTS];                                                          \
  _Pragma("unroll") for (int n = 0; n < outputs; n++) weights[n] =                           \
      load_paired(w + n * inputs + k, whole, inputs - k);                                    \
  _Pragma("unroll") for (int i = 0; i < fetches; i++)                                        \
      __builtin_prefetch(ahead + i * LINE_BYTES, 0, 2);                                      \
  if (fetches) ahead += pace;                                                                \
  _Pragma("unroll") for (int m = 0; m < rows; m++) {                                         \
    __m512bh values = load_paired(x + m * x_stride + k, whole, inputs - k);                  \
    _Pragma("unroll") for (int n = 0; n < outputs; n++) {                                    \
      vector_avx512 *sum = sums + m * outputs + n;                                           \
      *sum = (vector_avx512)_mm512_dpbf16_ps((__m512)*sum, values, weights[n]);              \
    }                                                                                        \
  }
  for (; k + 32 <= inputs; k += 32) {
    PAIRED_STEP(1)
  }
  if (k < inputs) {
    PAIRED_STEP(0)
  }
#undef PAIRED_STEP
  store_sums_avx512(sums, rows, outputs, y, y_stride, accumulate);
}

#define PAIRED_TILE(r)                                                                        \
  case r:                                                                                     \
    paired_tile(                                                                              \
        x, x_stride, w, inputs, y, y_stride, accumulate, ahead, pace, fetches, r, outputs);   \
    break;

INLINE_PAIRED void paired_tile_of(
    const uint16_t *x, size_t x_stride, size_t rows, const uint16_t *w, size_t inputs, float *y,
    size_t y_stride, int accumulate, const char *ahead, size_t pace, const int fetches,
    const int outputs) {
  switch (rows) {
    PAIRED_TILE(1) PAIRED_TILE(2) PAIRED_TILE(3) PAIRED_TILE(4)
    PAIRED_TILE(5) PAIRED_TILE(6) PAIRED_TILE(7) PAIRED_TILE(8)
  }
}
#undef PAIRED_TILE

/// All rows against so many outputs: a tile of rows stays in the first-level cache while a few strips of weights pass
/// by, fetched meanwhile (few rows: see project_few), or all of them (many).
static void project_paired_block(
    const uint16_t *x, size_t x_stride, size_t rows, const uint16_t *w, size_t inputs,
    size_t outputs, float *y, size_t y_stride, int accumulate) {
  const int few = rows <= FEW_ROWS;
  const size_t block = few ? STRIPS_AT_ONCE * PAIRED_OUTPUTS : outputs;
  const size_t tiles = (rows + PAIRED_ROWS - 1) / PAIRED_ROWS;
  const size_t step = PAIRED_OUTPUTS * LINE_BYTES;
  const size_t pace = (step + tiles - 1) / tiles;
  for (size_t begin = 0; begin < outputs; begin += block) {
    const size_t end = begin + block < outputs ? begin + block : outputs;
    const char *ahead = (const char *)(w + end * inputs);
    for (size_t m = 0; m < rows; m += PAIRED_ROWS) {
      const size_t tall = rows - m < PAIRED_ROWS ? rows - m : PAIRED_ROWS;
      const uint16_t *x_tile = x + m * x_stride;
      float *y_tile = y + m * y_stride;
      size_t n = begin;
      for (; n + PAIRED_OUTPUTS <= end; n += PAIRED_OUTPUTS) {
        const uint16_t *strip = w + n * inputs;
        if (!few)
          paired_tile_of(
              x_tile, x_stride, tall, strip, inputs, y_tile + n, y_stride, accumulate, 0, 0, 0,
              PAIRED_OUTPUTS);
        else if (tiles == 1)
          paired_tile_of(
              x_tile, x_stride, tall, strip, inputs, y_tile + n, y_stride, accumulate, ahead,
              pace, PAIRED_OUTPUTS, PAIRED_OUTPUTS);
        else
          paired_tile_of(
              x_tile, x_stride, tall, strip, inputs, y_tile + n, y_stride, accumulate, ahead,
              pace, (PAIRED_OUTPUTS + 1) / 2, PAIRED_OUTPUTS);
        ahead += inputs / 32 * pace;
      }
      for (; n < end; n++)
        paired_tile_of(
            x_tile, x_stride, tall, w + n * inputs, inputs, y_tile + n, y_stride, accumulate, 0, 0,
            0, 1);
    }
  }
}

static void prepare_paired(
    const float *x, size_t stride, size_t begin, size_t end, size_t inputs, uint16_t *operand) {
  for (size_t m = begin; m < end; m++)
    to_bfloat16_avx512(x + m * stride, LOXEVAL_FLOAT32, inputs, operand + m * inputs);
}

static void project_paired(
    const uint16_t *x, size_t x_stride, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch) {
  if (rows == 0) return;
  for (size_t block = begin; block < end; block += BLOCK_OUTPUTS) {
    const size_t outputs = end - block < BLOCK_OUTPUTS ? end - block : BLOCK_OUTPUTS;
    const uint16_t *weights = (const uint16_t *)w + block * inputs;
    if (element_type != LOXEVAL_BFLOAT16) {
      const size_t width = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
      to_bfloat16_avx512(
          (const char *)w + block * inputs * width, element_type, outputs * inputs,
          (uint16_t *)scratch);
      weights = (const uint16_t *)scratch;
    }
    project_paired_block(
        x, x_stride, rows, weights, inputs, outputs, y + block, y_stride, accumulate);
  }
}

// Packing for products of a training, in the layout that tiles want:
//
//   left[group of 16 rows][step of 32][row][32], right[group of 16 columns][step of 32][pair][column][2]

/// 16 values from `p` on, zero beyond `count`, in bfloat16: to nearest, or dithered from the first one's threshold on.
INLINE_PAIRED __m256i narrow_16(
    const float *p, size_t count, const int dithers, uint32_t threshold) {
  const __mmask16 mask = count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1);
  const __m512 values = _mm512_maskz_loadu_ps(mask, p);
  if (!dithers) return (__m256i)_mm512_cvtneps_pbh(values);
#define AT(lane) (lane * DITHER_COLUMN & 0xFFFF)
  const __m512i steps = _mm512_setr_epi32(
      AT(0), AT(1), AT(2), AT(3), AT(4), AT(5), AT(6), AT(7), AT(8), AT(9), AT(10), AT(11), AT(12),
      AT(13), AT(14), AT(15));
#undef AT
  const __m512i thresholds = _mm512_and_si512(
      _mm512_add_epi32(steps, _mm512_set1_epi32((int32_t)threshold)), _mm512_set1_epi32(0xFFFF));
  const __m512i bits = _mm512_castps_si512(values);
  // What is no number stays none.
  const __mmask16 numbers = _mm512_cmp_ps_mask(values, values, _CMP_ORD_Q);
  const __m512i raised = _mm512_mask_add_epi32(
      _mm512_or_si512(bits, _mm512_set1_epi32(1 << 22)), numbers, bits, thresholds);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(raised, 16));
}

/// Two rows of 16 values, pair by pair.
INLINE_PAIRED __m512i interleave(__m256i even, __m256i odd) {
  return _mm512_or_si512(
      _mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

/// Rows become columns of 16 × 16 pairs: four times, each vector's pairs are interleaved with those of the vector half the
/// rows away.
INLINE_PAIRED void transpose_pairs(__m512i rows[16]) {
  const __m512i low =
      _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i high =
      _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#pragma unroll
  for (int turn = 0; turn < 4; turn++) {
    __m512i next[16];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      next[2 * i] = _mm512_permutex2var_epi32(rows[i], low, rows[i + 8]);
      next[2 * i + 1] = _mm512_permutex2var_epi32(rows[i], high, rows[i + 8]);
    }
#pragma unroll
    for (int i = 0; i < 16; i++) rows[i] = next[i];
  }
}

/// A tile's 16 lines of 32 values along the inner dimension, from lines that are contiguous in memory.
INLINE_PAIRED void pack_lines(
    const float *x, size_t stride, size_t lines, size_t inner, const int is_right, const int dithers,
    uint32_t threshold, uint16_t *tile) {
  __m512i rows[16];
#pragma unroll
  for (size_t line = 0; line < 16; line++) {
    rows[line] = _mm512_setzero_si512();
    if (line < lines) {
      const float *p = x + line * stride;
      const uint32_t first = threshold + (uint32_t)line * DITHER_ROW;
      const __m256i low = narrow_16(p, inner, dithers, first);
      const __m256i high = inner > 16
          ? narrow_16(p + 16, inner - 16, dithers, first + 16 * DITHER_COLUMN)
          : _mm256_setzero_si256();
      rows[line] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
  }
  if (is_right) transpose_pairs(rows);
#pragma unroll
  for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(tile + 32 * i, rows[i]);
}

/// The same from steps of the inner dimension that are contiguous in memory over the lines.
INLINE_PAIRED void pack_steps(
    const float *x, size_t stride, size_t lines, size_t inner, const int is_right, const int dithers,
    uint32_t threshold, uint16_t *tile) {
  __m512i rows[16];
#pragma unroll
  for (size_t pair = 0; pair < 16; pair++) {
    rows[pair] = _mm512_setzero_si512();
    if (2 * pair < inner) {
      const float *p = x + 2 * pair * stride;
      const uint32_t first = threshold + 2 * (uint32_t)pair * DITHER_ROW;
      rows[pair] = interleave(
          narrow_16(p, lines, dithers, first),
          2 * pair + 1 < inner ? narrow_16(p + stride, lines, dithers, first + DITHER_ROW)
                               : _mm256_setzero_si256());
    }
  }
  if (!is_right) transpose_pairs(rows);
#pragma unroll
  for (size_t i = 0; i < 16; i++) _mm512_storeu_si512(tile + 32 * i, rows[i]);
}

INLINE_PAIRED void pack_tile(
    const float *x, size_t stride, const int lines_are_contiguous, const int is_right, size_t line,
    size_t lines, size_t k, size_t depth, const int dithers, uint32_t key, uint16_t *tile) {
  const size_t row = lines_are_contiguous ? line : k, column = lines_are_contiguous ? k : line;
  const float *start = x + row * stride + column;
  const uint32_t threshold = key + (uint32_t)row * DITHER_ROW + (uint32_t)column * DITHER_COLUMN;
  if (lines_are_contiguous)
    pack_lines(start, stride, lines, depth, is_right, dithers, threshold, tile);
  else
    pack_steps(start, stride, lines, depth, is_right, dithers, threshold, tile);
}

static void pack_side(
    const float *x, size_t stride, int lines_are_contiguous, int is_right, size_t begin, size_t end,
    size_t inner, int32_t dither, uint16_t *packed) {
  const size_t steps = (inner + 31) / 32;
  const uint32_t key = (uint32_t)dither;
  for (size_t line = begin; line < end; line += 16) {
    uint16_t *tile = packed + line / 16 * steps * 512;
    const size_t lines = end - line < 16 ? end - line : 16;
    for (size_t k = 0; k < inner; k += 32, tile += 512) {
      const size_t depth = inner - k < 32 ? inner - k : 32;
#define PACK(contiguous, right, dithers) \
  pack_tile(x, stride, contiguous, right, line, lines, k, depth, dithers, key, tile)
      switch ((lines_are_contiguous ? 4 : 0) + (is_right ? 2 : 0) + (dither >= 0)) {
      case 0: PACK(0, 0, 0); break;
      case 1: PACK(0, 0, 1); break;
      case 2: PACK(0, 1, 0); break;
      case 3: PACK(0, 1, 1); break;
      case 4: PACK(1, 0, 0); break;
      case 5: PACK(1, 0, 1); break;
      case 6: PACK(1, 1, 0); break;
      default: PACK(1, 1, 1);
      }
#undef PACK
    }
  }
}

/// Eight rows by up to three groups of columns.
INLINE_PAIRED void paired_products(
    const uint16_t *left, const uint16_t *right, size_t steps, size_t first, size_t rows,
    const int wide, const struct packed_product *p, size_t m, size_t n) {
  __m512 sums[8][3];
  for (int i = 0; i < 8; i++)
    for (int g = 0; g < wide; g++) sums[i][g] = _mm512_setzero_ps();
  for (size_t step = 0; step < steps; step++)
    for (size_t pair = 0; pair < 16; pair++) {
      __m512bh columns[3];
      for (int g = 0; g < wide; g++)
        columns[g] = (__m512bh)_mm512_loadu_si512(
            right + (g * steps + step) * 512 + 32 * pair);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        int32_t values;
        memcpy(&values, left + step * 512 + 32 * (first + i) + 2 * pair, 4);
        const __m512bh row = (__m512bh)_mm512_set1_epi32(values);
        for (int g = 0; g < wide; g++) sums[i][g] = _mm512_dpbf16_ps(sums[i][g], row, columns[g]);
      }
    }
  for (size_t i = 0; i < rows; i++)
    for (int g = 0; g < wide; g++) {
      const size_t column = n + 16 * g;
      const size_t count = p->column_end - column < 16 ? p->column_end - column : 16;
      const __mmask16 mask = (__mmask16)((1u << count) - 1);
      float *target = p->c + (m + i) * p->stride + column;
      __m512 values = _mm512_mul_ps(_mm512_set1_ps(p->scale), sums[i][g]);
      if (p->accumulate) values = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, target), values);
      _mm512_mask_storeu_ps(target, mask, values);
    }
}

static void multiply_paired(const struct packed_product *p) {
  const size_t steps = (p->inner + 31) / 32;
  for (size_t n = p->column_begin; n < p->column_end; n += 48) {
    const size_t left_over = (p->column_end - n + 15) / 16;
    const uint16_t *right = p->right + n / 16 * steps * 512;
    for (size_t m = p->row_begin; m < p->row_end; m += 8) {
      const size_t rows = p->row_end - m < 8 ? p->row_end - m : 8;
      const uint16_t *left = p->left + m / 16 * steps * 512;
      switch (left_over < 3 ? left_over : 3) {
      case 1: paired_products(left, right, steps, m % 16, rows, 1, p, m, n); break;
      case 2: paired_products(left, right, steps, m % 16, rows, 2, p, m, n); break;
      default: paired_products(left, right, steps, m % 16, rows, 3, p, m, n);
      }
    }
  }
}
