/*===- threads.c - several threads on one engine --------------------------------===*/

#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { threads = 6, rounds = 5, h = 2, d = 8, most = 64 };

typedef struct job {
  tessera_engine *engine;
  int number, failed;
} job;

/* Shapes and keys differ between threads, and some are the same. */
static void *work(void *argument) {
  job *mine = argument;
  enum { elements = most * h * d };
  float *q = malloc(4 * elements * sizeof(float)), *k = q + elements, *v = k + elements;
  float *out = v + elements;
  double *expected = malloc((elements + h * most) * sizeof(double));
  naive_call like = {0};
  like.h = like.g = h, like.d = like.e = d;
  like.causal = mine->number % 2;
  like.sq = 10 + 7 * mine->number, like.skv = most - mine->number;
  like.q = q, like.k = k, like.v = v;
  for (int round = 0; round < rounds; ++round) {
    tensor_box qb, kb, vb, ob;
    tessera_attention call = TESSERA_INIT(tessera_attention);
    fill(q, 3 * elements, mine->number * rounds + round);
    naive(&like, expected, expected + elements);
    call.q = tensor(&qb, q, TESSERA_F32, 4, 1, like.sq, h, d);
    call.k = tensor(&kb, k, TESSERA_F32, 4, 1, like.skv, h, d);
    call.v = tensor(&vb, v, TESSERA_F32, 4, 1, like.skv, h, d);
    call.out = tensor(&ob, out, TESSERA_F32, 4, 1, like.sq, h, d);
    call.causal = like.causal;
    if (tessera_attention_run(mine->engine, &call, NULL) != TESSERA_OK)
      ++mine->failed;
    for (int i = 0; i < like.sq * h * d; ++i)
      if (!(out[i] - expected[i] < 1e-5 && expected[i] - out[i] < 1e-5))
        ++mine->failed;
    call.has_window_left = 1; /* an error of this thread's own */
    call.window_left = -1;
    tessera_error *error = NULL;
    if (tessera_attention_run(mine->engine, &call, &error) != TESSERA_INVALID_VALUE)
      ++mine->failed;
    tessera_error_destroy(error);
  }
  free(q);
  free(expected);
  return NULL;
}

void test_threads(tessera_engine *engine) {
  pthread_t handles[threads];
  job jobs[threads];
  for (int i = 0; i < threads; ++i) {
    jobs[i].engine = engine;
    jobs[i].number = i;
    jobs[i].failed = 0;
    CHECK(pthread_create(&handles[i], NULL, work, &jobs[i]) == 0);
  }
  for (int i = 0; i < threads; ++i) {
    pthread_join(handles[i], NULL);
    CHECK(jobs[i].failed == 0);
  }
}
