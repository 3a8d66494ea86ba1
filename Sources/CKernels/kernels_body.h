// The kernels, written once over a vector of LANES floats and compiled for each instruction set:
// kernels.c includes this file with LANES, ROWS_AT_ONCE, OUTPUTS_AT_ONCE, HEADS_AT_ONCE and NAME(function) set.

typedef float NAME(vector) __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t NAME(integers) __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint16_t NAME(halves) __attribute__((vector_size(LANES * 2), aligned(2), may_alias));
#define VECTOR NAME(vector)
#define INTEGERS NAME(integers)
#define INLINE static inline __attribute__((always_inline))

INLINE VECTOR NAME(load)(const float *p) { return *(const VECTOR *)p; }

INLINE VECTOR NAME(load_partial)(const float *p, size_t count) {
  VECTOR v = {0};
  for (size_t i = 0; i < count; i++) v[i] = p[i];
  return v;
}

INLINE VECTOR NAME(fill)(float x) { return x - (VECTOR){0}; }

INLINE float NAME(sum)(VECTOR v) {
  // Halves are added until one lane is left: the same tree whatever the caller.
  float lanes[LANES];
  memcpy(lanes, &v, sizeof lanes);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

/// Where `sums` leaves the sum of vector i.
INLINE size_t NAME(lane)(size_t i) { return LANES == 16 ? i % 4 * 4 + i / 4 : i; }

/// The sums of up to LANES vectors, each by the tree of `sum`; `totals` has room for LANES.
INLINE void NAME(sums)(const VECTOR *v, const int count, float *totals) {
#if LANES == 16
  // Halves of two vectors are added in one, then quarters of four, so that four levels of half as many
  // additions each do what four additions and four shuffles of every vector would.
  VECTOR halves[8], quarters[4], pairs[2];
#pragma unroll
  for (int i = 0; 2 * i < count; i++) {
    const VECTOR a = v[2 * i], b = v[2 * i + 1 < count ? 2 * i + 1 : 2 * i];
    halves[i] =
        __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
        __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  }
#pragma unroll
  for (int i = 0; 4 * i < count; i++) {
    const VECTOR a = halves[2 * i], b = halves[4 * i + 2 < count ? 2 * i + 1 : 2 * i];
    quarters[i] =
        __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
        __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  }
#pragma unroll
  for (int i = 0; 8 * i < count; i++) {
    const VECTOR a = quarters[2 * i], b = quarters[8 * i + 4 < count ? 2 * i + 1 : 2 * i];
    pairs[i] =
        __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
        __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  }
  const VECTOR a = pairs[0], b = pairs[count > 8 ? 1 : 0];
  *(VECTOR *)totals =
      __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30) +
      __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
#else
  for (int i = 0; i < count; i++) totals[i] = NAME(sum)(v[i]);
#endif
}

/// A tile's sums, row by row, to where they belong.
INLINE void NAME(store_sums)(
    const VECTOR *sums, const int rows, const int outputs, float *y, size_t y_stride,
    int accumulate) {
  float totals[ROWS_AT_ONCE * OUTPUTS_AT_ONCE + LANES];
#pragma unroll
  for (int i = 0; i < rows * outputs; i += LANES) {
    const int count = rows * outputs - i < LANES ? rows * outputs - i : LANES;
    NAME(sums)(sums + i, count, totals + i);
  }
#pragma unroll
  for (int m = 0; m < rows; m++)
#pragma unroll
    for (int n = 0; n < outputs; n++) {
      const int i = m * outputs + n;
      const float total = totals[i / LANES * LANES + NAME(lane)(i % LANES)];
      float *target = y + m * y_stride + n;
      *target = accumulate ? *target + total : total;
    }
}

INLINE float NAME(largest)(VECTOR v) {
  float result = v[0];
  for (int i = 1; i < LANES; i++) result = v[i] > result ? v[i] : result;
  return result;
}

