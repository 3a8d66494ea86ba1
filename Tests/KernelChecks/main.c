// Compares the kernels with the same sums in double, on shapes with and without remainders, for the instruction
// set in use (LOXEVAL_INSTRUCTIONS lowers it). A test runs it for each that the processor has, and
// Scripts/check-kernels for Arm too, under emulation where it must.
//
//   kernel-checks          ends with 1 and names the kernel where one is off
//   kernel-checks --time   also shows products in GFLOP/s, of one thread

#include "kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state = 0x9E3779B97F4A7C15u;
static int failures, checks;

/// Between -1 and 1.
static float draw(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (float)(int32_t)(state >> 32) * 0x1p-31f;
}

static float *drawn(size_t count, float size) {
  float *values = malloc((count + 16) * sizeof *values);
  for (size_t i = 0; i < count + 16; i++) values[i] = size * draw();
  return values;
}

static float widened(uint16_t half) {
  const uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static uint16_t narrowed(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// Notes a failure where `found` is further from `expected` than `tolerance` times `size`; NaN always is.
static void expect(const char *kernel, double found, double expected, double size, double tolerance) {
  checks++;
  if (fabs(found - expected) <= tolerance * size) return;
  if (failures++ < 20)
    printf("%s: expected %.9g, found %.9g (of size %.3g)\n", kernel, expected, found, size);
}

static void check_project(int element_type, size_t rows, size_t inputs, size_t outputs, int accumulate, int bfloat16) {
  float *x = drawn(rows * inputs, 1), *w = drawn(outputs * inputs, 1), *y = drawn(rows * outputs, 1);
  float *before = malloc(rows * outputs * sizeof *before);
  float *scratch = malloc(loxeval_project_scratch(inputs) * sizeof *scratch);
  float *operand = malloc(loxeval_bfloat16_operand(rows, inputs) * sizeof *operand);
  uint16_t *halves = malloc((outputs * inputs + 32) * sizeof *halves);
  memcpy(before, y, rows * outputs * sizeof *y);
  for (size_t i = 0; i < outputs * inputs; i++) {
    if (element_type == LOXEVAL_BFLOAT16) {
      halves[i] = narrowed(w[i]);
      w[i] = widened(halves[i]);
    } else if (element_type == LOXEVAL_FLOAT16) {
      _Float16 half = (_Float16)w[i];
      memcpy(halves + i, &half, 2);
      w[i] = (float)half;
    }
  }
  const void *weights = element_type == LOXEVAL_FLOAT32 ? (const void *)w : halves;
  // In two ranges, as threads take them.
  const size_t middle = outputs / 2;
  for (int part = 0; part < 2; part++) {
    const size_t begin = part ? middle : 0, end = part ? outputs : middle;
    if (bfloat16) {
      loxeval_prepare_bfloat16(x, inputs, 0, rows / 32 * 16, inputs, operand);
      loxeval_prepare_bfloat16(x, inputs, rows / 32 * 16, rows, inputs, operand);
      loxeval_project_bfloat16(
          operand, rows, weights, element_type, inputs, begin, end, y, outputs, accumulate, scratch);
    } else {
      loxeval_project(x, inputs, rows, weights, element_type, inputs, begin, end, y, outputs, accumulate, scratch);
    }
  }
  char name[100];
  snprintf(
      name, sizeof name, "%s of type %d, %zu x %zu x %zu", bfloat16 ? "project_bfloat16" : "project", element_type, rows,
      inputs, outputs);
  for (size_t m = 0; m < rows; m++)
    for (size_t n = 0; n < outputs; n++) {
      double sum = accumulate ? before[m * outputs + n] : 0, size = 1;
      for (size_t k = 0; k < inputs; k++) {
        double a = x[m * inputs + k], b = w[n * inputs + k];
        if (bfloat16) a = widened(narrowed((float)a)), b = widened(narrowed((float)b));
        sum += a * b;
        size += fabs(a * b);
      }
      expect(name, y[m * outputs + n], sum, size, 3e-7);
    }
  // A row alone has the bytes that it has among others.
  float *alone = malloc(outputs * sizeof *alone);
  memcpy(alone, before + (rows - 1) * outputs, outputs * sizeof *alone);
  const float *last = x + (rows - 1) * inputs;
  if (bfloat16) {
    loxeval_prepare_bfloat16(last, inputs, 0, 1, inputs, operand);
    loxeval_project_bfloat16(
        operand, 1, weights, element_type, inputs, 0, outputs, alone, outputs, accumulate, scratch);
  } else {
    loxeval_project(last, inputs, 1, weights, element_type, inputs, 0, outputs, alone, outputs, accumulate, scratch);
  }
  if (memcmp(alone, y + (rows - 1) * outputs, outputs * sizeof *alone) != 0) {
    failures++;
    printf("%s: a row alone has other bytes\n", name);
  }
  free(x), free(w), free(y), free(before), free(scratch), free(operand), free(halves), free(alone);
}

static void check_combine(size_t tall, size_t count, size_t width) {
  float *c = drawn(tall * count, 1), *a = drawn(count * width, 1), *z = drawn(tall * width, 1);
  float *before = malloc(tall * width * sizeof *before);
  memcpy(before, z, tall * width * sizeof *z);
  loxeval_combine_rows(c, count, tall, a, count, width, z);
  for (size_t r = 0; r < tall; r++)
    for (size_t j = 0; j < width; j++) {
      double sum = before[r * width + j];
      for (size_t i = 0; i < count; i++) sum += (double)c[r * count + i] * a[i * width + j];
      expect("combine_rows", z[r * width + j], sum, count, 3e-7);
    }
  free(c), free(a), free(z), free(before);
}

static void check_products(void) {
  const int types[] = {LOXEVAL_FLOAT32, LOXEVAL_FLOAT16, LOXEVAL_BFLOAT16};
  const size_t rows[] = {1, 2, 7, 9, 16, 129}, inputs[] = {1, 31, 64, 77, 192}, outputs[] = {1, 5, 96, 101};
  for (int t = 0; t < 3; t++)
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
      for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++)
          for (int accumulate = 0; accumulate < 2; accumulate++)
            for (int bfloat16 = 0; bfloat16 < 2; bfloat16++)
              check_project(types[t], rows[r], inputs[i], outputs[o], accumulate, bfloat16);

  // Within one block of it and over several, and rows as long as a power of two.
  check_combine(5, 43, 69);
  check_combine(13, 131, 1100);
  check_combine(8, 66, 2048);
  const size_t count = 43, width = 69;
  float *c = drawn(201, 1), *a = drawn(count * width, 1);
  float *y = drawn(width, 1), *old = malloc(width * sizeof *old);
  memcpy(old, y, width * sizeof *y);
  loxeval_add_low_rank(c, count, a, width, 3, width - 2, y);
  for (size_t n = 0; n < width; n++) {
    double sum = old[n];
    for (size_t r = 0; r < count && n >= 3 && n < width - 2; r++) sum += (double)c[r] * a[r * width + n];
    expect("add_low_rank", y[n], sum, count, 3e-7);
  }
  expect("dot", loxeval_dot(c, a, 201), ({
           double sum = 0;
           for (int i = 0; i < 201; i++) sum += (double)c[i] * a[i];
           sum;
         }), 100, 3e-7);
  free(c), free(a), free(y), free(old);
}

/// Products of packed sides, each stored either way round, in parts as threads take them; the right one dithered too.
static void check_packed(size_t rows, size_t columns, size_t inner, int kind) {
  const int left_lines = kind & 1, right_lines = kind >> 1 & 1, accumulate = kind >> 2 & 1, dithers = kind >> 3;
  float *a = drawn(rows * inner, 1), *b = drawn(inner * columns, 1), *c = drawn(rows * columns, 1);
  float *before = malloc(rows * columns * sizeof *before);
  memcpy(before, c, rows * columns * sizeof *c);
  uint16_t *left = malloc(2 * loxeval_packed_size(rows, inner)), *right = malloc(2 * loxeval_packed_size(columns, inner));
  const size_t half = rows / 32 * 16, middle = columns / 32 * 16;
  loxeval_pack_bfloat16(a, left_lines ? inner : rows, left_lines, 0, 0, half, inner, -1, left);
  loxeval_pack_bfloat16(a, left_lines ? inner : rows, left_lines, 0, half, rows, inner, -1, left);
  loxeval_pack_bfloat16(b, right_lines ? inner : columns, right_lines, 1, 0, columns, inner, dithers ? 40000 : -1, right);
  float *read = malloc(columns * inner * sizeof *read);
  const size_t width = right_lines ? inner : columns;
  for (size_t row = 0; row * width < columns * inner; row++)
    if (dithers)
      loxeval_dither_to_bfloat16(b + row * width, row, width, 40000, read + row * width);
    else
      loxeval_round_to_bfloat16(b + row * width, width, read + row * width);
  loxeval_multiply_packed(left, right, 0, half, 0, columns, inner, 0.5f, c, columns, accumulate);
  loxeval_multiply_packed(left, right, half, rows, 0, middle, inner, 0.5f, c, columns, accumulate);
  loxeval_multiply_packed(left, right, half, rows, middle, columns, inner, 0.5f, c, columns, accumulate);
  char name[100];
  snprintf(name, sizeof name, "multiply_packed, %zu x %zu x %zu, %d", rows, columns, inner, kind);
  for (size_t m = 0; m < rows; m++)
    for (size_t n = 0; n < columns; n++) {
      double sum = accumulate ? before[m * columns + n] : 0, size = 1;
      for (size_t k = 0; k < inner; k++) {
        const double x = widened(narrowed(left_lines ? a[m * inner + k] : a[k * rows + m]));
        const double y = right_lines ? read[n * inner + k] : read[k * columns + n];
        sum += 0.5 * x * y;
        size += fabs(x * y);
      }
      expect(name, c[m * columns + n], sum, size, 3e-7);
    }
  free(a), free(b), free(c), free(before), free(left), free(right), free(read);
}

static void check_packed_products(void) {
  const size_t sides[] = {1, 15, 16, 40, 97}, inners[] = {1, 2, 31, 64, 99};
  for (size_t r = 0; r < 5; r++)
    for (size_t c = 0; c < 5; c++)
      for (size_t i = 0; i < 5; i++)
        for (int kind = 0; kind < 16; kind++) check_packed(sides[r], sides[c], inners[i], kind);
}

/// Each number becomes one of its neighbours, and on the mean over a few of them what it was, at any threshold.
static void check_dither(void) {
  enum { SIDE = 32 };
  float x[SIDE * SIDE], y[SIDE * SIDE];
  for (int part = 0; part <= 16; part++) {
    // Between two neighbours, 1/128 apart.
    const float value = (part % 2 ? -1 : 1) * (1 + part / 2048.0f);
    for (int i = 0; i < SIDE * SIDE; i++) x[i] = value;
    for (int dither = 0; dither < 65536; dither += 8191) {
      double sum = 0;
      for (int row = 0; row < SIDE; row++) {
        loxeval_dither_to_bfloat16(x + row * SIDE, row, SIDE, dither, y + row * SIDE);
        double across = 0;
        for (int i = 0; i < SIDE; i++) {
          const float size = fabsf(y[row * SIDE + i]);
          expect("dither, a neighbour", (size - 1) * (size - 1.0078125f), 0, 1, 0);
          across += y[row * SIDE + i];
        }
        expect("dither, a row's mean", across / SIDE, value, 1.0 / 128, 0.15);
        sum += across;
      }
      expect("dither, the mean", sum / (SIDE * SIDE), value, 1.0 / 128, 0.01);
    }
  }
  const float special[] = {0.0f, -0.0f, 1.5f, INFINITY, -INFINITY, NAN};
  for (int dither = 0; dither < 65536; dither += 4095) {
    loxeval_dither_to_bfloat16(special, 5, 6, dither, y);
    checks++;
    if (memcmp(special, y, 5 * sizeof *y) != 0 || !isnan(y[5])) failures++, printf("dither: special values\n");
  }
}

static void check_values(void) {
  // Every pattern of the two-byte types.
  uint16_t *halves = malloc(65536 * sizeof *halves);
  float *floats = malloc(65536 * sizeof *floats);
  for (int i = 0; i < 65536; i++) halves[i] = (uint16_t)i;
  loxeval_widen(halves, LOXEVAL_BFLOAT16, 65536, floats);
  for (int i = 0; i < 65536; i++) {
    const float expected = widened((uint16_t)i);
    checks++;
    if (memcmp(floats + i, &expected, 4) != 0) failures++, printf("widen: bfloat16 %04x\n", i);
  }
  loxeval_widen(halves, LOXEVAL_FLOAT16, 65536, floats);
  for (int i = 0; i < 65536; i++) {
    _Float16 half;
    memcpy(&half, halves + i, 2);
    checks++;
    if (!(isnan((float)half) && isnan(floats[i])) && (float)half != floats[i])
      failures++, printf("widen: float16 %04x\n", i);
  }
  // Of the prepared operand a product with 1 shows what it was rounded to.
  const uint16_t one = narrowed(1);
  const float hard[] = {0, -0.0f, 1.00390625f, 1.01171875f, 3.3e38f, 1e-30f, 0.33333334f, -7.77f, 65280.5f};
  for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
    float operand[512], y[1], scratch[48 * 32];
    loxeval_prepare_bfloat16(hard + i, 1, 0, 1, 1, operand);
    loxeval_project_bfloat16(operand, 1, &one, LOXEVAL_BFLOAT16, 1, 0, 1, y, 1, 0, scratch);
    expect("prepare_bfloat16", y[0], widened(narrowed(hard[i])), fabs(hard[i]), 0);
    // No rows leave everything as it is.
    loxeval_project_bfloat16(operand, 0, &one, LOXEVAL_BFLOAT16, 1, 0, 1, y, 1, 0, scratch);
    loxeval_project(hard, 1, 0, &one, LOXEVAL_BFLOAT16, 1, 0, 1, y, 1, 0, scratch);
    expect("project without rows", y[0], widened(narrowed(hard[i])), fabs(hard[i]), 0);
  }
  free(halves), free(floats);
}

