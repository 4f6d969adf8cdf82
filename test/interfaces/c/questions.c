/*===- questions.c - keys, stages and explanations as text --------------------===*/

#include "check.h"

#include <stdlib.h>
#include <string.h>

static void test_supports(void) {
  tessera_text *text = NULL;
  tessera_error *error = NULL;
  CHECK_DONE(tessera_supports("causal,d64,f32,kv=bf16,dv=64", &text, &error), error);
  CHECK_TEXT(tessera_text_str(text), "fwd,host,f32,kv=bf16,d64,causal");
  tessera_text_destroy(text);
  CHECK_DONE(tessera_supports("bf16", NULL, &error), error);

  text = (tessera_text *)&error; /* what was there before is gone */
  CHECK(tessera_supports("f32,casual", &text, &error) == TESSERA_INVALID_KEY);
  CHECK(!text);
  CHECK_CONTAINS(tessera_error_found(error), "casual");
  CHECK_TEXT(tessera_error_nearest(error), "causal");
  tessera_error_destroy(error);
  CHECK(tessera_supports("f32,d15", NULL, &error) == TESSERA_UNSUPPORTED_HEAD_DIM);
  CHECK_CONTAINS(tessera_error_nearest(error), "16");
  tessera_error_destroy(error);
  CHECK(tessera_supports(NULL, NULL, NULL) == TESSERA_INVALID_VALUE);
}

static void test_compile(tessera_engine *engine) {
  static const char *const stages[][2] = {{"generic", "tile.key_flag"},
                                          {"specialized", "tile.load"},
                                          {"vector", "vector."},
                                          {"llvm", "define"},
                                          {"asm", "ret"}};
  tessera_text *text = NULL;
  tessera_error *error = NULL;
  for (int i = 0; i < 5; ++i) {
    CHECK_DONE(tessera_compile(engine, "f32,d16,causal", stages[i][0], &text, &error), error);
    CHECK_CONTAINS(tessera_text_str(text), stages[i][1]);
    tessera_text_destroy(text);
  }
  CHECK(tessera_compile(engine, "f32,d16", "specialised", &text, &error) == TESSERA_INVALID_VALUE);
  CHECK_TEXT(tessera_error_subject(error), "stage");
  CHECK_TEXT(tessera_error_nearest(error), "specialized");
  tessera_error_destroy(error);
  CHECK(tessera_compile(engine, "f32,d16", NULL, &text, NULL) == TESSERA_INVALID_VALUE);
  CHECK(tessera_compile(NULL, "f32,d16", "llvm", &text, NULL) == TESSERA_INVALID_VALUE);
  tessera_text_destroy(NULL);
  CHECK_TEXT(tessera_text_str(NULL), "");
}

/* Two batches of 32 queries and 48 keys, in tiles of 16 x 16, under a causal mask
   aligned at the end: of each row of tiles one is masked, those before it are
   full. */
static void test_key_and_explain(tessera_engine *engine) {
  enum { b = 2, sq = 32, skv = 48, h = 1, d = 16 };
  static float operands[b * (2 * sq + 2 * skv) * h * d];
  tensor_box q, k, v, out;
  tessera_text *text = NULL;
  tessera_error *error = NULL;
  tessera_attention call = TESSERA_INIT(tessera_attention);
  call.q = tensor(&q, operands, TESSERA_F32, 4, b, sq, h, d);
  call.k = tensor(&k, operands + b * sq * d, TESSERA_F32, 4, b, skv, h, d);
  call.v = tensor(&v, operands + b * (sq + skv) * d, TESSERA_F32, 4, b, skv, h, d);
  call.out = tensor(&out, operands + b * (sq + 2 * skv) * d, TESSERA_F32, 4, b, sq, h, d);
  call.causal = 1;
  call.block_m = call.block_n = 16;
  CHECK_DONE(tessera_attention_key(&call, &text, &error), error);
  CHECK_TEXT(tessera_text_str(text), "fwd,host,f32,d16,causal,block_m=16,block_n=16");
  tessera_text_destroy(text);

  call.checked = 1;
  CHECK_DONE(tessera_attention_key(&call, &text, &error), error);
  CHECK_TEXT(tessera_text_str(text), "fwd,host,f32,d16,causal,checked,block_m=16,block_n=16");
  tessera_text_destroy(text);
  call.checked = 0;

  CHECK_DONE(tessera_attention_explain(engine, &call, &text, &error), error);
  static const char *const parts[] = {"\"key\": \"fwd,host,f32,d16,causal,block_m=16,block_n=16\"",
                                      "\"block_m\": 16",
                                      "\"count\": 2",
                                      "\"query_tiles\": 2",
                                      "\"key_tiles\": 3",
                                      "\"skipped\": 2",
                                      "\"masked\": 4",
                                      "\"full\": 6",
                                      "\"undecided\": 0",
                                      "\"name\": \"scale\""};
  for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); ++i)
    CHECK_CONTAINS(tessera_text_str(text), parts[i]);
  CHECK(!strstr(tessera_text_str(text), "alibi")); /* nothing reads them */
  tessera_text_destroy(text);

  /* The same tiles, packed: lengths are those of cu_seqlens. */
  {
    static const int32_t starts_q[] = {0, 16, 48, 64}, starts_kv[] = {0, 0, 48, 96};
    tensor_box cu_q, cu_kv;
    call.q = tensor(&q, operands, TESSERA_F32, 3, b * sq, h, d, 0);
    call.k = tensor(&k, operands + b * sq * d, TESSERA_F32, 3, b * skv, h, d, 0);
    call.v = tensor(&v, operands + b * (sq + skv) * d, TESSERA_F32, 3, b * skv, h, d, 0);
    call.out = tensor(&out, operands + b * (sq + 2 * skv) * d, TESSERA_F32, 3, b * sq, h, d, 0);
    call.cu_seqlens_q = tensor(&cu_q, starts_q, TESSERA_I32, 1, 4, 0, 0, 0);
    call.cu_seqlens_kv = tensor(&cu_kv, starts_kv, TESSERA_I32, 1, 4, 0, 0, 0);
    CHECK_DONE(tessera_attention_explain(engine, &call, &text, &error), error);
    /* 16 x 0: nothing; 32 x 48 as above; 16 x 48: two full, one masked. */
    CHECK_CONTAINS(tessera_text_str(text), "\"skipped\": 1");
    CHECK_CONTAINS(tessera_text_str(text), "\"masked\": 3");
    CHECK_CONTAINS(tessera_text_str(text), "\"full\": 5");
    CHECK_CONTAINS(tessera_text_str(text), "\"name\": \"cu_seqlens_kv\"");
    tessera_text_destroy(text);
  }

  call.window_left = 4; /* without has_window_left: both refuse as the call would */
  CHECK(tessera_attention_key(&call, &text, &error) == TESSERA_INVALID_VALUE);
  CHECK_TEXT(tessera_error_subject(error), "window_left");
  tessera_error_destroy(error);
  CHECK(tessera_attention_explain(engine, &call, &text, NULL) == TESSERA_INVALID_VALUE);
  CHECK(tessera_attention_explain(engine, NULL, &text, NULL) == TESSERA_INVALID_VALUE);
  CHECK(!text);
}

void test_questions(tessera_engine *engine) {
  CHECK_TEXT(tessera_version(), "0.1.0");
  test_supports();
  test_compile(engine);
  test_key_and_explain(engine);
}