/// exp(x) for x <= 88, to about two units in the last place: exp(x) = 2^n * exp(r) with
/// |r| <= ln(2)/2 and a Taylor polynomial of degree 7 (truncation below 1e-8) for exp(r).
INLINE VECTOR NAME(exponential)(VECTOR x) {
  x = __builtin_elementwise_max(x, NAME(fill)(-87.0f));
  x = __builtin_elementwise_min(x, NAME(fill)(88.0f));
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  const float magic = 12582912.0f;
  VECTOR shifted = x * 1.44269504088896341f + magic;
  VECTOR n = shifted - magic;
  VECTOR r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  VECTOR p = NAME(fill)(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  INTEGERS exponent = ((INTEGERS)shifted - 0x4B400000 + 127) << 23;
  return p * (VECTOR)exponent;
}

INLINE void NAME(widen_bfloat16)(const uint16_t *source, size_t count, float *destination) {
  uint32_t *bits = (uint32_t *)destination;
  for (size_t i = 0; i < count; i++) bits[i] = (uint32_t)source[i] << 16;
}

INLINE void NAME(widen_float16)(const uint16_t *source, size_t count, float *destination) {
  for (size_t i = 0; i < count; i++) {
    // Scaling by 2^112 moves the exponent bias, subnormals included; infinities and NaN keep
    // their all-ones exponent.
    uint32_t magnitude = (uint32_t)(source[i] & 0x7FFF) << 13;
    uint32_t sign = (uint32_t)(source[i] & 0x8000) << 16;
    float scaled;
    memcpy(&scaled, &magnitude, 4);
    scaled *= 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &scaled, 4);
    bits = magnitude >= 0x0F800000 ? (magnitude | 0x7F800000) : bits;
    bits |= sign;
    memcpy(destination + i, &bits, 4);
  }
}

static void NAME(widen)(
    const void *source, int element_type, size_t count, float *destination) {
  switch (element_type) {
  case LOXEVAL_FLOAT16: NAME(widen_float16)(source, count, destination); break;
  case LOXEVAL_BFLOAT16: NAME(widen_bfloat16)(source, count, destination); break;
  default: memcpy(destination, source, count * sizeof(float));
  }
}

static void NAME(to_bfloat16)(
    const void *source, int element_type, size_t count, uint16_t *destination) {
  if (element_type == LOXEVAL_FLOAT32) {
    narrow(source, count, destination);
    return;
  }
  if (element_type == LOXEVAL_BFLOAT16) {
    memcpy(destination, source, count * sizeof(uint16_t));
    return;
  }
  float block[1024];
  for (size_t i = 0; i < count; i += 1024) {
    const size_t size = count - i < 1024 ? count - i : 1024;
    NAME(widen_float16)((const uint16_t *)source + i, size, block);
    narrow(block, size, destination + i);
  }
}

static void NAME(subtract)(
    const void *a, int a_type, const void *b, int b_type, size_t count, float *y) {
  float block[1024];
  const size_t a_width = a_type == LOXEVAL_FLOAT32 ? 4 : 2;
  const size_t b_width = b_type == LOXEVAL_FLOAT32 ? 4 : 2;
  for (size_t i = 0; i < count; i += 1024) {
    const size_t size = count - i < 1024 ? count - i : 1024;
    NAME(widen)((const char *)a + i * a_width, a_type, size, y + i);
    NAME(widen)((const char *)b + i * b_width, b_type, size, block);
    for (size_t j = 0; j < size; j++) y[i + j] -= block[j];
  }
}

enum { NAME(COMBINED_ROWS) = 8, NAME(COMBINED_COUNT) = 64, NAME(COMBINED_COLUMNS) = 512 };

