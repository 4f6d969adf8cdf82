/*===- numbers.c - attention through the C interface, against a naive loop ----===*/

#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { b = 2, sq = 37, skv = 53, h = 4, g = 2, d = 16, e = 24 };

static const double exact = 1e-5; /* f32 throughout, numbers of about one */

typedef struct operands {
  float q[b * sq * h * d], k[b * skv * g * d], v[b * skv * g * e];
  float out[b * sq * h * e], lse[b * h * sq];
  double out_expected[b * sq * h * e], lse_expected[b * h * sq];
} operands;

static operands *make_operands(void) {
  operands *o = malloc(sizeof(operands));
  fill(o->q, b * sq * h * d, 1);
  fill(o->k, b * skv * g * d, 2);
  fill(o->v, b * skv * g * e, 3);
  for (int i = 0; i < b * sq * h * e; ++i)
    o->out[i] = NAN;
  for (int i = 0; i < b * h * sq; ++i)
    o->lse[i] = NAN;
  return o;
}

/* Every batch of `like`, whose operands are filled in here. */
static void expect(operands *o, naive_call like) {
  like.sq = sq, like.skv = skv, like.h = h, like.g = g, like.d = d, like.e = e;
  for (int i = 0; i < b; ++i) {
    like.q = o->q + i * sq * h * d;
    like.k = o->k + i * skv * g * d;
    like.v = o->v + i * skv * g * e;
    naive(&like, o->out_expected + i * sq * h * e, o->lse_expected + i * h * sq);
  }
}

static void run_and_compare(tessera_engine *engine, operands *o, tessera_attention call,
                            naive_call like) {
  tensor_box q, k, v, out, lse;
  tessera_error *error = NULL;
  expect(o, like);
  call.q = tensor(&q, o->q, TESSERA_F32, 4, b, sq, h, d);
  call.k = tensor(&k, o->k, TESSERA_F32, 4, b, skv, g, d);
  call.v = tensor(&v, o->v, TESSERA_F32, 4, b, skv, g, e);
  call.out = tensor(&out, o->out, TESSERA_F32, 4, b, sq, h, e);
  call.lse = tensor(&lse, o->lse, TESSERA_F32, 3, b, h, sq, 0);
  CHECK_DONE(tessera_attention_run(engine, &call, &error), error);
  CHECK_CLOSE(o->out, o->out_expected, b * sq * h * e, exact);
  CHECK_CLOSE(o->lse, o->lse_expected, b * h * sq, exact);
}

/* Each field of a call, by itself and with those it belongs to. */
void test_numbers(tessera_engine *engine) {
  operands *o = make_operands();
  static const float sinks[h] = {0.5f, -1, 2, -INFINITY}, slopes[h] = {0.25f, 0.5f, 0.125f, 1};
  tensor_box sinks_box, slopes_box;
  naive_call like;
  const naive_call plain = {0};

  tessera_attention call = TESSERA_INIT(tessera_attention);
  const tessera_attention none = call;
  run_and_compare(engine, o, call, plain);

  call.target = "host";
  call.has_scale = 1;
  call.scale = 0.7f;
  like = plain;
  like.scale = 0.7f;
  run_and_compare(engine, o, call, like);

  call = none;
  call.causal = 1;
  like = plain;
  like.causal = 1;
  run_and_compare(engine, o, call, like);
  call.top_left = 1;
  like.top_left = 1;
  run_and_compare(engine, o, call, like);

  call = none;
  call.has_window_left = 1;
  call.window_left = 3;
  like = plain;
  like.has_left = 1;
  like.left = 3;
  run_and_compare(engine, o, call, like);
  call.has_window_right = 1; /* of 0: nothing after the position */
  like.has_right = 1;
  run_and_compare(engine, o, call, like);
  call.sink_tokens = 5;
  like.sink_tokens = 5;
  run_and_compare(engine, o, call, like);
  call.window_right = 7;
  call.causal = 1;
  like.right = 7;
  like.causal = 1;
  run_and_compare(engine, o, call, like);

  call = none;
  call.softcap = 0.8f;
  like = plain;
  like.softcap = 0.8f;
  run_and_compare(engine, o, call, like);

  call = none;
  call.sink_logits = tensor(&sinks_box, sinks, TESSERA_F32, 1, h, 0, 0, 0);
  like = plain;
  like.sinks = sinks;
  run_and_compare(engine, o, call, like);

  call = none;
  call.alibi_slopes = tensor(&slopes_box, slopes, TESSERA_F32, 1, h, 0, 0, 0);
  like = plain;
  like.slopes = slopes;
  run_and_compare(engine, o, call, like);

  call = none;
  call.checked = 1;
  call.block_m = 8;
  call.block_n = 16;
  run_and_compare(engine, o, call, plain);
  free(o);
}

