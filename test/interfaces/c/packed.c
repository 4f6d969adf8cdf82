/*===- packed.c - sequences of different lengths, packed and in pages ----------===*/

#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { b = 3, h = 2, d = 8, rows_q = 20, rows_kv = 34, page_size = 8, pages = 6, max_pages = 4 };

static const double exact = 1e-5;
/* The middle sequence has no queries, the last no keys. */
static const int32_t starts_q[b + 1] = {0, 13, 13, 20}, starts_kv[b + 1] = {0, 29, 34, 34};

typedef struct sequences {
  float q[rows_q * h * d], k[rows_kv * h * d], v[rows_kv * h * d];
  float out[rows_q * h * d], lse[h * rows_q];
  double out_expected[rows_q * h * d], lse_expected[h * rows_q];
} sequences;

static void make(sequences *s) {
  fill(s->q, rows_q * h * d, 1);
  fill(s->k, rows_kv * h * d, 2);
  fill(s->v, rows_kv * h * d, 3);
  for (int i = 0; i < b; ++i) {
    double lse[h * rows_q];
    naive_call call = {0};
    call.sq = starts_q[i + 1] - starts_q[i], call.skv = starts_kv[i + 1] - starts_kv[i];
    call.h = call.g = h, call.d = call.e = d, call.causal = 1;
    call.q = s->q + starts_q[i] * h * d;
    call.k = s->k + starts_kv[i] * h * d;
    call.v = s->v + starts_kv[i] * h * d;
    naive(&call, s->out_expected + starts_q[i] * h * d, lse);
    for (int head = 0; head < h; ++head)
      memcpy(s->lse_expected + head * rows_q + starts_q[i], lse + head * call.sq,
             call.sq * sizeof(double));
  }
}

static void compare(tessera_engine *engine, sequences *s, tessera_attention *call) {
  tensor_box q, out, lse, cu_q;
  tessera_error *error = NULL;
  for (int i = 0; i < rows_q * h * d; ++i)
    s->out[i] = NAN;
  call->q = tensor(&q, s->q, TESSERA_F32, 3, rows_q, h, d, 0);
  call->out = tensor(&out, s->out, TESSERA_F32, 3, rows_q, h, d, 0);
  call->lse = tensor(&lse, s->lse, TESSERA_F32, 2, h, rows_q, 0, 0);
  call->cu_seqlens_q = tensor(&cu_q, starts_q, TESSERA_I32, 1, b + 1, 0, 0, 0);
  call->causal = 1;
  CHECK_DONE(tessera_attention_run(engine, call, &error), error);
  CHECK_CLOSE(s->out, s->out_expected, rows_q * h * d, exact);
  CHECK_CLOSE(s->lse, s->lse_expected, h * rows_q, exact);
}

