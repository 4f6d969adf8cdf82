/*===- append.c - rows behind those of a cache, through the C interface -------===*/

#include "check.h"

#include <math.h>
#include <stdlib.h>

enum { b = 2, s = 5, g = 2, d = 16, capacity = 12, n = 4, positions = 32 };

static const int32_t starts[b] = {3, 7}, first[b] = {10, 0};

typedef struct tables {
  float rows[b * s * g * d], cache[b * capacity * g * d], cos[positions * n], sin[positions * n];
  double expected[b * capacity * g * d];
} tables;

static void expect(tables *t, int rotates, int interleaved, const int32_t *from) {
  for (int i = 0; i < b * capacity * g * d; ++i)
    t->expected[i] = t->cache[i] = -5;
  for (int i = 0; i < b; ++i)
    for (int row = 0; row < s; ++row)
      for (int head = 0; head < g; ++head) {
        const float *x = t->rows + ((i * s + row) * g + head) * d;
        double *y = t->expected + ((i * capacity + starts[i] + row) * g + head) * d;
        for (int c = 0; c < d; ++c)
          y[c] = x[c];
        for (int p = 0; rotates && p < n; ++p) {
          int one = interleaved ? 2 * p : p, two = interleaved ? 2 * p + 1 : p + n;
          double c = t->cos[(from[i] + row) * n + p], z = t->sin[(from[i] + row) * n + p];
          y[one] = x[one] * c - x[two] * z;
          y[two] = x[two] * c + x[one] * z;
        }
      }
}

/* Packed rows, three for one sequence and none for the other, behind those in
   pages of either layout. */
static void test_pages(tessera_engine *engine, tables *t) {
  enum { page_size = 4, pages = 4, max_pages = 3, total = 3 };
  static const int32_t cu_seqlens[b + 1] = {0, total, total};
  int32_t numbers[b][max_pages] = {{2, 0, -1}, {1, 3, -1}};
  for (int hnd = 0; hnd < 2; ++hnd) {
    tensor_box rows, cache, starts_box, cu, table;
    tessera_error *error = NULL;
    tessera_append call = TESSERA_INIT(tessera_append);
    int64_t second = hnd ? g : page_size, third = hnd ? page_size : g;
    call.rows = tensor(&rows, t->rows, TESSERA_F32, 3, total, g, d, 0);
    call.cache = tensor(&cache, t->cache, TESSERA_F32, 4, pages, second, third, d);
    call.starts = tensor(&starts_box, starts, TESSERA_I32, 1, b, 0, 0, 0);
    call.cu_seqlens = tensor(&cu, cu_seqlens, TESSERA_I32, 1, b + 1, 0, 0, 0);
    call.page_table = tensor(&table, numbers, TESSERA_I32, 2, b, max_pages, 0, 0);
    call.page_layout_hnd = hnd;
    for (int i = 0; i < pages * page_size * g * d; ++i)
      t->expected[i] = t->cache[i] = -5;
    for (int row = 0; row < total; ++row)
      for (int head = 0; head < g; ++head)
        for (int c = 0; c < d; ++c) {
          int place = starts[0] + row, r = place % page_size;
          int to = numbers[0][place / page_size] * page_size * g +
                   (hnd ? head * page_size + r : r * g + head);
          t->expected[to * d + c] = t->rows[(row * g + head) * d + c];
        }
    call.max_seqlen = total - 1;
    CHECK(tessera_append_run(engine, &call, &error) == TESSERA_INVALID_LENGTHS);
    tessera_error_destroy(error);
    call.max_seqlen = hnd ? total : 0;
    call.checked = 1;
    numbers[0][1] = pages;
    CHECK(tessera_append_run(engine, &call, &error) == TESSERA_INVALID_PAGES);
    tessera_error_destroy(error);
    numbers[0][1] = 0;
    CHECK_DONE(tessera_append_run(engine, &call, &error), error);
    CHECK_CLOSE(t->cache, t->expected, pages * page_size * g * d, 0);
  }
}

void test_append(tessera_engine *engine) {
  tables *t = malloc(sizeof(tables));
  tensor_box rows, cache, starts_box, cos_box, sin_box, first_box;
  tessera_error *error = NULL;
  tessera_append call = TESSERA_INIT(tessera_append);
  fill(t->rows, b * s * g * d, 1);
  for (int i = 0; i < positions * n; ++i) {
    double angle = i / n * pow(10000, -(i % n) / (double)n);
    t->cos[i] = (float)cos(angle);
    t->sin[i] = (float)sin(angle);
  }

  call.rows = tensor(&rows, t->rows, TESSERA_F32, 4, b, s, g, d);
  call.cache = tensor(&cache, t->cache, TESSERA_F32, 4, b, capacity, g, d);
  call.starts = tensor(&starts_box, starts, TESSERA_I32, 1, b, 0, 0, 0);
  expect(t, 0, 0, starts);
  CHECK_DONE(tessera_append_run(engine, &call, &error), error);
  CHECK_CLOSE(t->cache, t->expected, b * capacity * g * d, 0);

  call.cos = tensor(&cos_box, t->cos, TESSERA_F32, 2, positions, n, 0, 0);
  call.sin = tensor(&sin_box, t->sin, TESSERA_F32, 2, positions, n, 0, 0);
  for (int interleaved = 0; interleaved < 2; ++interleaved) {
    call.interleaved = interleaved;
    call.positions = NULL;
    expect(t, 1, interleaved, starts);
    CHECK_DONE(tessera_append_run(engine, &call, &error), error);
    CHECK_CLOSE(t->cache, t->expected, b * capacity * g * d, 1e-6);
    call.positions = tensor(&first_box, first, TESSERA_I32, 1, b, 0, 0, 0);
    expect(t, 1, interleaved, first);
    CHECK_DONE(tessera_append_run(engine, &call, &error), error);
    CHECK_CLOSE(t->cache, t->expected, b * capacity * g * d, 1e-6);
  }

  test_pages(engine, t);

  call.target = "sm90a";
  CHECK(tessera_append_run(engine, &call, &error) == TESSERA_UNSUPPORTED_TARGET);
  tessera_error_destroy(error);
  call.target = NULL;

  /* Refused: nothing is written. */
  expect(t, 0, 0, starts);
  call.starts = NULL;
  CHECK(tessera_append_run(engine, &call, &error) == TESSERA_MISSING_TENSOR);
  CHECK_TEXT(tessera_error_subject(error), "starts");
  tessera_error_destroy(error);
  call.starts = &starts_box.tensor;
  call.sin = NULL; /* one of two that belong together */
  CHECK(tessera_append_run(engine, &call, &error) == TESSERA_MISSING_TENSOR);
  tessera_error_destroy(error);
  call.sin = &sin_box.tensor;
  {
    static const int32_t beyond[b] = {3, capacity - s + 1};
    call.starts = tensor(&starts_box, beyond, TESSERA_I32, 1, b, 0, 0, 0);
    CHECK(tessera_append_run(engine, &call, &error) == TESSERA_INVALID_LENGTHS);
    tessera_error_destroy(error);
  }
  CHECK(tessera_append_run(engine, NULL, NULL) == TESSERA_INVALID_VALUE);
  for (int i = 0; i < b * capacity * g * d; ++i)
    CHECK(t->cache[i] == -5);
  free(t);
}