/// z[r][j] += sum_k c[r][k] * a[k][j] for `taken` rows of a and one block of z, which lies densely.
INLINE void NAME(combine_few)(
    const float *c, size_t rows, const float *a, const int taken, size_t a_stride,
    size_t columns, float (*z)[NAME(COMBINED_COLUMNS)]) {
  size_t j = 0;
  // Two vectors at a time, so that each factor is spread over the lanes once for both.
  for (; j + 2 * LANES <= columns; j += 2 * LANES) {
    VECTOR low[4], high[4];
#pragma unroll
    for (int k = 0; k < taken; k++) {
      low[k] = NAME(load)(a + k * a_stride + j);
      high[k] = NAME(load)(a + k * a_stride + j + LANES);
      __builtin_prefetch(a + (k + taken) * a_stride + j, 0, 3);
    }
    for (size_t r = 0; r < rows; r++) {
      VECTOR first = NAME(load)(z[r] + j), second = NAME(load)(z[r] + j + LANES);
#pragma unroll
      for (int k = 0; k < taken; k++) {
        first += c[r * NAME(COMBINED_COUNT) + k] * low[k];
        second += c[r * NAME(COMBINED_COUNT) + k] * high[k];
      }
      *(VECTOR *)(z[r] + j) = first;
      *(VECTOR *)(z[r] + j + LANES) = second;
    }
  }
  for (; j < columns; j++)
    for (size_t r = 0; r < rows; r++)
      for (int k = 0; k < taken; k++)
        z[r][j] += c[r * NAME(COMBINED_COUNT) + k] * a[k * a_stride + j];
}

/// Rows of a power of two lie where a cache has few places for all of them: blocks of z and c are copied, and four rows
/// of a are read at a time.
static void NAME(combine_block)(
    const float *c, size_t c_stride, size_t rows, const float *a, size_t count, size_t a_stride,
    size_t columns, float *z, size_t z_stride) {
  float factors[NAME(COMBINED_ROWS) * NAME(COMBINED_COUNT)];
  _Alignas(64) float sums[NAME(COMBINED_ROWS)][NAME(COMBINED_COLUMNS)];
  for (size_t r = 0; r < rows; r++) {
    memcpy(factors + r * NAME(COMBINED_COUNT), c + r * c_stride, count * sizeof(float));
    memcpy(sums[r], z + r * z_stride, columns * sizeof(float));
  }
  size_t k = 0;
  for (; k + 4 <= count; k += 4)
    NAME(combine_few)(factors + k, rows, a + k * a_stride, 4, a_stride, columns, sums);
  for (; k < count; k++)
    NAME(combine_few)(factors + k, rows, a + k * a_stride, 1, a_stride, columns, sums);
  for (size_t r = 0; r < rows; r++) memcpy(z + r * z_stride, sums[r], columns * sizeof(float));
}

static void NAME(combine_rows)(
    const float *c, size_t c_stride, size_t rows, const float *a, size_t count, size_t width,
    float *z) {
  for (size_t i = 0; i < count; i += NAME(COMBINED_COUNT)) {
    const size_t tall = count - i < NAME(COMBINED_COUNT) ? count - i : NAME(COMBINED_COUNT);
    for (size_t j = 0; j < width; j += NAME(COMBINED_COLUMNS)) {
      const size_t columns =
          width - j < NAME(COMBINED_COLUMNS) ? width - j : NAME(COMBINED_COLUMNS);
      for (size_t r = 0; r < rows; r += NAME(COMBINED_ROWS)) {
        const size_t few = rows - r < NAME(COMBINED_ROWS) ? rows - r : NAME(COMBINED_ROWS);
        NAME(combine_block)(
            c + r * c_stride + i, c_stride, few, a + i * width + j, tall, width, columns,
            z + r * width + j, width);
      }
    }
  }
}

/// LANES weights from element k on, widened in registers where they are bfloat16.
INLINE VECTOR NAME(load_weights)(const void *w, size_t k, const int element_type) {
  if (element_type == LOXEVAL_FLOAT32) return NAME(load)((const float *)w + k);
  NAME(halves) halves = *(const NAME(halves) *)((const uint16_t *)w + k);
  return (VECTOR)(__builtin_convertvector(halves, INTEGERS) << 16);
}

