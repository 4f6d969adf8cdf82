/*===- tessera.h - attention, the C interface -------------------------------===
 *
 * Thread-safe. Nothing throws across it. Every function that can fail returns a
 * status. Where `error` is not null it sets *error: to null, or to a description
 * to be freed with tessera_error_destroy. A call that is refused has written
 * nothing.
 *
 * Structs begin with their size, which the caller sets with TESSERA_INIT. Zero
 * means "not given" everywhere, so a library that is newer than the caller takes
 * the fields that the caller does not know of as zero, and one that is older
 * refuses what it does not know of unless it is zero.
 *
 *===------------------------------------------------------------------------===*/

#ifndef TESSERA_H
#define TESSERA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TESSERA_EXPORT __attribute__((visibility("default")))

/** Zeroes a struct and sets its size: `tessera_tensor q = TESSERA_INIT(tessera_tensor);` */
#ifdef __cplusplus
#define TESSERA_INIT(type)                                                                         \
  ([] {                                                                                            \
    type zero{};                                                                                   \
    zero.size = sizeof(type);                                                                      \
    return zero;                                                                                   \
  }())
#else
#define TESSERA_INIT(type)                                                                         \
  { .size = sizeof(type) }
#endif

/* ---- Status and errors --------------------------------------------------- */

typedef enum tessera_status {
  TESSERA_OK = 0,
  TESSERA_INVALID_KEY = 1,          /**< a key's text or fields contradict each other */
  TESSERA_UNSUPPORTED_DTYPE = 2,    /**< a type, or a mix of types, that no kernel has */
  TESSERA_UNSUPPORTED_HEAD_DIM = 3, /**< a width that no kernel has */
  TESSERA_INVALID_RANK = 4,         /**< too many or too few dimensions */
  TESSERA_INVALID_SHAPE = 5,        /**< an extent that does not fit the other tensors */
  TESSERA_INVALID_STRIDE = 6,       /**< rows that are not contiguous, outputs that share memory */
  TESSERA_MISALIGNED = 7,           /**< an address that is no multiple of the element's size */
  TESSERA_MISSING_TENSOR = 8,       /**< no data, or one of two tensors that belong together */
  TESSERA_INVALID_VALUE = 9,        /**< a number outside of its range, a null or a short struct */
  TESSERA_INVALID_LENGTHS = 10,     /**< cu_seqlens that decrease, lengths beyond the cache */
  TESSERA_INVALID_PAGES = 11,       /**< page size, page table or page numbers */
  TESSERA_OVERLAP = 12,             /**< an output that shares memory with another tensor */
  TESSERA_UNKNOWN_VARIANT = 13,     /**< a fingerprint that no registered variant has */
  TESSERA_UNSUPPORTED_TARGET = 14,  /**< a machine there are no kernels for */
  TESSERA_INTERNAL_ERROR = 15       /**< not the caller's mistake */
} tessera_status;

/** "TESSERA_INVALID_SHAPE" and the like; lives as long as the library. */
TESSERA_EXPORT const char *tessera_status_name(tessera_status status);

typedef struct tessera_error tessera_error;

/** Of null: TESSERA_OK, and empty strings below. */
TESSERA_EXPORT tessera_status tessera_error_status(const tessera_error *error);
/** All of it in one line. These strings live as long as the error. */
TESSERA_EXPORT const char *tessera_error_message(const tessera_error *error);
/** What is wrong: `q.shape[3]`. */
TESSERA_EXPORT const char *tessera_error_subject(const tessera_error *error);
/** The offending value: `12`. */
TESSERA_EXPORT const char *tessera_error_found(const tessera_error *error);
/** What it should be. */
TESSERA_EXPORT const char *tessera_error_expected(const tessera_error *error);
/** The nearest supported value or key; empty where there is none. */
TESSERA_EXPORT const char *tessera_error_nearest(const tessera_error *error);
TESSERA_EXPORT void tessera_error_destroy(tessera_error *error);

/** "0.1.0". */
TESSERA_EXPORT const char *tessera_version(void);

/* ---- Tensors --------------------------------------------------------------- */

typedef enum tessera_dtype {
  TESSERA_F32 = 1,
  TESSERA_F16 = 2,
  TESSERA_BF16 = 3,
  TESSERA_E4M3 = 4, /**< 8 bits, OCP e4m3fn */
  TESSERA_E5M2 = 5, /**< 8 bits, OCP e5m2 */
  TESSERA_I32 = 6
} tessera_dtype;

/** A tensor in the caller's memory: of the host, or of a GPU where a GPU computes. */
typedef struct tessera_tensor {
  size_t size;            /**< sizeof(tessera_tensor) */
  void *data;             /**< first element; of a tensor without elements anything, also null */
  int32_t dtype;          /**< tessera_dtype */
  int32_t rank;           /**< dimensions */
  const int64_t *shape;   /**< [rank] */
  const int64_t *strides; /**< [rank], in elements; null: contiguous */
} tessera_tensor;

/* ---- Engines --------------------------------------------------------------- */

/** Compiles, caches and runs kernels. */
typedef struct tessera_engine tessera_engine;

