/*===- refusals.c - mistakes of a caller, one at a time ------------------------===*/

#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { b = 2, sq = 5, skv = 6, h = 4, g = 2, d = 8 };

typedef struct operands {
  float q[b * sq * h * d], k[b * skv * g * d], v[b * skv * g * d], out[b * sq * h * d];
  tensor_box qb, kb, vb, ob;
  tessera_attention call;
} operands;

/* A call that is in order. */
static void make(operands *o) {
  tessera_attention call = TESSERA_INIT(tessera_attention);
  call.q = tensor(&o->qb, o->q, TESSERA_F32, 4, b, sq, h, d);
  call.k = tensor(&o->kb, o->k, TESSERA_F32, 4, b, skv, g, d);
  call.v = tensor(&o->vb, o->v, TESSERA_F32, 4, b, skv, g, d);
  call.out = tensor(&o->ob, o->out, TESSERA_F32, 4, b, sq, h, d);
  o->call = call;
  for (int i = 0; i < b * sq * h * d; ++i)
    o->out[i] = NAN;
}

/* Runs, prepares and asks for the key of a call: each refuses it alike, tells
   what it found in all parts of the error, and leaves the output alone. A null
   text is not looked at. */
static void refused(int line, tessera_engine *engine, operands *o, tessera_status status,
                    const char *subject, const char *found, const char *expected,
                    const char *nearest) {
  for (int way = 0; way < 3; ++way) {
    tessera_error *error = NULL;
    tessera_prepared *prepared = NULL;
    tessera_text *text = NULL;
    tessera_status is = way == 0   ? tessera_attention_run(engine, &o->call, &error)
                        : way == 1 ? tessera_attention_prepare(engine, &o->call, &prepared, &error)
                                   : tessera_attention_key(&o->call, &text, &error);
    check_text(__FILE__, line, tessera_status_name(is), tessera_status_name(status));
    check_text(__FILE__, line, tessera_status_name(tessera_error_status(error)),
               tessera_status_name(status));
    if (subject)
      check_text(__FILE__, line, tessera_error_subject(error), subject);
    if (found)
      check_text(__FILE__, line, tessera_error_found(error), found);
    if (expected)
      check_text(__FILE__, line, tessera_error_expected(error), expected);
    if (nearest)
      check_text(__FILE__, line, tessera_error_nearest(error), nearest);
    if (!*tessera_error_subject(error) || !*tessera_error_found(error) ||
        !*tessera_error_expected(error))
      check_failed(__FILE__, line, "an error with an empty part");
    check_contains(__FILE__, line, tessera_error_message(error), tessera_error_subject(error));
    check_contains(__FILE__, line, tessera_error_message(error), tessera_error_found(error));
    check_contains(__FILE__, line, tessera_error_message(error), tessera_error_expected(error));
    if (prepared || text)
      check_failed(__FILE__, line, "a refused call gave a result");
    tessera_error_destroy(error);
  }
  CHECK(tessera_attention_run(engine, &o->call, NULL) == status);
  for (int i = 0; i < b * sq * h * d; ++i)
    if (!isnan(o->out[i])) {
      check_failed(__FILE__, line, "a refused call wrote to the output");
      break;
    }
  make(o);
}
#define REFUSED(status, subject, found, expected, nearest)                                         \
  refused(__LINE__, engine, o, status, subject, found, expected, nearest)