INLINE VECTOR NAME(load_weights_partial)(
    const void *w, size_t k, size_t count, const int element_type) {
  if (element_type == LOXEVAL_FLOAT32) return NAME(load_partial)((const float *)w + k, count);
  float widened[LANES];
  NAME(widen_bfloat16)((const uint16_t *)w + k, count, widened);
  return NAME(load_partial)(widened, count);
}

/// A tile of ROWS by OUTPUTS dot products. Each accumulates LANES partial sums over k in steps of
/// LANES and adds them at the end, so its value is the same in a tile of any size.
///
/// Meanwhile weights of later tiles are fetched from memory: from `ahead` on, `pace` bytes a step, by so many fetches.
INLINE void NAME(tile)(
    const float *x, size_t x_stride, const void *w, size_t inputs, float *y, size_t y_stride,
    int accumulate, const int element_type, const char *ahead, size_t pace, const int fetches,
    const int rows, const int outputs) {
  const size_t width = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  VECTOR sums[ROWS_AT_ONCE * OUTPUTS_AT_ONCE];
  const char *weight_rows[OUTPUTS_AT_ONCE];
#pragma unroll
  for (int n = 0; n < outputs; n++) {
    weight_rows[n] = (const char *)w + n * inputs * width;
#pragma unroll
    for (int m = 0; m < rows; m++) sums[m * outputs + n] = (VECTOR){0};
  }
  size_t k = 0;
  for (; k + LANES <= inputs; k += LANES) {
    VECTOR weights[OUTPUTS_AT_ONCE];
#pragma unroll
    for (int n = 0; n < outputs; n++)
      weights[n] = NAME(load_weights)(weight_rows[n], k, element_type);
#pragma unroll
    for (int i = 0; i < fetches; i++) __builtin_prefetch(ahead + i * LINE_BYTES, 0, 2);
    if (fetches) ahead += pace;
#pragma unroll
    for (int m = 0; m < rows; m++) {
      VECTOR values = NAME(load)(x + m * x_stride + k);
#pragma unroll
      for (int n = 0; n < outputs; n++) sums[m * outputs + n] += values * weights[n];
    }
  }
  if (k < inputs) {
    VECTOR weights[OUTPUTS_AT_ONCE];
#pragma unroll
    for (int n = 0; n < outputs; n++)
      weights[n] = NAME(load_weights_partial)(weight_rows[n], k, inputs - k, element_type);
#pragma unroll
    for (int m = 0; m < rows; m++) {
      VECTOR values = NAME(load_partial)(x + m * x_stride + k, inputs - k);
#pragma unroll
      for (int n = 0; n < outputs; n++) sums[m * outputs + n] += values * weights[n];
    }
  }
  NAME(store_sums)(sums, rows, outputs, y, y_stride, accumulate);
}

#define TILE(r)                                                                            \
  case r:                                                                                  \
    NAME(tile)(                                                                            \
        x, x_stride, w, inputs, y, y_stride, accumulate, element_type, ahead, pace,        \
        fetches, r, outputs);                                                              \
    break;

INLINE void NAME(tile_of)(
    const float *x, size_t x_stride, size_t rows, const void *w, size_t inputs, float *y,
    size_t y_stride, int accumulate, const int element_type, const char *ahead, size_t pace,
    const int fetches, const int outputs) {
  switch (rows) {
    TILE(1) TILE(2) TILE(3) TILE(4)
#if ROWS_AT_ONCE > 4
    TILE(5) TILE(6) TILE(7) TILE(8)
#endif
  }
}
#undef TILE