/** An engine configured by the environment (TESSERA_CACHE_DIR and the like). */
TESSERA_EXPORT tessera_status tessera_engine_create(tessera_engine **engine, tessera_error **error);
/** After the last call on it has returned and, on a GPU, after what it launched has
    finished. Null is allowed. */
TESSERA_EXPORT void tessera_engine_destroy(tessera_engine *engine);

/* ---- Attention ------------------------------------------------------------- */

/**
 * One call of attention: out = softmax(scale * q k^T + bias, where visible) v.
 *
 * b: batch, h: heads, g: kv_heads (divides h), d: head_dim, e: head_dim_v;
 * multiples of 8 from 8 to 512. Optional tensors are null where not wanted.
 * Dense and packed tensors may have any strides with a contiguous last
 * dimension. Query i stands at key position i + seqlen_kv - seqlen_q, or at i
 * with `top_left`. A row that sees no key gives zeros and an LSE of -inf (with
 * a sink logit: the sink).
 *
 * On a GPU all tensors are memory of that GPU. Nothing on the host reads them, so
 * lengths and pages are not checked, packed queries need max_seqlen_q, and of the
 * descales all are given or none. Operands start at multiples of 16 bytes, and so
 * do their rows, heads and batches.
 */
typedef struct tessera_attention {
  size_t size; /**< sizeof(tessera_attention) */

  const tessera_tensor *q;   /**< [b, sq, h, d], or with cu_seqlens_q [total_q, h, d] */
  const tessera_tensor *k;   /**< [b, skv, g, d], [total_kv, g, d], or pages (see page_table) */
  const tessera_tensor *v;   /**< like k, e wide */
  const tessera_tensor *out; /**< like q, e wide; f32, f16 or bf16; overlaps nothing */
  const tessera_tensor *lse; /**< f32 [b, h, sq], packed [h, total_q]; natural logarithm */

  int32_t has_scale; /**< 0: scale is 1 / sqrt(d); a number without its has_ is refused */
  float scale;
  float softcap;    /**< c > 0: scores become c * tanh(score / c) */
  int32_t causal;   /**< a query sees no later key */
  int32_t top_left; /**< query 0 stands at key 0, instead of the last at the last */

  int32_t has_window_left;  /**< 0: all keys before the query's position */
  int32_t has_window_right; /**< 0: all keys after it */
  int64_t window_left;      /**< how many are seen, besides that at the position */
  int64_t window_right;
  int64_t sink_tokens; /**< the first n keys are seen besides the window */

  const tessera_tensor *sink_logits;  /**< f32 [h], natural logarithm: a term in the softmax sum */
  const tessera_tensor *alibi_slopes; /**< f32 [h] or [b, h]: score - slope * distance */

  const tessera_tensor *cu_seqlens_q;  /**< i32 [b + 1]: where sequences begin, and total_q */
  const tessera_tensor *cu_seqlens_kv; /**< i32 [b + 1] */
  int64_t max_seqlen_q;                /**< 0: from cu_seqlens_q, which a GPU's caller knows */
  int64_t max_seqlen_kv;               /**< 0: from the lengths */
  const tessera_tensor *seqused_kv;    /**< i32 [b]: only the first n keys of each sequence */

  /** i32 [b, max_pages]; needs seqused_kv. k and v are then pages: rows before
      heads (NHD) [pages, page_size, g, d], or heads before rows (HND)
      [pages, g, page_size, d]. Entries past a length are not read. */
  const tessera_tensor *page_table;
  int32_t page_layout_hnd; /**< 0: NHD */

  const tessera_tensor *q_descale; /**< f32, rank 0 or [b, g]: factor of fp8 queries */
  const tessera_tensor *k_descale; /**< the same of keys */
  const tessera_tensor *v_descale; /**< the same of values */

  int32_t checked; /**< use the checking kernel */
  int64_t block_m; /**< query rows of a tile; 0: the schedule's choice */
  int64_t block_n; /**< key rows of a tile; 0: the schedule's choice */

  /** "host", "sm90a", or "cuda": what the GPU that holds q is. Null: "cuda" if q (where it
      has no elements k, v, or lengths) is memory of a GPU, else "host". */
  const char *target;
  /** Of tessera_attention_run on a GPU: a CUstream or cudaStream_t, null for the
      default one. tessera_launch is given its own. Null on the host. */
  void *stream;

  /** A variant registered through tessera/variant.h; 0: none. What its functions read: */
  int64_t variant;
  size_t variant_arguments_count;
  const struct tessera_variant_argument *variant_arguments;

  /** Of a GPU, if known: the number of the device that holds all memory of the call. Then the
      driver is not asked where each tensor lies, and a tensor elsewhere is not refused. */
  int32_t has_device;
  int32_t device;
} tessera_attention;

/** A named argument of a variant: a tensor if `tensor` is not null, else a number. */
typedef struct tessera_variant_argument {
  size_t size; /**< sizeof(tessera_variant_argument) */
  const char *name;
  const tessera_tensor *tensor; /**< f32 or i32, rank 1 to 4 */
  int32_t is_index;             /**< 1: the number is `index`; 0: `scalar` */
  float scalar;
  int64_t index;
} tessera_variant_argument;