static void test_tensors(tessera_engine *engine, operands *o) {
  o->call.q = NULL;
  REFUSED(TESSERA_MISSING_TENSOR, "q", "absent", "a tensor", "");
  o->call.out = NULL;
  REFUSED(TESSERA_MISSING_TENSOR, "out", "absent", "a tensor", "");
  o->vb.tensor.data = NULL;
  REFUSED(TESSERA_MISSING_TENSOR, "v.data", "null", "the address of its elements", "");
  o->kb.tensor.shape = NULL;
  REFUSED(TESSERA_INVALID_VALUE, "k.shape", "null", "4 extents", "");

  o->qb.tensor.rank = 5;
  REFUSED(TESSERA_INVALID_RANK, "q.rank", "5", "3 to 4", "4");
  o->qb.tensor.rank = -1;
  REFUSED(TESSERA_INVALID_RANK, "q.rank", "-1", "3 to 4", "3");
  o->qb.tensor.rank = 3; /* without cu_seqlens_q */
  REFUSED(TESSERA_INVALID_RANK, "q.rank", "3", NULL, NULL);
  {
    tensor_box sinks, lse, table;
    static float numbers[b * h * sq];
    o->call.sink_logits = tensor(&sinks, numbers, TESSERA_F32, 2, b, h, 0, 0);
    REFUSED(TESSERA_INVALID_RANK, "sink_logits.rank", "2", "1", "1");
    o->call.lse = tensor(&lse, numbers, TESSERA_F32, 4, b, h, sq, 1);
    REFUSED(TESSERA_INVALID_RANK, "lse.rank", "4", "2 to 3", "3");
    o->call.lse = tensor(&lse, NULL, TESSERA_F32, 3, b, h, sq, 0);
    REFUSED(TESSERA_MISSING_TENSOR, "lse.data", "null", NULL, NULL);
    o->call.lse = tensor(&lse, numbers, TESSERA_F32, 3, b, h, sq + 1, 0);
    REFUSED(TESSERA_INVALID_SHAPE, "lse.shape[2]", NULL, NULL, NULL);
    o->call.sink_logits = tensor(&sinks, numbers, TESSERA_F16, 1, h, 0, 0, 0);
    REFUSED(TESSERA_UNSUPPORTED_DTYPE, "sink_logits.dtype", "f16", "f32", "f32");
    o->call.page_table = tensor(&table, numbers, TESSERA_F32, 2, b, 1, 0, 0);
    REFUSED(TESSERA_UNSUPPORTED_DTYPE, "page_table.dtype", "f32", "i32", "i32");
    o->call.page_table = tensor(&table, numbers, TESSERA_I32, 2, b, 1, 0, 0);
    REFUSED(TESSERA_MISSING_TENSOR, NULL, NULL, NULL, NULL); /* seqused_kv */
  }
  o->kb.tensor.dtype = 99;
  REFUSED(TESSERA_UNSUPPORTED_DTYPE, "k.dtype", "99", "f32, f16, bf16, e4m3 or e5m2", "f32");
  o->kb.tensor.dtype = TESSERA_I32;
  REFUSED(TESSERA_UNSUPPORTED_DTYPE, "k.dtype", "i32", "f32, f16, bf16, e4m3 or e5m2", "f32");
  o->ob.tensor.dtype = TESSERA_E4M3; /* no type of an output */
  REFUSED(TESSERA_UNSUPPORTED_DTYPE, NULL, NULL, NULL, NULL);

  o->kb.shape[0] = o->vb.shape[0] = b + 1;
  REFUSED(TESSERA_INVALID_SHAPE, "k.shape[0]", "3", NULL, NULL);
  o->kb.shape[2] = 3;
  REFUSED(TESSERA_INVALID_SHAPE, NULL, NULL, NULL, NULL);
  o->ob.shape[3] = 16;
  REFUSED(TESSERA_INVALID_SHAPE, "out.shape[3]", "16", NULL, NULL);
  o->qb.shape[3] = o->kb.shape[3] = 7;
  REFUSED(TESSERA_UNSUPPORTED_HEAD_DIM, NULL, "7", NULL, "fwd,host,f32,d8");
  o->qb.shape[1] = -5;
  REFUSED(TESSERA_INVALID_SHAPE, "q.shape[1]", "-5", NULL, NULL);
  {
    static const int64_t strides[4] = {sq * h * d, h * d, d, 2};
    static const int64_t zeros[4] = {0, 0, d, 1};
    o->qb.tensor.strides = strides;
    REFUSED(TESSERA_INVALID_STRIDE, NULL, "2", NULL, NULL);
    o->ob.tensor.strides = zeros;
    REFUSED(TESSERA_INVALID_STRIDE, NULL, NULL, NULL, NULL);
  }
  o->qb.tensor.data = (char *)o->q + 2;
  REFUSED(TESSERA_MISALIGNED, NULL, NULL, NULL, NULL);
  o->vb.tensor.data = o->out;
  REFUSED(TESSERA_OVERLAP, NULL, NULL, NULL, NULL);
}