/// Few rows: a tile of them stays in the first-level cache while a few strips of weights pass by, and the next strips
/// are fetched meanwhile, a share of them with each tile, so that memory and arithmetic overlap.
INLINE void NAME(project_few)(
    const float *x, size_t x_stride, size_t rows, const void *w, size_t inputs, size_t outputs,
    float *y, size_t y_stride, int accumulate, const int element_type) {
  const size_t width = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  const size_t few = STRIPS_AT_ONCE * OUTPUTS_AT_ONCE;
  // Twice as many where they stay in the second-level cache: the rows are then read half as often.
  const size_t block = 2 * few * inputs * width <= STRIPS_BYTES ? 2 * few : few;
  const size_t tiles = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
  const size_t step = OUTPUTS_AT_ONCE * LANES * width;
  const size_t pace = (step + tiles - 1) / tiles;
  const char *weights = w;
  for (size_t begin = 0; begin < outputs; begin += block) {
    const size_t end = begin + block < outputs ? begin + block : outputs;
    const char *ahead = weights + end * inputs * width;
    for (size_t m = 0; m < rows; m += ROWS_AT_ONCE) {
      const size_t tall = rows - m < ROWS_AT_ONCE ? rows - m : ROWS_AT_ONCE;
      const float *x_tile = x + m * x_stride;
      float *y_tile = y + m * y_stride;
      size_t n = begin;
      for (; n + OUTPUTS_AT_ONCE <= end; n += OUTPUTS_AT_ONCE) {
        const char *strip = weights + n * inputs * width;
        if (tiles == 1)
          NAME(tile_of)(
              x_tile, x_stride, tall, strip, inputs, y_tile + n, y_stride, accumulate,
              element_type, ahead, pace, (step + LINE_BYTES - 1) / LINE_BYTES, OUTPUTS_AT_ONCE);
        else
          NAME(tile_of)(
              x_tile, x_stride, tall, strip, inputs, y_tile + n, y_stride, accumulate,
              element_type, ahead, pace, (step / 2 + LINE_BYTES - 1) / LINE_BYTES,
              OUTPUTS_AT_ONCE);
        ahead += inputs / LANES * pace;
      }
      for (; n < end; n++)
        NAME(tile_of)(
            x_tile, x_stride, tall, weights + n * inputs * width, inputs, y_tile + n, y_stride,
            accumulate, element_type, 0, 0, 0, 1);
    }
  }
}

/// Many rows: a tile of them stays in the first-level cache while a block of weights, in the
/// second-level cache, passes by.
INLINE void NAME(project_many)(
    const float *x, size_t x_stride, size_t rows, const float *w, size_t inputs, size_t outputs,
    float *y, size_t y_stride, int accumulate) {
  for (size_t m = 0; m < rows; m += ROWS_AT_ONCE) {
    size_t tall = rows - m < ROWS_AT_ONCE ? rows - m : ROWS_AT_ONCE;
    const float *x_tile = x + m * x_stride;
    float *y_tile = y + m * y_stride;
    size_t n = 0;
    for (; n + OUTPUTS_AT_ONCE <= outputs; n += OUTPUTS_AT_ONCE)
      NAME(tile_of)(
          x_tile, x_stride, tall, w + n * inputs, inputs, y_tile + n, y_stride, accumulate,
          LOXEVAL_FLOAT32, 0, 0, 0, OUTPUTS_AT_ONCE);
    for (; n < outputs; n++)
      NAME(tile_of)(
          x_tile, x_stride, tall, w + n * inputs, inputs, y_tile + n, y_stride, accumulate,
          LOXEVAL_FLOAT32, 0, 0, 0, 1);
  }
}

