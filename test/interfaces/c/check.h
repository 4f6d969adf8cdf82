/*===- check.h - what the C tests share --------------------------------------===*/

#ifndef TESSERA_TEST_INTERFACES_C_CHECK_H
#define TESSERA_TEST_INTERFACES_C_CHECK_H

#include <stdint.h>
#include <tessera.h>

/* Counts what is not as it should be, and goes on. */
void check_failed(const char *file, int line, const char *what);
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* Texts, compared; the found one is printed. */
void check_text(const char *file, int line, const char *found, const char *expected);
#define CHECK_TEXT(found, expected) check_text(__FILE__, __LINE__, found, expected)
void check_contains(const char *file, int line, const char *text, const char *part);
#define CHECK_CONTAINS(text, part) check_contains(__FILE__, __LINE__, text, part)

/* A success; else the error is printed. */
void check_done(const char *file, int line, tessera_status status, tessera_error **error);
#define CHECK_DONE(status, error) check_done(__FILE__, __LINE__, status, &(error))

/* Numbers, compared up to `tolerance`; infinities must be the same. */
void check_close(const char *file, int line, const float *found, const double *expected,
                 int64_t count, double tolerance);
#define CHECK_CLOSE(found, expected, count, tolerance)                                             \
  check_close(__FILE__, __LINE__, found, expected, count, tolerance)

/* Eighths from -1 to 1: exact in every type of elements. */
void fill(float *into, int64_t count, unsigned seed);

/* A contiguous tensor; the struct and its extents live in `box`. */
typedef struct tensor_box {
  tessera_tensor tensor;
  int64_t shape[4], strides[4];
} tensor_box;
const tessera_tensor *tensor(tensor_box *box, const void *data, int dtype, int rank, int64_t a,
                             int64_t b, int64_t c, int64_t d);

/* One sequence of attention in double. Arrays are contiguous: rows, heads, width. */
typedef struct naive_call {
  int64_t sq, skv, h, g, d, e;
  const float *q, *k, *v;
  double scale, softcap; /* 0: the default, none */
  int causal, top_left;
  int has_left, has_right;
  int64_t left, right, sink_tokens;
  const float *sinks, *slopes; /* [h], or null */
} naive_call;
/* out [sq, h, e], lse [h, sq] */
void naive(const naive_call *call, double *out, double *lse);

/* The parts. */
void test_numbers(tessera_engine *engine);
void test_types(tessera_engine *engine);
void test_packed_and_paged(tessera_engine *engine);
void test_prepared(tessera_engine *engine);
void test_append(tessera_engine *engine);
void test_refusals(tessera_engine *engine);
void test_versions(tessera_engine *engine);
void test_threads(tessera_engine *engine);
void test_questions(tessera_engine *engine);

#endif