static void check_rows(void) {
  for (size_t count = 1; count <= 67; count += 11) {
    float *x = drawn(count, 3), *gain = drawn(count, 1), *y = drawn(count, 1), *up = drawn(count, 1);
    double squares = 0;
    for (size_t i = 0; i < count; i++) squares += (double)x[i] * x[i];
    loxeval_rms_norm(x, gain, count, 1e-5f, y);
    for (size_t i = 0; i < count; i++)
      expect("rms_norm", y[i], x[i] / sqrt(squares / count + 1e-5) * gain[i], 2, 5e-7);
    float *z = malloc(count * sizeof *z);
    for (int kind = 0; kind < 3; kind++) {
      memcpy(z, x, count * sizeof *z);
      (kind == 0 ? loxeval_silu_multiply : kind == 1 ? loxeval_gelu_multiply : loxeval_erf_gelu_multiply)(z, up, count);
      for (size_t i = 0; i < count; i++) {
        const double v = x[i];
        const double share = kind == 0   ? 1 / (1 + exp(-v))
                             : kind == 1 ? (1 + tanh(sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))) / 2
                                         : (1 + erf(v / sqrt(2))) / 2;
        expect(kind == 0 ? "silu" : kind == 1 ? "gelu" : "erf_gelu", z[i], v * share * up[i], 3, 1e-6);
      }
    }
    memcpy(z, x, count * sizeof *z);
    loxeval_soft_cap(z, count, 0.7f, 2.5f);
    for (size_t i = 0; i < count; i++) expect("soft_cap", z[i], 2.5 * tanh(0.7 * x[i] / 2.5), 2.5, 1e-6);
    double exponents = 0;
    size_t best = 0;
    for (size_t i = 0; i < count; i++) exponents += exp(x[i]), best = x[i] > x[best] ? i : best;
    expect("log_sum_exp", loxeval_log_sum_exp(x, count), log(exponents), 4, 1e-6);
    expect("argmax", loxeval_argmax(x, count), best, 1, 0);
    memcpy(z, x, count * sizeof *z);
    expect("cross_entropy", loxeval_cross_entropy(z, count, count / 2, 2), x[count / 2] - log(exponents), 6, 1e-6);
    for (size_t i = 0; i < count; i++)
      expect("cross_entropy's gradient", z[i], 2 * (exp(x[i]) / exponents - (i == count / 2)), 2, 1e-6);
    // The first of equals wins, and what is no number never does.
    z[0] = NAN;
    z[count - 1] = z[count / 2] = 1e9f;
    expect("argmax of equals", loxeval_argmax(z, count), count / 2, 1, 0);
    for (size_t i = 0; i < count; i++) z[i] = x[i] + 500;
    expect("log_sum_exp of large numbers", loxeval_log_sum_exp(z, count), 500 + log(exponents), 500, 2e-7);
    expect("squared_norm", loxeval_squared_norm(x, count), squares, squares, 3e-7);
    free(x), free(gain), free(y), free(up), free(z);
  }
  for (int i = -1000; i <= 1000; i++) {
    const float v = 0.1f * i, two = 2;
    float z = v;
    loxeval_silu_multiply(&z, &two, 1);
    const double expected = 2 * (double)v / (1 + exp(-(double)v));
    expect("silu far out", z, expected, fabs(expected) + 1e-23, 4e-7);
  }
}