/** Computes a call. On the host, the output is there when it returns. On a GPU it
    returns at once: the kernel runs in `stream` after what was put there before,
    and the caller synchronises. */
TESSERA_EXPORT tessera_status tessera_attention_run(tessera_engine *engine,
                                                    const tessera_attention *call,
                                                    tessera_error **error);

/** A call that is checked and laid out: launched again and again, it reads the
    tensors' present contents, but the lengths it was prepared with. Refers to
    the tensors' memory and to the engine; not to the structs. */
typedef struct tessera_prepared tessera_prepared;

TESSERA_EXPORT tessera_status tessera_attention_prepare(tessera_engine *engine,
                                                        const tessera_attention *call,
                                                        tessera_prepared **prepared,
                                                        tessera_error **error);
/** Computes a prepared call, like tessera_attention_run. On a GPU it neither
    allocates nor synchronises, so a stream that is being captured records it; one
    prepared call may be launched into several streams, from several threads. */
TESSERA_EXPORT tessera_status tessera_launch(const tessera_prepared *prepared, void *stream,
                                             tessera_error **error);
TESSERA_EXPORT void tessera_prepared_destroy(tessera_prepared *prepared);

/* ---- Appending to a cache ------------------------------------------------- */

/**
 * cache[b, starts[b] + i] = rotate(rows[b, i], positions[b] + i)
 *
 * n being the width of cos and sin, pairs of the first 2n elements of a row are
 * turned: x0' = x0 cos - x1 sin, x1' = x1 cos + x0 sin; i pairs with i + n, or,
 * interleaved, 2i with 2i + 1. Without tables rows are copied.
 */
typedef struct tessera_append {
  size_t size;                      /**< sizeof(tessera_append) */
  const tessera_tensor *rows;       /**< [b, s, g, d], or with cu_seqlens [total, g, d] */
  const tessera_tensor *cache;      /**< [b, capacity, g, d], or pages */
  const tessera_tensor *starts;     /**< i32 [b]: rows the cache holds already */
  const tessera_tensor *cu_seqlens; /**< i32 [b + 1] */
  int64_t max_seqlen;               /**< 0: from cu_seqlens */
  const tessera_tensor *page_table; /**< i32 [b, max_pages] */
  int32_t page_layout_hnd;
  const tessera_tensor *cos;       /**< f32 [positions, n] */
  const tessera_tensor *sin;       /**< f32 [positions, n] */
  const tessera_tensor *positions; /**< i32 [b]: of row 0; null: starts */
  int32_t interleaved;
  int32_t checked;
  const char *target; /**< "host" or null: nothing else appends */
  void *stream;       /**< null */
} tessera_append;

TESSERA_EXPORT tessera_status tessera_append_run(tessera_engine *engine, const tessera_append *call,
                                                 tessera_error **error);

/* ---- Questions -------------------------------------------------------------- */

/** Text made by the library; free with tessera_text_destroy. */
typedef struct tessera_text tessera_text;
TESSERA_EXPORT const char *tessera_text_str(const tessera_text *text);
TESSERA_EXPORT void tessera_text_destroy(tessera_text *text);

/** Whether there is a kernel for a key, `fwd,host,bf16,d128,causal`. `normalized`
    (may be null) receives the key as the library writes it. */
TESSERA_EXPORT tessera_status tessera_supports(const char *key, tessera_text **normalized,
                                               tessera_error **error);

/** The key of the kernel that computes a call; refuses like the call itself,
    though without a look at a variant's arguments. */
TESSERA_EXPORT tessera_status tessera_attention_key(const tessera_attention *call,
                                                    tessera_text **key, tessera_error **error);

/** What a call's kernel does, as JSON:

        {"key": "fwd,host,f32,d64,causal", "target": "host",
         "block_m": 96, "block_n": 64,
         "sequences": [{"count": 2, "seqlen_q": 300, "seqlen_kv": 300,
                        "query_tiles": 4, "key_tiles": 5}],
         "tiles": {"skipped": 16, "masked": 8, "full": 16, "undecided": 0},
         "arguments": [{"name": "q", "kind": "view", ...}]}

    `sequences` are those of the call, `count` of the same lengths each. `tiles`
    counts what one head does with them, over all sequences: tiles it does not
    visit, masks, takes whole, or looks at when it runs. It is null where there
    are more than 2^22. Of the host only. `arguments` are what the kernel reads: a `view` has a
    `dtype` and a `width`, a `table` a `dtype` and a `rank`, a `scalar` a `dtype`,
    an `index` neither. */
TESSERA_EXPORT tessera_status tessera_attention_explain(tessera_engine *engine,
                                                        const tessera_attention *call,
                                                        tessera_text **json, tessera_error **error);

/** Compiles the kernel of a key to a stage (`generic`, `specialized`, `vector`,
    `llvm`, `asm`) and gives its text. */
TESSERA_EXPORT tessera_status tessera_compile(tessera_engine *engine, const char *key,
                                              const char *stage, tessera_text **text,
                                              tessera_error **error);

#ifdef __cplusplus
}
#endif

#endif /* TESSERA_H */
