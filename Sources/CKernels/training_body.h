// Included by kernels_body.h for each instruction set.
//
// Training: what the backward pass and the optimiser do row by row. These sums run in one order too,
// so that training gives the same bits at a given number of threads.

static float NAME(dot)(const float *x, const float *y, size_t count) {
  VECTOR sums = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) sums += NAME(load)(x + i) * NAME(load)(y + i);
  float sum = NAME(sum)(sums);
  for (; i < count; i++) sum += x[i] * y[i];
  return sum;
}

static void NAME(rms_norm_backward)(
    const float *x, const float *gain, const float *dy, size_t count, float epsilon, float *dx,
    float *dgain) {
  float inverse = 1.0f / sqrtf(NAME(dot)(x, x, count) / (float)count + epsilon);
  float projected = 0;
  VECTOR sums = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    sums += NAME(load)(x + i) * NAME(load)(gain + i) * NAME(load)(dy + i);
  projected = NAME(sum)(sums);
  for (; i < count; i++) projected += x[i] * gain[i] * dy[i];
  float along = projected * inverse * inverse * inverse / (float)count;
  for (i = 0; i < count; i++) dx[i] += inverse * gain[i] * dy[i] - along * x[i];
  if (dgain)
    for (i = 0; i < count; i++) dgain[i] += dy[i] * x[i] * inverse;
}

INLINE void NAME(silu_backward_vector)(float *gate, float *up, VECTOR d) {
  VECTOR g = NAME(load)(gate), u = NAME(load)(up);
  VECTOR sigmoid = 1.0f / (1.0f + NAME(exponential)(-g));
  *(VECTOR *)gate = d * u * sigmoid * (1.0f + g * (1.0f - sigmoid));
  *(VECTOR *)up = d * g * sigmoid;
}

static void NAME(silu_backward)(float *gate, float *up, const float *d, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    NAME(silu_backward_vector)(gate + i, up + i, NAME(load)(d + i));
  if (i == count) return;
  float g[LANES] = {0}, u[LANES] = {0};
  const size_t bytes = (count - i) * sizeof(float);
  memcpy(g, gate + i, bytes);
  memcpy(u, up + i, bytes);
  NAME(silu_backward_vector)(g, u, NAME(load_partial)(d + i, count - i));
  memcpy(gate + i, g, bytes);
  memcpy(up + i, u, bytes);
}

INLINE void NAME(gelu_backward_vector)(float *gate, float *up, VECTOR d) {
  VECTOR g = NAME(load)(gate), u = NAME(load)(up);
  VECTOR share = 1.0f / (1.0f + NAME(exponential)(-NAME(gelu_argument)(g)));
  VECTOR slope = 1.5957691216057308f * (1.0f + 3 * 0.044715f * g * g);
  *(VECTOR *)gate = d * u * share * (1.0f + g * (1.0f - share) * slope);
  *(VECTOR *)up = d * g * share;
}

static void NAME(gelu_backward)(float *gate, float *up, const float *d, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    NAME(gelu_backward_vector)(gate + i, up + i, NAME(load)(d + i));
  if (i == count) return;
  float g[LANES] = {0}, u[LANES] = {0};
  const size_t bytes = (count - i) * sizeof(float);
  memcpy(g, gate + i, bytes);
  memcpy(u, up + i, bytes);
  NAME(gelu_backward_vector)(g, u, NAME(load_partial)(d + i, count - i));
  memcpy(gate + i, g, bytes);
  memcpy(up + i, u, bytes);
}

static void NAME(soft_cap_backward)(
    const float *capped, size_t count, float scale, float cap, float *d) {
  const float inverse = 1.0f / cap;
  for (size_t i = 0; i < count; i++) {
    float tanh = capped[i] * inverse;
    d[i] *= scale * (1.0f - tanh * tanh);
  }
}

static void NAME(softmax)(float *scores, size_t valid, size_t padded, float scale) {
  for (size_t i = 0; i < valid; i++) scores[i] *= scale;
  float share = 1.0f / NAME(exponentiate)(scores, valid, NAME(maximum)(scores, valid));
  for (size_t i = 0; i < valid; i++) scores[i] *= share;
  for (size_t i = valid; i < padded; i++) scores[i] = 0;
}

static void NAME(softmax_backward)(
    const float *shares, float *d, size_t count, float along, float scale) {
  for (size_t i = 0; i < count; i++) d[i] = shares[i] * (d[i] - along) * scale;
}

static float NAME(cross_entropy)(float *logits, size_t count, size_t label, float weight) {
  float best = NAME(maximum)(logits, count);
  float chosen = logits[label];
  // Summed in blocks, in double, as in log_sum_exp.
  double total = 0;
  for (size_t i = 0; i < count; i += 256)
    total += NAME(exponentiate)(logits + i, count - i < 256 ? count - i : 256, best);
  float share = (float)(weight / total);
  for (size_t i = 0; i < count; i++) logits[i] *= share;
  logits[label] -= weight;
  return chosen - best - (float)log(total);
}