static void NAME(project)(
    const float *x, size_t x_stride, size_t rows, const void *w, int element_type, size_t inputs,
    size_t begin, size_t end, float *y, size_t y_stride, int accumulate, float *scratch) {
  if (rows == 0) return;
  const size_t width = element_type == LOXEVAL_FLOAT32 ? 4 : 2;
  const char *weights = (const char *)w + begin * inputs * width;
  if (rows <= FEW_ROWS && element_type == LOXEVAL_BFLOAT16) {
    NAME(project_few)(
        x, x_stride, rows, weights, inputs, end - begin, y + begin, y_stride, accumulate,
        LOXEVAL_BFLOAT16);
  } else if (rows <= FEW_ROWS && element_type == LOXEVAL_FLOAT32) {
    NAME(project_few)(
        x, x_stride, rows, weights, inputs, end - begin, y + begin, y_stride, accumulate,
        LOXEVAL_FLOAT32);
  } else {
    for (size_t block = begin; block < end; block += BLOCK_OUTPUTS) {
      size_t outputs = end - block < BLOCK_OUTPUTS ? end - block : BLOCK_OUTPUTS;
      const void *source = (const char *)w + block * inputs * width;
      const float *widened = source;
      if (element_type != LOXEVAL_FLOAT32) {
        NAME(widen)(source, element_type, outputs * inputs, scratch);
        widened = scratch;
      }
      NAME(project_many)(
          x, x_stride, rows, widened, inputs, outputs, y + block, y_stride, accumulate);
    }
  }
}

static void NAME(add_low_rank)(
    const float *t, size_t rank, const float *b, size_t b_stride, size_t begin, size_t end,
    float *y) {
  size_t n = begin;
  for (; n + LANES <= end; n += LANES) {
    VECTOR sum = {0};
    for (size_t r = 0; r < rank; r++) sum += t[r] * NAME(load)(b + r * b_stride + n);
    *(VECTOR *)(y + n) += sum;
  }
  if (n < end) {
    VECTOR sum = {0};
    for (size_t r = 0; r < rank; r++)
      sum += t[r] * NAME(load_partial)(b + r * b_stride + n, end - n);
    for (size_t i = n; i < end; i++) y[i] += sum[i - n];
  }
}

static void NAME(rms_norm)(
    const float *x, const float *gain, size_t count, float epsilon, float *y) {
  VECTOR squares = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    VECTOR v = NAME(load)(x + i);
    squares += v * v;
  }
  if (i < count) {
    VECTOR v = NAME(load_partial)(x + i, count - i);
    squares += v * v;
  }
  float factor = 1.0f / sqrtf(NAME(sum)(squares) / (float)count + epsilon);
  for (i = 0; i < count; i++) y[i] = x[i] * factor * gain[i];
}

static void NAME(silu_multiply)(float *gate, const float *up, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    VECTOR z = NAME(load)(gate + i);
    *(VECTOR *)(gate + i) = z / (1.0f + NAME(exponential)(-z)) * NAME(load)(up + i);
  }
  if (i < count) {
    VECTOR z = NAME(load_partial)(gate + i, count - i);
    z = z / (1.0f + NAME(exponential)(-z)) * NAME(load_partial)(up + i, count - i);
    for (size_t j = i; j < count; j++) gate[j] = z[j - i];
  }
}

/// 2 sqrt(2 / pi) (z + 0.044715 z^3): GELU's tanh form is z times the sigmoid of it.
INLINE VECTOR NAME(gelu_argument)(VECTOR z) {
  return 1.5957691216057308f * z * (1.0f + 0.044715f * z * z);
}

static void NAME(gelu_multiply)(float *gate, const float *up, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    VECTOR z = NAME(load)(gate + i);
    VECTOR shares = 1.0f / (1.0f + NAME(exponential)(-NAME(gelu_argument)(z)));
    *(VECTOR *)(gate + i) = z * shares * NAME(load)(up + i);
  }
  if (i < count) {
    VECTOR z = NAME(load_partial)(gate + i, count - i);
    VECTOR shares = 1.0f / (1.0f + NAME(exponential)(-NAME(gelu_argument)(z)));
    z = z * shares * NAME(load_partial)(up + i, count - i);
    for (size_t j = i; j < count; j++) gate[j] = z[j - i];
  }
}