static void test_values(tessera_engine *engine, operands *o) {
  o->call.has_window_left = 1;
  o->call.window_left = -1;
  REFUSED(TESSERA_INVALID_VALUE, "window_left", "-1",
          "at least 0, or has_window_left to be 0 for all keys", "0");
  o->call.window_right = 7;
  REFUSED(TESSERA_INVALID_VALUE, "window_right", "7 without has_window_right",
          "has_window_right to be 1, or no number", "");
  o->call.scale = 2;
  REFUSED(TESSERA_INVALID_VALUE, "scale", "2 without has_scale", "has_scale to be 1, or no number",
          "");
  o->call.has_scale = 1;
  o->call.scale = NAN;
  REFUSED(TESSERA_INVALID_VALUE, "scale", "nan", NULL, NULL);
  o->call.sink_tokens = -1;
  REFUSED(TESSERA_INVALID_VALUE, "sink_tokens", "-1", NULL, NULL);
  o->call.softcap = -1;
  REFUSED(TESSERA_INVALID_VALUE, "softcap", "-1", NULL, NULL);
  o->call.max_seqlen_q = -1;
  REFUSED(TESSERA_INVALID_VALUE, "max_seqlen_q", "-1", "at least 0", "0");
  o->call.block_m = 12;
  REFUSED(TESSERA_INVALID_KEY, NULL, "12", NULL, NULL);
  o->call.target = "sm80";
  REFUSED(TESSERA_UNSUPPORTED_TARGET, "target", "\"sm80\"", "host, sm90a or cuda", "host");
  /* No driver, or none of the GPU's memory. */
  o->call.target = "sm90a";
  REFUSED(TESSERA_UNSUPPORTED_TARGET, NULL, NULL, NULL, NULL);
  o->call.target = "cuda";
  REFUSED(TESSERA_UNSUPPORTED_TARGET, NULL, NULL, NULL, NULL);
  o->call.device = 3;
  REFUSED(TESSERA_INVALID_VALUE, "device", "3 without has_device", "has_device to be 1, or no number",
          "");
  o->call.has_device = 1;
  o->call.target = "host";
  REFUSED(TESSERA_UNSUPPORTED_TARGET, "q.data", "memory of a GPU", NULL, NULL);
  o->call.stream = o;
  REFUSED(TESSERA_INVALID_VALUE, "stream", NULL, "null: the host has no streams", "null");
}

static void test_variants(tessera_engine *engine, operands *o) {
  tessera_variant_argument arguments[2] = {TESSERA_INIT(tessera_variant_argument),
                                           TESSERA_INIT(tessera_variant_argument)};
  tensor_box table;
  o->call.variant = 0x1234;
  REFUSED(TESSERA_UNKNOWN_VARIANT, NULL, NULL, NULL, NULL);

  o->call.variant_arguments = arguments;
  o->call.variant_arguments_count = 2;
  REFUSED(TESSERA_INVALID_VALUE, "variant_arguments", "2 without a variant",
          "a variant that reads them", "");
#define WITH_ARGUMENTS()                                                                           \
  (o->call.variant = 1, o->call.variant_arguments = arguments, o->call.variant_arguments_count = 2)
  WITH_ARGUMENTS();
  REFUSED(TESSERA_INVALID_VALUE, "variant_arguments[0].name", "null",
          "the name that the variant's functions ask for", "");
  arguments[0].name = arguments[1].name = "bias";
  WITH_ARGUMENTS();
  REFUSED(TESSERA_INVALID_VALUE, "variant_arguments[1].name", "\"bias\" a second time",
          "a name of its own", "");
  arguments[1].name = "slope";
  arguments[1].tensor = tensor(&table, o->k, TESSERA_BF16, 1, 3, 0, 0, 0);
  WITH_ARGUMENTS();
  REFUSED(TESSERA_UNSUPPORTED_DTYPE, "slope.dtype", "bf16", "f32 or i32", "f32");
  arguments[1].tensor = tensor(&table, o->k, TESSERA_F32, 0, 0, 0, 0, 0);
  WITH_ARGUMENTS();
  REFUSED(TESSERA_INVALID_RANK, "slope.rank", "0", "1 to 4", "1");
  WITH_ARGUMENTS();
  o->call.variant_arguments = NULL;
  REFUSED(TESSERA_INVALID_VALUE, "variant_arguments", "null", "2 of them", "");
  arguments[0].size = 4;
  WITH_ARGUMENTS();
  REFUSED(TESSERA_INVALID_VALUE, "variant_arguments[0].size", "4", NULL, NULL);
}

