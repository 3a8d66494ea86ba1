// Products of bfloat16 rows on processors with tiles (Intel AMX): sixteen outputs by sixteen rows at a time,
// 32 inputs a step. Weights are loaded as they lie in memory; the rows are prepared in the pairs that the
// instruction wants as its second operand:
//
//   operand[group of 16 rows][step of 32 inputs][pair of inputs][row][2]
//
// zero where there is no row or input. An element's sum runs over the steps in their order, whatever stands
// beside it.

#include <immintrin.h>

#define TILE_SIDE 16
#define TILE_INPUTS 32
/// bfloat16 numbers of a tile.
#define TILE_COUNT (TILE_SIDE * TILE_INPUTS)
/// Outputs whose weights stay in the first-level cache while all rows pass by.
#define STRIP_OUTPUTS 64

static size_t tile_steps(size_t inputs) { return (inputs + TILE_INPUTS - 1) / TILE_INPUTS; }

static void prepare_tiles(
    const float *x, size_t stride, size_t begin, size_t end, size_t inputs, uint16_t *operand) {
  const size_t steps = tile_steps(inputs);
  operand += begin / TILE_SIDE * steps * TILE_COUNT;
  for (size_t group = begin; group < end; group += TILE_SIDE)
    for (size_t step = 0; step < steps; step++, operand += TILE_COUNT)
      for (size_t m = 0; m < TILE_SIDE; m++) {
        uint16_t values[TILE_INPUTS] = {0};
        const size_t k = step * TILE_INPUTS;
        const size_t count = inputs - k < TILE_INPUTS ? inputs - k : TILE_INPUTS;
        if (group + m < end) narrow(x + (group + m) * stride + k, count, values);
        for (size_t pair = 0; pair < TILE_INPUTS / 2; pair++)
          memcpy(operand + pair * TILE_INPUTS + 2 * m, values + 2 * pair, 4);
      }
}

/// This thread's tiles: eight of 16 rows of 64 bytes.
static void configure_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } settings = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) {
    settings.row_bytes[tile] = 64;
    settings.rows[tile] = TILE_SIDE;
  }
  _tile_loadconfig(&settings);
}

/// sums[tile][output][row] of up to four tiles of outputs and one group of rows.
static void one_group(
    const uint16_t *w, size_t width, size_t steps, const uint16_t *operand, size_t tiles,
    float *sums) {
  const size_t stride = 2 * width, tall = TILE_SIDE * width;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t step = 0; step < steps; step++, w += TILE_INPUTS, operand += TILE_COUNT) {
    _tile_loadd(6, operand, 64);
    _tile_loadd(4, w, stride);
    _tile_dpbf16ps(0, 4, 6);
    if (tiles > 1) {
      _tile_loadd(5, w + tall, stride);
      _tile_dpbf16ps(1, 5, 6);
    }
    if (tiles > 2) {
      _tile_loadd(4, w + 2 * tall, stride);
      _tile_dpbf16ps(2, 4, 6);
    }
    if (tiles > 3) {
      _tile_loadd(5, w + 3 * tall, stride);
      _tile_dpbf16ps(3, 5, 6);
    }
    // The same inputs of the next strip.
    const char *next = (const char *)(w + 4 * tall);
    for (size_t n = 0; n < TILE_SIDE * tiles; n++) __builtin_prefetch(next + n * stride, 0, 2);
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + 256, 64);
  _tile_stored(2, sums + 512, 64);
  _tile_stored(3, sums + 768, 64);
}

/// sums[group][tile][output][row] of two tiles of outputs and two groups of rows.
static void two_groups(
    const uint16_t *w, size_t width, size_t steps, const uint16_t *operand, float *sums) {
  const size_t stride = 2 * width, tall = TILE_SIDE * width;
  const uint16_t *second = operand + steps * TILE_COUNT;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t step = 0; step < steps; step++, w += TILE_INPUTS) {
    _tile_loadd(4, w, stride);
    _tile_loadd(6, operand + step * TILE_COUNT, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, w + tall, stride);
    _tile_dpbf16ps(1, 5, 6);
    _tile_loadd(7, second + step * TILE_COUNT, 64);
    _tile_dpbf16ps(2, 4, 7);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  _tile_stored(1, sums + 256, 64);
  _tile_stored(2, sums + 512, 64);
  _tile_stored(3, sums + 768, 64);
}