/* The same queries, heads before rows in memory. */
static void test_strides(tessera_engine *engine) {
  operands *o = make_operands();
  const naive_call plain = {0};
  float *q = malloc(sizeof(o->q));
  int64_t strides[4] = {sq * h * d, d, sq * d, 1};
  tensor_box qb, kb, vb, ob;
  tessera_error *error = NULL;
  tessera_attention call = TESSERA_INIT(tessera_attention);
  for (int i = 0; i < b; ++i)
    for (int row = 0; row < sq; ++row)
      for (int head = 0; head < h; ++head)
        memcpy(q + ((i * h + head) * sq + row) * d, o->q + ((i * sq + row) * h + head) * d,
               d * sizeof(float));
  expect(o, plain);
  call.q = tensor(&qb, q, TESSERA_F32, 4, b, sq, h, d);
  qb.tensor.strides = strides;
  call.k = tensor(&kb, o->k, TESSERA_F32, 4, b, skv, g, d);
  call.v = tensor(&vb, o->v, TESSERA_F32, 4, b, skv, g, e);
  call.out = tensor(&ob, o->out, TESSERA_F32, 4, b, sq, h, e);
  CHECK_DONE(tessera_attention_run(engine, &call, &error), error);
  CHECK_CLOSE(o->out, o->out_expected, b * sq * h * e, exact);
  CHECK(isnan(o->lse[0])); /* was not wanted */
  free(q);
  free(o);
}

/* An eighth from -1 to 1 in any type of floats: sign, exponent, mantissa. */
static void encode(float value, int dtype, unsigned char *into) {
  static const struct {
    int bytes, bias, mantissa;
  } formats[] = {{0, 0, 0}, {4, 127, 23}, {2, 15, 10}, {2, 127, 7}, {1, 7, 3}, {1, 15, 2}};
  int bytes = formats[dtype].bytes, mantissa = formats[dtype].mantissa, exponent;
  double fraction = frexp(fabs(value), &exponent); /* 0.5 to 1 */
  uint32_t bits = 0;
  if (value != 0)
    bits = ((uint32_t)(exponent - 1 + formats[dtype].bias) << mantissa) +
           (uint32_t)((2 * fraction - 1) * (1u << mantissa));
  if (value < 0)
    bits |= 1u << (8 * bytes - 1);
  for (int i = 0; i < bytes; ++i)
    into[i] = (unsigned char)(bits >> (8 * i));
}

static unsigned char *encode_all(const float *values, int count, int dtype) {
  int bytes = dtype == TESSERA_F32 ? 4 : dtype == TESSERA_F16 || dtype == TESSERA_BF16 ? 2 : 1;
  unsigned char *all = malloc(count * bytes);
  for (int i = 0; i < count; ++i)
    encode(values[i], dtype, all + i * bytes);
  return all;
}