static void test_nulls(tessera_engine *engine, operands *o) {
  tessera_error *error = NULL;
  CHECK(tessera_attention_run(engine, NULL, &error) == TESSERA_INVALID_VALUE);
  CHECK_TEXT(tessera_error_message(error), "call is null, expected a struct");
  tessera_error_destroy(error);
  CHECK(tessera_attention_run(NULL, &o->call, &error) == TESSERA_INVALID_VALUE);
  CHECK_TEXT(tessera_error_message(error), "engine is null, expected a pointer");
  tessera_error_destroy(error);
  CHECK(tessera_attention_prepare(engine, &o->call, NULL, NULL) == TESSERA_INVALID_VALUE);
  CHECK(tessera_engine_create(NULL, NULL) == TESSERA_INVALID_VALUE);

  CHECK(tessera_error_status(NULL) == TESSERA_OK);
  CHECK_TEXT(tessera_error_message(NULL), "");
  CHECK_TEXT(tessera_error_nearest(NULL), "");
  tessera_error_destroy(NULL);
  CHECK_TEXT(tessera_status_name(TESSERA_INVALID_SHAPE), "TESSERA_INVALID_SHAPE");
  CHECK_TEXT(tessera_status_name((tessera_status)77), "unknown status");
}

/* A success leaves no error behind, whatever was there. */
static void test_success(tessera_engine *engine, operands *o) {
  tessera_error *error = (tessera_error *)o;
  for (int i = 0; i < b * sq * h * d; ++i)
    o->q[i] = 0;
  CHECK(tessera_attention_run(engine, &o->call, &error) == TESSERA_OK);
  CHECK(!error);
  CHECK(!isnan(o->out[0]));
}

void test_refusals(tessera_engine *engine) {
  operands *o = calloc(1, sizeof(operands));
  make(o);
  test_tensors(engine, o);
  test_values(engine, o);
  test_variants(engine, o);
  test_nulls(engine, o);
  test_success(engine, o);
  free(o);
}

/* Structs of callers that are older or newer than the library. */
void test_versions(tessera_engine *engine) {
  operands *o = calloc(1, sizeof(operands));
  struct {
    tessera_attention known;
    uint64_t unknown[2];
  } newer;
  struct {
    tessera_tensor known;
    uint64_t unknown;
  } newer_tensor;
  make(o);

  /* Older: what it does not have is not read. */
  {
    size_t size = offsetof(tessera_attention, variant);
    tessera_attention *older = malloc(size);
    memcpy(older, &o->call, size);
    older->size = size;
    older->causal = 1;
    tessera_text *text = NULL;
    tessera_error *error = NULL;
    CHECK_DONE(tessera_attention_key(older, &text, &error), error);
    CHECK_TEXT(tessera_text_str(text), "fwd,host,f32,d8,causal");
    tessera_text_destroy(text);
    CHECK_DONE(tessera_attention_run(engine, older, &error), error);
    CHECK(!isnan(o->out[0]));
    free(older);
    make(o);
  }

  /* Too old, and without a size. */
  o->call.size = offsetof(tessera_attention, variant) - 1;
  {
    char ours[32];
    snprintf(ours, sizeof(ours), "%zu", sizeof(tessera_attention));
    REFUSED(TESSERA_INVALID_VALUE, "call.size", NULL, NULL, ours);
  }
  o->call.size = 0;
  REFUSED(TESSERA_INVALID_VALUE, "call.size", "0", NULL, NULL);
  o->qb.tensor.size = sizeof(tessera_tensor) - 1;
  REFUSED(TESSERA_INVALID_VALUE, "q.size", NULL, NULL, NULL);
  o->call.size = (size_t)-1; /* not read to its end */
  REFUSED(TESSERA_INVALID_VALUE, "call.size", NULL, NULL, NULL);

  /* Newer: fine while it says nothing new. */
  newer.known = o->call;
  newer.known.size = sizeof(newer);
  memset(newer.unknown, 0, sizeof(newer.unknown));
  newer_tensor.known = o->qb.tensor;
  newer_tensor.known.size = sizeof(newer_tensor);
  newer_tensor.unknown = 0;
  newer.known.q = &newer_tensor.known;
  {
    tessera_error *error = NULL;
    CHECK_DONE(tessera_attention_run(engine, &newer.known, &error), error);
    CHECK(!isnan(o->out[0]));
    newer.unknown[1] = 1;
    CHECK(tessera_attention_run(engine, &newer.known, &error) == TESSERA_INVALID_VALUE);
    CHECK_TEXT(tessera_error_subject(error), "call");
    tessera_error_destroy(error);
    newer.unknown[1] = 0;
    newer_tensor.unknown = 1;
    CHECK(tessera_attention_run(engine, &newer.known, &error) == TESSERA_INVALID_VALUE);
    CHECK_TEXT(tessera_error_subject(error), "q");
    tessera_error_destroy(error);
  }
  free(o);
}