/// y[row][output] = (or +=) sums[output][row]: sixteen by sixteen, of which so many of each are there.
static void put_tile(
    const float *sums, size_t rows, size_t outputs, float *y, size_t y_stride, int accumulate) {
  __m512 a[16], b[16];
  for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_ps(sums + 16 * i);
  // Pairs, fours, eights and sixteens of rows and columns change places.
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; j++) {
      const __m512d low = _mm512_castps_pd(b[i + j]), high = _mm512_castps_pd(b[i + j + 2]);
      a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; j++) {
      b[i + j] = _mm512_shuffle_f32x4(a[i + j], a[i + j + 4], 0x88);
      b[i + j + 4] = _mm512_shuffle_f32x4(a[i + j], a[i + j + 4], 0xDD);
    }
  for (int j = 0; j < 8; j++) {
    a[j] = _mm512_shuffle_f32x4(b[j], b[j + 8], 0x88);
    a[j + 8] = _mm512_shuffle_f32x4(b[j], b[j + 8], 0xDD);
  }
  const __mmask16 mask = (__mmask16)((1u << outputs) - 1);
  for (size_t m = 0; m < rows; m++) {
    float *target = y + m * y_stride;
    __m512 values = a[m];
    if (accumulate) values = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, target), values);
    _mm512_mask_storeu_ps(target, mask, values);
  }
}

/// A strip's weights as tiles take them: bfloat16, with zeros up to whole tiles.
static void copy_strip(
    const void *w, int element_type, size_t inputs, size_t outputs, size_t width, uint16_t *copy) {
  const size_t bytes = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  float part[256];
  memset(copy, 0, (outputs + TILE_SIDE - 1) / TILE_SIDE * TILE_SIDE * width * sizeof *copy);
  for (size_t n = 0; n < outputs; n++) {
    const char *row = (const char *)w + n * inputs * bytes;
    if (element_type == LOXEVAL_BFLOAT16) {
      memcpy(copy + n * width, row, 2 * inputs);
      continue;
    }
    for (size_t k = 0; k < inputs; k += 256) {
      const size_t count = inputs - k < 256 ? inputs - k : 256;
      widen_avx512(row + k * bytes, element_type, count, part);
      narrow(part, count, copy + n * width + k);
    }
  }
}

static void project_tiles(
    const uint16_t *operand, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch) {
  const size_t steps = tile_steps(inputs), bytes = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  float sums[4 * 256] __attribute__((aligned(64)));
  configure_tiles();
  for (size_t n = begin; n < end; n += STRIP_OUTPUTS) {
    const size_t outputs = end - n < STRIP_OUTPUTS ? end - n : STRIP_OUTPUTS;
    const size_t tiles = (outputs + TILE_SIDE - 1) / TILE_SIDE;
    const uint16_t *weights = (const uint16_t *)((const char *)w + n * inputs * bytes);
    size_t width = inputs;
    if (element_type != LOXEVAL_BFLOAT16 || inputs % TILE_INPUTS || outputs % TILE_SIDE) {
      width = steps * TILE_INPUTS;
      copy_strip(weights, element_type, inputs, outputs, width, (uint16_t *)scratch);
      weights = (const uint16_t *)scratch;
    }
    for (size_t m = 0; m < rows;) {
      const uint16_t *group = operand + m / TILE_SIDE * steps * TILE_COUNT;
      const size_t groups = rows - m > TILE_SIDE ? 2 : 1;
      for (size_t tile = 0; tile < tiles;) {
        const uint16_t *first = weights + tile * TILE_SIDE * width;
        const size_t together = groups == 2 ? (tiles - tile < 2 ? 1 : 2) : tiles - tile;
        if (groups == 2 && together == 2) {
          two_groups(first, width, steps, group, sums);
        } else {
          one_group(first, width, steps, group, together, sums);
        }
        for (size_t g = 0; g < groups; g++) {
          if (g == 1 && together == 1)
            one_group(first, width, steps, group + steps * TILE_COUNT, 1, sums);
          for (size_t t = 0; t < together; t++) {
            const size_t place = (tile + t) * TILE_SIDE, row = m + g * TILE_SIDE;
            put_tile(
                sums + 256 * (groups == 2 && together == 2 ? 2 * g + t : t),
                rows - row < TILE_SIDE ? rows - row : TILE_SIDE,
                outputs - place < TILE_SIDE ? outputs - place : TILE_SIDE,
                y + row * y_stride + n + place, y_stride, accumulate);
          }
        }
        tile += together;
      }
      m += groups * TILE_SIDE;
    }
  }
  _tile_release();
}

