/*===- check.c - what the C tests share --------------------------------------===*/

#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

void check_failed(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  ++failures;
}

void check_text(const char *file, int line, const char *found, const char *expected) {
  if (strcmp(found, expected) == 0)
    return;
  fprintf(stderr, "%s:%d: found \"%s\", expected \"%s\"\n", file, line, found, expected);
  ++failures;
}

void check_contains(const char *file, int line, const char *text, const char *part) {
  if (strstr(text, part))
    return;
  fprintf(stderr, "%s:%d: \"%s\" is not in:\n%s\n", file, line, part, text);
  ++failures;
}

void check_done(const char *file, int line, tessera_status status, tessera_error **error) {
  if (status == TESSERA_OK && !*error)
    return;
  fprintf(stderr, "%s:%d: %s: %s\n", file, line, tessera_status_name(status),
          tessera_error_message(*error));
  tessera_error_destroy(*error);
  *error = NULL;
  ++failures;
}

void check_close(const char *file, int line, const float *found, const double *expected,
                 int64_t count, double tolerance) {
  for (int64_t i = 0; i < count; ++i) {
    if (found[i] == expected[i] || fabs(found[i] - expected[i]) <= tolerance)
      continue;
    fprintf(stderr, "%s:%d: element %lld is %g, expected %g\n", file, line, (long long)i, found[i],
            expected[i]);
    ++failures;
    return;
  }
}

void fill(float *into, int64_t count, unsigned seed) {
  uint32_t state = seed * 2654435761u + 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    into[i] = ((int)((state >> 16) % 17) - 8) / 8.0f;
  }
}

const tessera_tensor *tensor(tensor_box *box, const void *data, int dtype, int rank, int64_t a,
                             int64_t b, int64_t c, int64_t d) {
  tessera_tensor made = TESSERA_INIT(tessera_tensor);
  box->shape[0] = a;
  box->shape[1] = b;
  box->shape[2] = c;
  box->shape[3] = d;
  made.data = (void *)data;
  made.dtype = dtype;
  made.rank = rank;
  made.shape = box->shape;
  box->tensor = made;
  return &box->tensor;
}

static int sees(const naive_call *call, int64_t position, int64_t j) {
  int in_band = (!call->has_left || j >= position - call->left) &&
                (!call->has_right || j <= position + call->right);
  return (in_band || j < call->sink_tokens) && (!call->causal || j <= position);
}

void naive(const naive_call *call, double *out, double *lse) {
  double *scores = malloc((call->skv + 1) * sizeof(double));
  for (int64_t i = 0; i < call->sq; ++i)
    for (int64_t h = 0; h < call->h; ++h) {
      int64_t g = h / (call->h / call->g);
      int64_t position = i + (call->top_left ? 0 : call->skv - call->sq);
      double largest = call->sinks ? call->sinks[h] : -INFINITY;
      for (int64_t j = 0; j < call->skv; ++j) {
        double score = 0;
        for (int64_t c = 0; c < call->d; ++c)
          score += (double)call->q[(i * call->h + h) * call->d + c] *
                   call->k[(j * call->g + g) * call->d + c];
        score *= call->scale != 0 ? call->scale : 1 / sqrt((double)call->d);
        if (call->softcap != 0)
          score = call->softcap * tanh(score / call->softcap);
        if (call->slopes)
          score -= call->slopes[h] * fabs((double)(position - j));
        scores[j] = sees(call, position, j) ? score : -INFINITY;
        largest = fmax(largest, scores[j]);
      }
      double sum = call->sinks ? exp(call->sinks[h] - largest) : 0;
      for (int64_t j = 0; j < call->skv; ++j) {
        scores[j] = scores[j] == -INFINITY ? 0 : exp(scores[j] - largest);
        sum += scores[j];
      }
      for (int64_t c = 0; c < call->e; ++c) {
        double value = 0;
        for (int64_t j = 0; j < call->skv; ++j)
          value += scores[j] * call->v[(j * call->g + g) * call->e + c];
        out[(i * call->h + h) * call->e + c] = sum == 0 ? 0 : value / sum;
      }
      lse[h * call->sq + i] = sum == 0 ? -INFINITY : largest + log(sum);
    }
  free(scores);
}

int main(void) {
  tessera_engine *engine = NULL;
  tessera_error *error = NULL;
  CHECK_DONE(tessera_engine_create(&engine, &error), error);
  if (!engine)
    return 1;
  test_numbers(engine);
  test_types(engine);
  test_packed_and_paged(engine);
  test_prepared(engine);
  test_append(engine);
  test_refusals(engine);
  test_versions(engine);
  test_threads(engine);
  test_questions(engine);
  tessera_engine_destroy(engine);
  tessera_engine_destroy(NULL);
  if (failures)
    fprintf(stderr, "%d checks failed\n", failures);
  else
    puts("all as it should be");
  return failures != 0;
}