/// cap * tanh(scale * x / cap), with tanh(u) = 2 / (1 + exp(-2u)) - 1.
INLINE VECTOR NAME(capped)(VECTOR x, float scale, float cap) {
  const float doubled = -2.0f * scale / cap;
  return cap * (2.0f / (1.0f + NAME(exponential)(x * doubled)) - 1.0f);
}

static void NAME(soft_cap)(float *x, size_t count, float scale, float cap) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    *(VECTOR *)(x + i) = NAME(capped)(NAME(load)(x + i), scale, cap);
  if (i < count) {
    VECTOR y = NAME(capped)(NAME(load_partial)(x + i, count - i), scale, cap);
    for (size_t j = i; j < count; j++) x[j] = y[j - i];
  }
}

static void NAME(rotate)(float *head, const float *cosines, const float *sines, size_t dimension) {
  size_t half = dimension / 2;
  for (size_t i = 0; i < half; i++) {
    float a = head[i], b = head[i + half];
    head[i] = a * cosines[i] - b * sines[i];
    head[i + half] = b * cosines[i] + a * sines[i];
  }
}

/// scores = exp(scores - maximum), in place; returns their sum.
INLINE float NAME(exponentiate)(float *scores, size_t count, float maximum) {
  VECTOR totals = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    VECTOR e = NAME(exponential)(NAME(load)(scores + i) - maximum);
    *(VECTOR *)(scores + i) = e;
    totals += e;
  }
  float total = NAME(sum)(totals);
  if (i < count) {
    VECTOR e = NAME(exponential)(NAME(load_partial)(scores + i, count - i) - maximum);
    for (size_t j = i; j < count; j++) {
      scores[j] = e[j - i];
      total += e[j - i];
    }
  }
  return total;
}

INLINE float NAME(maximum)(const float *x, size_t count) {
  VECTOR best = NAME(fill)(-INFINITY);
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    VECTOR v = NAME(load)(x + i);
    best = __builtin_elementwise_max(best, v);
  }
  float result = NAME(largest)(best);
  for (; i < count; i++) result = x[i] > result ? x[i] : result;
  return result;
}

/// Of a few heads, scale * query * keys at some vectors of positions from `keys` on. Positions are the vector's lanes, so
/// that no sum crosses lanes; the last vector may be beyond the length, where nothing reads it.
INLINE void NAME(score_positions)(
    const float *queries, const float *keys, size_t key_stride, size_t dimension, float scale,
    float *scores, size_t score_stride, const int heads, const int vectors) {
  VECTOR sums[HEADS_AT_ONCE * 4];
#pragma unroll
  for (int i = 0; i < heads * vectors; i++) sums[i] = (VECTOR){0};
  for (size_t d = 0; d < dimension; d++)
#pragma unroll
    for (int j = 0; j < vectors; j++) {
      const float *place = keys + d * key_stride + j * LANES;
      const VECTOR key = NAME(load)(place);
      __builtin_prefetch(place + ATTENDED_AHEAD * key_stride, 0, 3);
#pragma unroll
      for (int h = 0; h < heads; h++) sums[h * vectors + j] += queries[h * dimension + d] * key;
    }
#pragma unroll
  for (int h = 0; h < heads; h++)
#pragma unroll
    for (int j = 0; j < vectors; j++)
      *(VECTOR *)(scores + h * score_stride + j * LANES) = sums[h * vectors + j] * scale;
}