static double NAME(squared_norm)(const float *x, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i += 1024)
    total += NAME(dot)(x + i, x + i, count - i < 1024 ? count - i : 1024);
  return total;
}

static void NAME(adamw)(
    float *w, const float *g, float *m, float *v, size_t count, float gradient_scale, float rate,
    float decay, float beta1, float beta2, float epsilon, float correction1, float correction2) {
  const float step = rate / correction1, root = 1.0f / sqrtf(correction2);
  for (size_t i = 0; i < count; i++) {
    float gradient = g[i] * gradient_scale;
    m[i] = beta1 * m[i] + (1 - beta1) * gradient;
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    w[i] = w[i] * (1 - rate * decay) - step * m[i] / (sqrtf(v[i]) * root + epsilon);
  }
}

/// A well-mixed 32-bit hash of a counter (the finaliser of MurmurHash3): enough for dropout
/// and for rounding by chance.
INLINE uint32_t NAME(mixed)(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  return h ^ (h >> 16);
}

/// A share in [0, 1] as the code c of `top` whose value is (c / top)^2, or ^4 where `is_fourth`: one of its two
/// neighbours, by chance, so that its mean is the share.
INLINE float NAME(moment_code)(float share, const float top, const int is_fourth, float chance) {
  const float root = is_fourth ? sqrtf(sqrtf(share)) : sqrtf(share);
  float below = (float)(int32_t)(root * top);
  below = below < top - 1 ? below : top - 1;
  const float low = below / top, high = (below + 1) / top;
  const float least = is_fourth ? low * low * low * low : low * low;
  const float most = is_fourth ? high * high * high * high : high * high;
  return share - least > chance * (most - least) ? below + 1 : below;
}

static void NAME(adamw_8bit)(
    float *w, const float *g, int8_t *m, uint8_t *v, float *scales, size_t count, uint32_t key,
    uint32_t begin, float gradient_scale, float rate, float decay, float beta1, float beta2,
    float epsilon, float correction1, float correction2) {
  float means[LOXEVAL_MOMENT_BLOCK], squares[LOXEVAL_MOMENT_BLOCK];
  for (size_t block = 0; block < count; block += LOXEVAL_MOMENT_BLOCK) {
    const size_t left = count - block;
    const size_t size = left < LOXEVAL_MOMENT_BLOCK ? left : LOXEVAL_MOMENT_BLOCK;
    int8_t *first = m + block;
    uint8_t *second = v + block;
    float *scale = scales + block / LOXEVAL_MOMENT_BLOCK * 2;
    for (size_t i = 0; i < size; i++) {
      const float c = (float)first[i] * (1.0f / 127), d = (float)second[i] * (1.0f / 255);
      means[i] = scale[0] * c * fabsf(c);
      squares[i] = scale[1] * (d * d) * (d * d);
    }
    NAME(adamw)(
        w + block, g + block, means, squares, size, gradient_scale, rate, decay, beta1, beta2,
        epsilon, correction1, correction2);
    float most = 0, largest = 0;
    for (size_t i = 0; i < size; i++) {
      most = fabsf(means[i]) > most ? fabsf(means[i]) : most;
      largest = squares[i] > largest ? squares[i] : largest;
    }
    scale[0] = most;
    scale[1] = largest;
    const float to_mean = most > 0 ? 1 / most : 0, to_square = largest > 0 ? 1 / largest : 0;
    for (size_t i = 0; i < size; i++) {
      const uint32_t bits = NAME(mixed)(NAME(mixed)(begin + (uint32_t)(block + i)) ^ key);
      const float share = fabsf(means[i]) * to_mean;
      const float code = NAME(moment_code)(
          share < 1 ? share : 1, 127, 0, (float)(bits & 0xFFFF) * 0x1p-16f);
      first[i] = (int8_t)(means[i] < 0 ? -code : code);
      const float square = squares[i] * to_square;
      const float other = NAME(moment_code)(
          square < 1 ? square : 1, 255, 1, (float)(bits >> 16) * 0x1p-16f);
      // A mean is divided by this one's root: it is never 0 where there was a gradient.
      second[i] = (uint8_t)(square > 0 && other < 1 ? 1 : other);
    }
  }
}

static void NAME(add_scaled)(const float *x, float factor, size_t count, float *y) {
  for (size_t i = 0; i < count; i++) y[i] += factor * x[i];
}

static void NAME(dropout)(
    const float *x, size_t count, uint32_t key, uint32_t begin, float share, float *y) {
  const uint32_t limit = (uint32_t)(share * 4294967296.0);
  const float kept = 1.0f / (1.0f - share);
  for (size_t i = 0; i < count; i++)
    y[i] = NAME(mixed)(NAME(mixed)(begin + (uint32_t)i) ^ key) < limit ? 0 : x[i] * kept;
}