static void check_attention(void) {
  const size_t dimension = 24, stride = 208;
  for (size_t heads = 1; heads <= 7; heads++)
    for (size_t length = 1; length <= 200; length += length < 60 ? 7 : 47) {
      float *queries = drawn(heads * dimension, 1), *keys = drawn(dimension * stride, 1);
      float *values = drawn(stride * dimension, 1), *scores = drawn(heads * stride, 1);
      float *out = drawn(heads * dimension, 1), *alone = drawn(dimension, 1);
      for (int capped = 0; capped < 2; capped++) {
        const float cap = capped ? 1.5f : 0;
        loxeval_attend(
            queries, heads, keys, stride, values, length, dimension, 0.3f, cap, scores, stride, out);
        for (size_t h = 0; h < heads; h++) {
          const float *query = queries + h * dimension;
          double shares[208], total = 0;
          for (size_t t = 0; t < length; t++) {
            double score = 0;
            for (size_t d = 0; d < dimension; d++) score += (double)query[d] * keys[d * stride + t];
            score *= 0.3;
            total += shares[t] = exp(capped ? 1.5 * tanh(score / 1.5) : score);
          }
          loxeval_attend(
              query, 1, keys, stride, values, length, dimension, 0.3f, cap, scores, stride, alone);
          for (size_t d = 0; d < dimension; d++) {
            double sum = 0;
            for (size_t t = 0; t < length; t++) sum += shares[t] / total * values[t * dimension + d];
            expect("attend", out[h * dimension + d], sum, 1, 2e-6);
            expect("attend, a head alone", out[h * dimension + d], alone[d], 0, 0);
          }
        }
      }
      free(queries), free(keys), free(values), free(scores), free(out), free(alone);
    }
}