/// Of a few heads, out = sum_t weights[t] * values[t], over blocks of columns that stay in registers.
INLINE void NAME(add_weighted)(
    const float *weights, size_t weight_stride, size_t length, const float *values,
    size_t dimension, float *out, const int heads) {
  size_t d = 0;
  for (; d + 4 * LANES <= dimension; d += 4 * LANES) {
    VECTOR sums[HEADS_AT_ONCE * 4];
#pragma unroll
    for (int i = 0; i < heads * 4; i++) sums[i] = (VECTOR){0};
    for (size_t t = 0; t < length; t++)
#pragma unroll
      for (int j = 0; j < 4; j++) {
        const float *place = values + t * dimension + d + j * LANES;
        const VECTOR value = NAME(load)(place);
        __builtin_prefetch(place + ATTENDED_AHEAD * dimension, 0, 3);
#pragma unroll
        for (int h = 0; h < heads; h++)
          sums[h * 4 + j] += weights[h * weight_stride + t] * value;
      }
#pragma unroll
    for (int h = 0; h < heads; h++)
#pragma unroll
      for (int j = 0; j < 4; j++)
        *(VECTOR *)(out + h * dimension + d + j * LANES) = sums[h * 4 + j];
  }
  for (; d < dimension; d++)
    for (int h = 0; h < heads; h++) {
      float sum = 0;
      for (size_t t = 0; t < length; t++)
        sum += weights[h * weight_stride + t] * values[t * dimension + d];
      out[h * dimension + d] = sum;
    }
}

INLINE void NAME(attend_heads)(
    const float *queries, const float *keys, size_t key_stride, const float *values, size_t length,
    size_t dimension, float scale, float cap, float *scores, size_t score_stride, float *out,
    const int heads) {
  for (size_t t = 0; t < length; t += 4 * LANES) {
#define SCORE(vectors)                                                                     \
  NAME(score_positions)(                                                                   \
      queries, keys + t, key_stride, dimension, scale, scores + t, score_stride, heads, vectors)
    switch ((length - t + LANES - 1) / LANES) {
    case 1: SCORE(1); break;
    case 2: SCORE(2); break;
    case 3: SCORE(3); break;
    default: SCORE(4);
    }
#undef SCORE
  }
  for (int h = 0; h < heads; h++) {
    float *row = scores + h * score_stride;
    if (cap > 0) NAME(soft_cap)(row, length, 1.0f, cap);
    const float share = 1.0f / NAME(exponentiate)(row, length, NAME(maximum)(row, length));
    for (size_t t = 0; t < length; t++) row[t] *= share;
  }
  NAME(add_weighted)(scores, score_stride, length, values, dimension, out, heads);
}

static void NAME(attend)(
    const float *queries, size_t heads, const float *keys, size_t key_stride, const float *values,
    size_t length, size_t dimension, float scale, float cap, float *scores, size_t score_stride,
    float *out) {
  for (size_t h = 0; h < heads; h += HEADS_AT_ONCE) {
#define ATTEND(count)                                                                       \
  NAME(attend_heads)(                                                                       \
      queries + h * dimension, keys, key_stride, values, length, dimension, scale, cap,     \
      scores + h * score_stride, score_stride, out + h * dimension, count)
    switch (heads - h) {
    case 1: ATTEND(1); break;
#if HEADS_AT_ONCE > 2
    case 2: ATTEND(2); break;
    case 3: ATTEND(3); break;
#endif
    default: ATTEND(HEADS_AT_ONCE);
    }
#undef ATTEND
  }
}

static size_t NAME(argmax)(const float *x, size_t count) {
  float best = NAME(maximum)(x, count);
  for (size_t i = 0; i < count; i++)
    if (x[i] == best) return i;
  return 0;
}

static float NAME(log_sum_exp)(const float *x, size_t count) {
  float best = NAME(maximum)(x, count);
  // Summed in blocks, in double: a vocabulary is long enough for float32 to lose digits.
  float block[256];
  double total = 0;
  for (size_t i = 0; i < count; i += 256) {
    size_t size = count - i < 256 ? count - i : 256;
    memcpy(block, x + i, size * sizeof(float));
    total += NAME(exponentiate)(block, size, best);
  }
  return best + (float)log(total);
}

#include "training_body.h"

#undef VECTOR
#undef INTEGERS
#undef INLINE