void test_packed_and_paged(tessera_engine *engine) {
  sequences *s = malloc(sizeof(sequences));
  tensor_box k, v, cu_kv, used, table;
  tessera_attention call = TESSERA_INIT(tessera_attention);
  make(s);
  call.k = tensor(&k, s->k, TESSERA_F32, 3, rows_kv, h, d, 0);
  call.v = tensor(&v, s->v, TESSERA_F32, 3, rows_kv, h, d, 0);
  call.cu_seqlens_kv = tensor(&cu_kv, starts_kv, TESSERA_I32, 1, b + 1, 0, 0, 0);
  compare(engine, s, &call);
  call.max_seqlen_q = 13;
  call.max_seqlen_kv = 29;
  compare(engine, s, &call);

  /* A longest length that is not. */
  {
    tensor_box q, out, cu_q;
    tessera_error *error = NULL;
    call.q = tensor(&q, s->q, TESSERA_F32, 3, rows_q, h, d, 0);
    call.out = tensor(&out, s->out, TESSERA_F32, 3, rows_q, h, d, 0);
    call.cu_seqlens_q = tensor(&cu_q, starts_q, TESSERA_I32, 1, b + 1, 0, 0, 0);
    call.lse = NULL;
    call.max_seqlen_kv = 28;
    CHECK(tessera_attention_run(engine, &call, &error) == TESSERA_INVALID_LENGTHS);
    CHECK_TEXT(tessera_error_subject(error), "max_seqlen_kv");
    CHECK_TEXT(tessera_error_found(error), "28");
    tessera_error_destroy(error);
    call.max_seqlen_kv = 29;
    call.max_seqlen_q = 12;
    CHECK(tessera_attention_run(engine, &call, &error) == TESSERA_INVALID_LENGTHS);
    CHECK_TEXT(tessera_error_subject(error), "max_seqlen_q");
    tessera_error_destroy(error);
  }

  /* The same keys in pages, in a mixed order, with NaN where nobody looks. */
  {
    static const int32_t lengths[b] = {29, 5, 0};
    static const int32_t numbers[b][max_pages] = {{4, 0, 5, 2}, {1, -7, -7, -7}, {-7, -7, -7, -7}};
    static const int32_t beyond[b][max_pages] = {{4, 0, 5, pages}, {1}, {0}};
    for (int hnd = 0; hnd < 2; ++hnd) {
      enum { page_elements = page_size * h * d };
      float *kp = malloc(2 * pages * page_elements * sizeof(float));
      float *vp = kp + pages * page_elements;
      for (int i = 0; i < 2 * pages * page_elements; ++i)
        kp[i] = NAN;
      for (int i = 0; i < b; ++i)
        for (int row = 0; row < lengths[i]; ++row)
          for (int head = 0; head < h; ++head) {
            int page = numbers[i][row / page_size], r = row % page_size;
            int to = page * page_elements + (hnd ? head * page_size + r : r * h + head) * d;
            int from = ((starts_kv[i] + row) * h + head) * d;
            memcpy(kp + to, s->k + from, d * sizeof(float));
            memcpy(vp + to, s->v + from, d * sizeof(float));
          }
      tessera_attention paged = TESSERA_INIT(tessera_attention);
      int64_t second = hnd ? h : page_size, third = hnd ? page_size : h;
      paged.k = tensor(&k, kp, TESSERA_F32, 4, pages, second, third, d);
      paged.v = tensor(&v, vp, TESSERA_F32, 4, pages, second, third, d);
      paged.seqused_kv = tensor(&used, lengths, TESSERA_I32, 1, b, 0, 0, 0);
      paged.page_table = tensor(&table, numbers, TESSERA_I32, 2, b, max_pages, 0, 0);
      paged.page_layout_hnd = hnd;
      compare(engine, s, &paged);
      {
        tessera_text *text = NULL;
        tessera_error *error = NULL;
        tensor_box q, out, cu_q;
        paged.q = tensor(&q, s->q, TESSERA_F32, 3, rows_q, h, d, 0);
        paged.out = tensor(&out, s->out, TESSERA_F32, 3, rows_q, h, d, 0);
        paged.cu_seqlens_q = tensor(&cu_q, starts_q, TESSERA_I32, 1, b + 1, 0, 0, 0);
        paged.lse = NULL;
        CHECK_DONE(tessera_attention_explain(engine, &paged, &text, &error), error);
        CHECK_CONTAINS(tessera_text_str(text), "\"seqlen_kv\": 29");
        CHECK_CONTAINS(tessera_text_str(text), "\"name\": \"page_table\"");
        tessera_text_destroy(text);

        /* A page that there is not. */
        paged.page_table = tensor(&table, beyond, TESSERA_I32, 2, b, max_pages, 0, 0);
        CHECK(tessera_attention_run(engine, &paged, &error) == TESSERA_INVALID_PAGES);
        CHECK_TEXT(tessera_error_found(error), "6");
        tessera_error_destroy(error);
      }
      free(kp);
    }
  }
  free(s);
}