/* Operands of every type, into an output of f32; factors of fp8. */
void test_types(tessera_engine *engine) {
  operands *o = make_operands();
  naive_call like = {0};
  test_strides(engine);
  for (int dtype = TESSERA_F32; dtype <= TESSERA_E5M2; ++dtype) {
    int is_fp8 = dtype >= TESSERA_E4M3;
    unsigned char *q = encode_all(o->q, b * sq * h * d, dtype);
    unsigned char *k = encode_all(o->k, b * skv * g * d, dtype);
    unsigned char *v = encode_all(o->v, b * skv * g * e, dtype);
    static const float of_q = 2, of_k = 0.25f, of_v[b * g] = {1, 2, 4, 8};
    tensor_box qb, kb, vb, ob, fq, fk, fv;
    tessera_error *error = NULL;
    tessera_attention call = TESSERA_INIT(tessera_attention);
    call.q = tensor(&qb, q, dtype, 4, b, sq, h, d);
    call.k = tensor(&kb, k, dtype, 4, b, skv, g, d);
    call.v = tensor(&vb, v, dtype, 4, b, skv, g, e);
    call.out = tensor(&ob, o->out, TESSERA_F32, 4, b, sq, h, e);
    like.scale = 0;
    if (is_fp8) {
      call.q_descale = tensor(&fq, &of_q, TESSERA_F32, 0, 0, 0, 0, 0);
      call.k_descale = tensor(&fk, &of_k, TESSERA_F32, 0, 0, 0, 0, 0);
      call.v_descale = tensor(&fv, of_v, TESSERA_F32, 2, b, g, 0, 0);
      like.scale = of_q * of_k / sqrt(d);
    }
    expect(o, like);
    if (is_fp8)
      for (int i = 0; i < b * sq * h * e; ++i) {
        int batch = i / (sq * h * e), head = i / e % h;
        o->out_expected[i] *= of_v[batch * g + head / (h / g)];
      }
    CHECK_DONE(tessera_attention_run(engine, &call, &error), error);
    CHECK_CLOSE(o->out, o->out_expected, b * sq * h * e, is_fp8 ? 8 * exact : exact);
    free(q);
    free(k);
    free(v);
  }
  free(o);
}

/* A prepared call reads what its tensors hold when it is launched. */
void test_prepared(tessera_engine *engine) {
  operands *o = make_operands();
  const naive_call plain = {0};
  tessera_prepared *prepared = NULL;
  tessera_error *error = NULL;
  {
    tensor_box q, k, v, out;
    tessera_attention call = TESSERA_INIT(tessera_attention);
    call.q = tensor(&q, o->q, TESSERA_F32, 4, b, sq, h, d);
    call.k = tensor(&k, o->k, TESSERA_F32, 4, b, skv, g, d);
    call.v = tensor(&v, o->v, TESSERA_F32, 4, b, skv, g, e);
    call.out = tensor(&out, o->out, TESSERA_F32, 4, b, sq, h, e);
    CHECK_DONE(tessera_attention_prepare(engine, &call, &prepared, &error), error);
    CHECK(isnan(o->out[0]));           /* nothing ran yet */
    memset(&call, 0xff, sizeof(call)); /* the structs are no longer needed */
    memset(&q, 0xff, sizeof(q));
  }
  for (unsigned seed = 4; seed < 6; ++seed) {
    fill(o->q, b * sq * h * d, seed);
    expect(o, plain);
    CHECK_DONE(tessera_launch(prepared, NULL, &error), error);
    CHECK_CLOSE(o->out, o->out_expected, b * sq * h * e, exact);
  }
  CHECK(tessera_launch(prepared, &error, &error) == TESSERA_INVALID_VALUE);
  CHECK_TEXT(tessera_error_subject(error), "stream");
  tessera_error_destroy(error);
  CHECK(tessera_launch(NULL, NULL, NULL) == TESSERA_INVALID_VALUE);
  tessera_prepared_destroy(prepared);
  tessera_prepared_destroy(NULL);
  free(o);
}