// Products of a training: both sides packed, in any number of rows and columns.

/// c = (or +=) scale * left * right for a tile of rows and columns, of which so many are there.
static void put_product(
    const float *sums, size_t rows, size_t columns, float scale, float *c, size_t stride,
    int accumulate) {
  const __mmask16 mask = (__mmask16)((1u << columns) - 1);
  for (size_t m = 0; m < rows; m++) {
    float *target = c + m * stride;
    __m512 values = _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_loadu_ps(sums + 16 * m));
    if (accumulate) values = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, target), values);
    _mm512_mask_storeu_ps(target, mask, values);
  }
}

/// sums[a][b] of tall by wide tiles, of one or two each.
static inline __attribute__((always_inline)) void tile_products(
    const uint16_t *left, const uint16_t *right, size_t steps, const int tall, const int wide,
    float *sums) {
  const size_t next = steps * TILE_COUNT;
  _tile_zero(0);
  if (wide > 1) _tile_zero(1);
  if (tall > 1) _tile_zero(2);
  if (tall > 1 && wide > 1) _tile_zero(3);
  for (size_t step = 0; step < steps; step++, left += TILE_COUNT, right += TILE_COUNT) {
    _tile_loadd(4, left, 64);
    _tile_loadd(6, right, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (wide > 1) {
      _tile_loadd(7, right + next, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (tall > 1) {
      _tile_loadd(5, left + next, 64);
      _tile_dpbf16ps(2, 5, 6);
    }
    if (tall > 1 && wide > 1) _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, 64);
  if (wide > 1) _tile_stored(1, sums + 256, 64);
  if (tall > 1) _tile_stored(2, sums + 512, 64);
  if (tall > 1 && wide > 1) _tile_stored(3, sums + 768, 64);
}

static void multiply_tiles(const struct packed_product *p) {
  const size_t steps = tile_steps(p->inner), next = steps * TILE_COUNT;
  float sums[4 * 256] __attribute__((aligned(64)));
  configure_tiles();
  for (size_t n = p->column_begin; n < p->column_end; n += 2 * TILE_SIDE) {
    const int wide = p->column_end - n > TILE_SIDE ? 2 : 1;
    const uint16_t *right = p->right + n / TILE_SIDE * next;
    for (size_t m = p->row_begin; m < p->row_end; m += 2 * TILE_SIDE) {
      const int tall = p->row_end - m > TILE_SIDE ? 2 : 1;
      const uint16_t *left = p->left + m / TILE_SIDE * next;
      if (tall == 2 && wide == 2) {
        tile_products(left, right, steps, 2, 2, sums);
      } else if (tall == 2) {
        tile_products(left, right, steps, 2, 1, sums);
      } else if (wide == 2) {
        tile_products(left, right, steps, 1, 2, sums);
      } else {
        tile_products(left, right, steps, 1, 1, sums);
      }
      for (int a = 0; a < tall; a++)
        for (int b = 0; b < wide; b++) {
          const size_t row = m + a * TILE_SIDE, column = n + b * TILE_SIDE;
          put_product(
              sums + 512 * a + 256 * b,
              p->row_end - row < TILE_SIDE ? p->row_end - row : TILE_SIDE,
              p->column_end - column < TILE_SIDE ? p->column_end - column : TILE_SIDE, p->scale,
              p->c + row * p->stride + column, p->stride, p->accumulate);
        }
    }
  }
  _tile_release();
}