static void check_optimiser(void) {
  const size_t count = 37;
  float *w = drawn(count, 1), *g = drawn(count, 1), *m = drawn(count, 0.1f), *v = drawn(count, 0.1f);
  float *before = malloc(3 * count * sizeof *before);
  for (size_t i = 0; i < count; i++) {
    v[i] = fabsf(v[i]);
    before[3 * i] = w[i], before[3 * i + 1] = m[i], before[3 * i + 2] = v[i];
  }
  loxeval_adamw(w, g, m, v, count, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.19f, 0.002f);
  for (size_t i = 0; i < count; i++) {
    const double slope = 0.5 * g[i], mean = 0.9f * before[3 * i + 1] + (1 - 0.9f) * slope;
    const double square = 0.999f * before[3 * i + 2] + (1 - 0.999f) * slope * slope;
    const double expected =
        before[3 * i] * (1 - 1e-2f * 0.1f) - 1e-2f * (mean / 0.19f) / (sqrt(square / 0.002f) + 1e-8);
    expect("adamw", w[i], expected, 1, 1e-6);
  }
  free(w), free(g), free(m), free(v), free(before);
}

/// The means of 8 bits as the header says that they stand there.
static void decode(
    const int8_t *m, const uint8_t *v, const float *scales, size_t count, float *means, float *squares) {
  for (size_t i = 0; i < count; i++) {
    const float *scale = scales + i / LOXEVAL_MOMENT_BLOCK * 2;
    const double c = m[i] / 127.0, d = v[i] / 255.0;
    means[i] = (float)(scale[0] * c * fabs(c));
    squares[i] = (float)(scale[1] * d * d * d * d);
  }
}

static void check_small_optimiser(void) {
  // More than a block, and a part of one.
  enum { COUNT = LOXEVAL_MOMENT_BLOCK + 37, DRAWS = 4000 };
  const size_t blocks = 2;
  float *w = drawn(COUNT, 1), *g = drawn(COUNT, 1), *next = drawn(COUNT, 1);
  float *means = calloc(COUNT, sizeof *means), *squares = calloc(COUNT, sizeof *squares);
  float *found = malloc(COUNT * sizeof *found), *root = malloc(COUNT * sizeof *root);
  float *scales = calloc(2 * blocks, sizeof *scales), *other = malloc(COUNT * sizeof *other);
  int8_t *m = calloc(COUNT, 1);
  uint8_t *v = calloc(COUNT, 1);
  double *first = calloc(COUNT, sizeof *first), *second = calloc(COUNT, sizeof *second);
  g[5] = 0;
  g[6] *= 1e-4f;
  memcpy(other, w, COUNT * sizeof *other);

  // Of no means a step is AdamW's.
  loxeval_adamw(
      other, g, means, squares, COUNT, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.001f);
  loxeval_adamw_8bit(
      w, g, m, v, scales, COUNT, 1, 7, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.001f);
  for (size_t i = 0; i < COUNT; i++) expect("adamw_8bit, first step", w[i], other[i], 1, 1e-6);

  // What it leaves is near, and on the mean over chances the same.
  decode(m, v, scales, COUNT, found, root);
  for (size_t i = 0; i < COUNT; i++) {
    const float *scale = scales + i / LOXEVAL_MOMENT_BLOCK * 2;
    expect("adamw_8bit, mean", found[i], means[i], scale[0], 0.016);
    expect("adamw_8bit, square", root[i], squares[i], scale[1], 0.016);
    if (g[i] == 0) {
      expect("adamw_8bit, no gradient", m[i], 0, 1, 0);
      expect("adamw_8bit, no gradient", v[i], 0, 1, 0);
    } else if (v[i] == 0) {
      expect("adamw_8bit, a mean that is divided by", v[i], 1, 1, 0);
    }
  }
  for (uint32_t draw = 0; draw < DRAWS; draw++) {
    float fresh[4] = {0};
    memset(m, 0, COUNT);
    memset(v, 0, COUNT);
    loxeval_adamw_8bit(
        next, g, m, v, fresh, COUNT, draw, 7, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.001f);
    decode(m, v, fresh, COUNT, found, root);
    for (size_t i = 0; i < COUNT; i++) first[i] += found[i], second[i] += root[i];
  }
  for (size_t i = 0; i < COUNT; i++) {
    const float *scale = scales + i / LOXEVAL_MOMENT_BLOCK * 2;
    // Five standard errors of a choice between neighbours 1.6 % apart.
    expect("adamw_8bit, mean of chances", first[i] / DRAWS, means[i], scale[0], 7e-4);
    expect("adamw_8bit, mean of chances", second[i] / DRAWS, squares[i], scale[1], 7e-4);
  }

  // A further step goes on from what was left, and a number's chance does not depend on where the work is cut.
  float whole[4], cut[4];
  memcpy(whole, scales, sizeof whole);
  memcpy(cut, scales, sizeof cut);
  int8_t *m2 = malloc(COUNT);
  uint8_t *v2 = malloc(COUNT);
  float *w2 = malloc(COUNT * sizeof *w2);
  memcpy(m2, m, COUNT), memcpy(v2, v, COUNT), memcpy(w2, w, COUNT * sizeof *w2);
  decode(m, v, scales, COUNT, means, squares);
  memcpy(other, w, COUNT * sizeof *other);
  loxeval_adamw(
      other, g, means, squares, COUNT, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.19f, 0.002f);
  loxeval_adamw_8bit(
      w, g, m, v, whole, COUNT, 2, 7, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.19f, 0.002f);
  const size_t half = LOXEVAL_MOMENT_BLOCK;
  loxeval_adamw_8bit(
      w2, g, m2, v2, cut, half, 2, 7, 0.5f, 1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.19f, 0.002f);
  loxeval_adamw_8bit(
      w2 + half, g + half, m2 + half, v2 + half, cut + 2, COUNT - half, 2, 7 + (uint32_t)half, 0.5f,
      1e-2f, 0.1f, 0.9f, 0.999f, 1e-8f, 0.19f, 0.002f);
  for (size_t i = 0; i < COUNT; i++) {
    expect("adamw_8bit, second step", w[i], other[i], 1, 1e-6);
    expect("adamw_8bit, cut", w2[i], w[i], 1, 0);
    expect("adamw_8bit, cut", m2[i], m[i], 1, 0);
    expect("adamw_8bit, cut", v2[i], v[i], 1, 0);
  }
  free(w), free(g), free(next), free(means), free(squares), free(found), free(root), free(scales);
  free(other), free(m), free(v), free(first), free(second), free(m2), free(v2), free(w2);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

/// Products of a layer of SmolLM2's shape, in GFLOP/s of one thread: the best of some seconds.
static void measure(size_t rows) {
  const size_t inputs = 576, outputs = 1536;
  float *x = drawn(rows * inputs, 1), *y = drawn(rows * outputs, 1), *w = drawn(outputs * inputs, 1);
  float *scratch = malloc(loxeval_project_scratch(inputs) * sizeof *scratch);
  float *operand = malloc(loxeval_bfloat16_operand(rows, inputs) * sizeof *operand);
  uint16_t *halves = malloc(outputs * inputs * sizeof *halves);
  for (size_t i = 0; i < outputs * inputs; i++) halves[i] = narrowed(w[i]);
  for (int bfloat16 = 0; bfloat16 < 2; bfloat16++) {
    double best = 1e9;
    for (int round = 0; round < 20; round++) {
      const int repeats = 1 + 4000 / (int)rows / 4;
      const double begin = seconds();
      for (int i = 0; i < repeats; i++) {
        if (bfloat16) {
          loxeval_prepare_bfloat16(x, inputs, 0, rows, inputs, operand);
          loxeval_project_bfloat16(
              operand, rows, halves, LOXEVAL_BFLOAT16, inputs, 0, outputs, y, outputs, 0, scratch);
        } else {
          loxeval_project(x, inputs, rows, halves, LOXEVAL_BFLOAT16, inputs, 0, outputs, y, outputs, 0, scratch);
        }
      }
      const double spent = (seconds() - begin) / repeats;
      best = spent < best ? spent : best;
    }
    printf(
        "%4zu rows, %s: %.1f GFLOP/s\n", rows, bfloat16 ? "bfloat16" : "float32 ", 2e-9 * rows * inputs * outputs / best);
  }
  free(x), free(y), free(w), free(scratch), free(operand), free(halves);
}

/// A product of a training of SmolLM2's shape, with its packing.
static void measure_packed(void) {
  const size_t rows = 1024, inner = 576, columns = 1536;
  float *a = drawn(rows * inner, 1), *b = drawn(inner * columns, 1), *c = drawn(rows * columns, 1);
  uint16_t *left = malloc(2 * loxeval_packed_size(rows, inner)), *right = malloc(2 * loxeval_packed_size(columns, inner));
  for (int kind = 0; kind < 4; kind++) {
    double best = 1e9, packing = 1e9;
    for (int round = 0; round < 20; round++) {
      const double begin = seconds();
      loxeval_pack_bfloat16(a, kind & 1 ? inner : rows, kind & 1, 0, 0, rows, inner, -1, left);
      loxeval_pack_bfloat16(b, kind >> 1 ? inner : columns, kind >> 1, 1, 0, columns, inner, -1, right);
      const double packed = seconds();
      loxeval_multiply_packed(left, right, 0, rows, 0, columns, inner, 1, c, columns, 0);
      const double spent = seconds() - begin;
      if (spent < best) best = spent, packing = packed - begin;
    }
    printf(
        "packed, kind %d: %.1f GFLOP/s, of the time %.0f %% packing\n", kind, 2e-9 * rows * inner * columns / best,
        100 * packing / best);
  }
  free(a), free(b), free(c), free(left), free(right);
}

int main(int count, char **words) {
  check_values();
  check_products();
  check_dither();
  if (loxeval_packs_bfloat16()) check_packed_products();
  check_rows();
  check_attention();
  check_optimiser();
  check_small_optimiser();
  printf(
      "%s, bfloat16 by %s: %d values compared, %d wrong\n", loxeval_instruction_set(),
      loxeval_bfloat16_instruction_set(), checks, failures);
  if (count > 1 && strcmp(words[1], "--time") == 0)
    for (size_t rows = 1; rows <= 1024; rows *= 4) measure(rows);
  if (count > 1 && loxeval_packs_bfloat16()) measure_packed();
  return failures > 0;
}
