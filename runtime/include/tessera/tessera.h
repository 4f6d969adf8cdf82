//===- tessera.h - attention, the C++ interface ---------------------------===//
//
// Headers only, over the C interface in <tessera.h>; C++20, with or without
// exceptions and RTTI.
//
//   tessera::Result<tessera::Engine> engine = tessera::Engine::create();
//   tessera::Result<> done = engine->run({
//       .q = {q, {batch, seqlen, heads, 64}},
//       .k = {k, {batch, seqlen, kvHeads, 64}},
//       .v = {v, {batch, seqlen, kvHeads, 64}},
//       .out = {out, {batch, seqlen, heads, 64}},
//       .causal = true,
//   });
//   if (!done)
//     std::cerr << done.error().message << "\n";
//
// Nothing is thrown: what can fail returns a `Result`. A call that is refused
// has written nothing.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TESSERA_TESSERA_H
#define TESSERA_TESSERA_TESSERA_H

#if defined(__cplusplus) && __cplusplus < 202002L
#error "tessera/tessera.h is C++20; the interface in tessera.h is for C and any C++"
#endif

#include "result.h"

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tessera {

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// Types of elements. e4m3 and e5m2 are the 8-bit formats of OCP, the first
/// without infinities ("fn").
enum class ElementType : int32_t {
  f32 = TESSERA_F32,
  f16 = TESSERA_F16,
  bf16 = TESSERA_BF16,
  e4m3 = TESSERA_E4M3,
  e5m2 = TESSERA_E5M2,
  i32 = TESSERA_I32,
};

/// The type of elements of T. Specialize it for a half-precision type of your
/// own; pointers to other types are given with their type.
template <class T>
struct ElementOf;
template <>
struct ElementOf<float> {
  static constexpr ElementType type = ElementType::f32;
};
template <>
struct ElementOf<int32_t> {
  static constexpr ElementType type = ElementType::i32;
};

/// Extents or strides: `{batch, seqlen, heads, 64}`, or any span of int64_t.
class Extents {
public:
  Extents() = default;
  Extents(std::initializer_list<int64_t> extents)
      : Extents(std::span(extents.begin(), extents.size())) {}
  Extents(std::span<const int64_t> extents) : count(extents.size()) {
    for (size_t i = 0; i < count && i < most; ++i)
      extent[i] = extents[i];
  }

  /// May be more than any tensor has; the library refuses such a call.
  size_t rank() const { return count; }
  const int64_t *data() const { return extent.data(); }

private:
  static constexpr size_t most = 4;
  size_t count = 0;
  std::array<int64_t, most> extent{};
};

/// A tensor in memory of the caller's, to be read. Without strides its elements
/// lie one after the other; strides count elements.
class TensorRef {
public:
  TensorRef() = default;
  template <class T>
  TensorRef(const T *data, Extents shape, Extents strides = {})
      : TensorRef(data, ElementOf<T>::type, shape, strides) {}
  template <class T>
  TensorRef(std::span<T> data, Extents shape)
      : TensorRef(data.data(), ElementOf<std::remove_const_t<T>>::type, shape) {
    held = data.size();
  }
  TensorRef(const void *data, ElementType type, Extents shape, Extents strides = {})
      : memory(const_cast<void *>(data)), elementType(type), extents(shape), steps(strides) {}

  const void *data() const { return memory; }
  ElementType type() const { return elementType; }
  const Extents &shape() const { return extents; }
  const Extents &strides() const { return steps; }

  /// Why it cannot be passed on: a span that is too short, or strides that are
  /// not as many as extents. `name` is what the tensor is called.
  std::optional<Error> check(const std::string &name) const;

  /// For the C interface; refers to this.
  tessera_tensor c() const {
    tessera_tensor tensor = TESSERA_INIT(tessera_tensor);
    tensor.data = memory;
    tensor.dtype = static_cast<int32_t>(elementType);
    tensor.rank = static_cast<int32_t>(extents.rank());
    tensor.shape = extents.data();
    tensor.strides = steps.rank() ? steps.data() : nullptr;
    return tensor;
  }

protected:
  void *memory = nullptr;
  ElementType elementType = ElementType::f32;
  Extents extents, steps;
  std::optional<size_t> held; ///< elements of a span
};

/// A tensor in memory of the caller's, to be written.
class MutableTensorRef : public TensorRef {
public:
  MutableTensorRef() = default;
  template <class T>
  requires(!std::is_const_v<T>) MutableTensorRef(T *data, Extents shape, Extents strides = {})
      : TensorRef(data, shape, strides) {}
  template <class T>
  requires(!std::is_const_v<T>) MutableTensorRef(std::span<T> data, Extents shape)
      : TensorRef(data, shape) {}
  MutableTensorRef(void *data, ElementType type, Extents shape, Extents strides = {})
      : TensorRef(data, type, shape, strides) {}

  void *data() const { return memory; }
};

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// How pages lie: rows before heads, `[pages, page_size, kv_heads, width]`, or
/// heads before rows, `[pages, kv_heads, page_size, width]`.
enum class PageOrder { rowsFirst, headsFirst };

/// What a variant's functions ask for under a name: a table of f32 or i32 of
/// rank 1 to 4, a number (`scalar`), or an integer (`index`).
struct VariantArgument {
  VariantArgument(std::string asked, TensorRef table) : name(std::move(asked)), value(table) {}
  VariantArgument(std::string asked, std::floating_point auto scalar)
      : name(std::move(asked)), value(static_cast<float>(scalar)) {}
  VariantArgument(std::string asked, std::integral auto index)
      : name(std::move(asked)), value(static_cast<int64_t>(index)) {}

  std::string name;
  std::variant<TensorRef, float, int64_t> value;
};

/// One call of attention: `out = softmax(scale * q k^T + bias, where visible) v`.
///
/// b: batch, h: heads, g: kv_heads (divides h), d: head_dim, e: head_dim_v;
/// multiples of 8 from 8 to 512. Operands are f32, f16, bf16 or, with an output
/// of another type, fp8; their last dimension is contiguous. Query i stands at
/// key position i + seqlen_kv - seqlen_q, or at i with `topLeft`. A row that
/// sees no key gives zeros and an LSE of -inf (with a sink logit: the sink).
///
/// On a GPU all tensors are memory of that GPU, which nothing on the host reads:
/// packed queries need `maxSeqlenQ`, and of the descales all are given or none.
struct AttentionCall {
  TensorRef q = {};          ///< [b, sq, h, d], or with cuSeqlensQ [total_q, h, d]
  TensorRef k = {};          ///< [b, skv, g, d], [total_kv, g, d], or pages
  TensorRef v = {};          ///< like k, e wide
  MutableTensorRef out = {}; ///< like q, e wide; f32, f16 or bf16; overlaps nothing
  /// f32 [b, h, sq], packed [h, total_q]: the natural logarithm of the sum.
  std::optional<MutableTensorRef> lse = {};

  std::optional<float> scale = {}; ///< 1 / sqrt(d) if not given
  float softcap = 0;               ///< c > 0: scores become c * tanh(score / c)
  bool causal = false;             ///< a query sees no later key
  bool topLeft = false;            ///< query 0 stands at key 0, not the last at the last
  /// Keys seen before a query's position, and after it, besides the one at it.
  std::optional<int64_t> windowLeft = {}, windowRight = {};
  int64_t sinkTokens = 0; ///< the first n keys are seen besides the window

  std::optional<TensorRef> sinkLogits = {};  ///< f32 [h]: a term in the softmax sum
  std::optional<TensorRef> alibiSlopes = {}; ///< f32 [h] or [b, h]: - slope * distance

  std::optional<TensorRef> cuSeqlensQ = {};  ///< i32 [b + 1]: where sequences begin, and total_q
  std::optional<TensorRef> cuSeqlensKv = {}; ///< i32 [b + 1]
  int64_t maxSeqlenQ = 0;                    ///< 0: from cuSeqlensQ, but not on a GPU
  int64_t maxSeqlenKv = 0;                   ///< 0: from the lengths
  std::optional<TensorRef> seqUsedKv = {};   ///< i32 [b]: the first n keys of each sequence
  /// i32 [b, max_pages]; needs seqUsedKv. Entries past a length are not read.
  std::optional<TensorRef> pageTable = {};
  PageOrder pageOrder = PageOrder::rowsFirst;

  /// f32, rank 0 or [b, g]: factors of fp8 operands.
  std::optional<TensorRef> qDescale = {}, kDescale = {}, vDescale = {};

  bool checked = false; ///< use the checking kernel
  int64_t blockM = 0;   ///< query rows of a tile; 0: the schedule's choice
  int64_t blockN = 0;   ///< key rows of a tile; 0: the schedule's choice

  /// "host", "sm90a", or "cuda": what the GPU that holds q is. Null: "cuda" if q
  /// (where it has no elements k, v, or lengths) is memory of a GPU, else "host".
  const char *target = nullptr;
  /// Of `run` on a GPU: a CUstream or cudaStream_t, null for the default one.
  void *stream = nullptr;
  /// Of a GPU, if known: the number of the device that holds all memory of the call. Then the
  /// driver is not asked where each tensor lies, and a tensor elsewhere is not refused.
  std::optional<int> device = {};

  int64_t variant = 0; ///< what registerVariant gave (tessera/variant.h); 0: none
  std::vector<VariantArgument> variantArguments = {};
};

/// One call that writes new rows behind those that a cache holds:
/// `cache[b, starts[b] + i] = rotate(rows[b, i], positions[b] + i)`.
///
/// n being the width of `cos` and `sin`, pairs of the first 2n elements of a row
/// are turned: x0' = x0 cos - x1 sin, x1' = x1 cos + x0 sin; i pairs with i + n,
/// or, interleaved, 2i with 2i + 1. Without tables rows are copied.
struct AppendCall {
  TensorRef rows = {};                     ///< [b, s, g, d], or with cuSeqlens [total, g, d]
  MutableTensorRef cache = {};             ///< [b, capacity, g, d], or pages
  TensorRef starts = {};                   ///< i32 [b]: rows the cache holds already
  std::optional<TensorRef> cuSeqlens = {}; ///< i32 [b + 1]
  int64_t maxSeqlen = 0;                   ///< 0: from cuSeqlens
  std::optional<TensorRef> pageTable = {}; ///< i32 [b, max_pages]
  PageOrder pageOrder = PageOrder::rowsFirst;
  std::optional<TensorRef> cos = {};       ///< f32 [positions, n]
  std::optional<TensorRef> sin = {};       ///< f32 [positions, n]
  std::optional<TensorRef> positions = {}; ///< i32 [b]: of row 0; not given: starts
  bool interleaved = false;
  bool checked = false;
  const char *target = nullptr; ///< "host" or null: nothing else appends
  void *stream = nullptr;
};

namespace detail {

/// The structs of a call for the C interface. Refers to the call.
class CallStructs {
public:
  explicit CallStructs(const AttentionCall &from);
  explicit CallStructs(const AppendCall &from);
  CallStructs(const CallStructs &) = delete;

  /// What is wrong before the library has seen it.
  const std::optional<Error> &mistake() const { return first; }

  tessera_attention attention = TESSERA_INIT(tessera_attention);
  tessera_append append = TESSERA_INIT(tessera_append);

private:
  /// A tensor that must be there; a TensorRef of nothing is none.
  const tessera_tensor *add(const TensorRef &tensor, const char *name) {
    return tensor.data() || tensor.shape().rank() ? put(tensor, name) : nullptr;
  }
  template <class Ref>
  const tessera_tensor *add(const std::optional<Ref> &tensor, const char *name) {
    return tensor ? put(*tensor, name) : nullptr;
  }
  const tessera_tensor *put(const TensorRef &tensor, const char *name) {
    if (!first)
      first = tensor.check(name);
    assert(used < tensors.size());
    tensors[used] = tensor.c();
    return &tensors[used++];
  }

  std::array<tessera_tensor, 16> tensors;
  size_t used = 0;
  std::vector<tessera_tensor> variantTensors;
  std::vector<tessera_variant_argument> variantArguments;
  std::optional<Error> first;
};

struct Destroy {
  void operator()(tessera_engine *engine) const { tessera_engine_destroy(engine); }
  void operator()(tessera_prepared *prepared) const { tessera_prepared_destroy(prepared); }
};

} // namespace detail

//===----------------------------------------------------------------------===//
// Engines
//===----------------------------------------------------------------------===//

/// A call that is checked and laid out, to be launched again and again: it reads
/// the tensors' present contents, but the lengths it was prepared with. Refers
/// to the tensors' memory and to the engine.
class Prepared {
public:
  /// Computes the call. On the host, the output is there when it returns. On a
  /// GPU it returns at once, without allocation or synchronisation; the kernel
  /// runs in `stream`, a CUstream or cudaStream_t, and a capture records it.
  Result<> launch(void *stream = nullptr) const {
    tessera_error *error = nullptr;
    tessera_launch(handle.get(), stream, &error);
    return detail::done(error);
  }

private:
  friend class Engine;
  explicit Prepared(tessera_prepared *prepared) : handle(prepared) {}

  std::unique_ptr<tessera_prepared, detail::Destroy> handle;
};

/// Compiles, caches and runs kernels. Can be used from several threads. Outlives
/// what it launched on a GPU.
class Engine {
public:
  /// An engine configured by the environment (TESSERA_CACHE_DIR and the like).
  static Result<Engine> create() {
    tessera_engine *engine = nullptr;
    tessera_error *error = nullptr;
    tessera_engine_create(&engine, &error);
    if (error)
      return detail::take(error);
    return Engine(engine);
  }

  /// Computes a call. On the host, the output is there when it returns; on a GPU
  /// it returns at once, and the caller synchronises.
  Result<> run(const AttentionCall &call) const {
    detail::CallStructs structs(call);
    if (structs.mistake())
      return *structs.mistake();
    tessera_error *error = nullptr;
    tessera_attention_run(handle.get(), &structs.attention, &error);
    return detail::done(error);
  }
  Result<> run(const AppendCall &call) const {
    detail::CallStructs structs(call);
    if (structs.mistake())
      return *structs.mistake();
    tessera_error *error = nullptr;
    tessera_append_run(handle.get(), &structs.append, &error);
    return detail::done(error);
  }

  Result<Prepared> prepare(const AttentionCall &call) const {
    detail::CallStructs structs(call);
    if (structs.mistake())
      return *structs.mistake();
    tessera_prepared *prepared = nullptr;
    tessera_error *error = nullptr;
    tessera_attention_prepare(handle.get(), &structs.attention, &prepared, &error);
    if (error)
      return detail::take(error);
    return Prepared(prepared);
  }

  /// What a call's kernel does, as JSON; see tessera_attention_explain.
  Result<std::string> explain(const AttentionCall &call) const {
    detail::CallStructs structs(call);
    if (structs.mistake())
      return *structs.mistake();
    tessera_text *text = nullptr;
    tessera_error *error = nullptr;
    tessera_attention_explain(handle.get(), &structs.attention, &text, &error);
    return detail::taken(text, error);
  }

  /// The kernel of a key at a stage: `generic`, `specialized`, `vector`, `llvm`
  /// or `asm`.
  Result<std::string> compile(const std::string &key, const std::string &stage) const {
    tessera_text *text = nullptr;
    tessera_error *error = nullptr;
    tessera_compile(handle.get(), key.c_str(), stage.c_str(), &text, &error);
    return detail::taken(text, error);
  }

private:
  explicit Engine(tessera_engine *engine) : handle(engine) {}

  std::unique_ptr<tessera_engine, detail::Destroy> handle;
};

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

/// Whether there is a kernel for a key, `fwd,host,bf16,d128,causal`: the key as
/// the library writes it.
inline Result<std::string> supports(const std::string &key) {
  tessera_text *text = nullptr;
  tessera_error *error = nullptr;
  tessera_supports(key.c_str(), &text, &error);
  return detail::taken(text, error);
}

/// The key of the kernel that computes a call.
inline Result<std::string> keyOf(const AttentionCall &call) {
  detail::CallStructs structs(call);
  if (structs.mistake())
    return *structs.mistake();
  tessera_text *text = nullptr;
  tessera_error *error = nullptr;
  tessera_attention_key(&structs.attention, &text, &error);
  return detail::taken(text, error);
}

//===----------------------------------------------------------------------===//
// From here on: how
//===----------------------------------------------------------------------===//

inline std::optional<Error> TensorRef::check(const std::string &name) const {
  auto refuse = [](tessera_status status, std::string subject, std::string found,
                   std::string expected) {
    std::string message = subject + " is " + found + ", expected " + expected;
    return Error{status,           std::move(message),  std::move(subject),
                 std::move(found), std::move(expected), ""};
  };
  if (steps.rank() && steps.rank() != extents.rank())
    return refuse(TESSERA_INVALID_STRIDE, name + ".strides",
                  std::to_string(steps.rank()) + " numbers",
                  std::to_string(extents.rank()) + " as in the shape");
  constexpr size_t most = 4;
  if (!held || extents.rank() > most)
    return std::nullopt; // of a rank above 4 the library will speak
  size_t room = *held;
  for (size_t i = 0; i < extents.rank(); ++i)
    if (extents.data()[i] <= 0)
      return std::nullopt; // no elements, or the library will speak
  for (size_t i = 0; i < extents.rank(); ++i)
    room /= static_cast<size_t>(extents.data()[i]); // rounding down: never too many
  if (room)
    return std::nullopt;
  std::string shape;
  for (size_t i = 0; i < extents.rank(); ++i)
    shape += (i ? ", " : "") + std::to_string(extents.data()[i]);
  return refuse(TESSERA_INVALID_SHAPE, name, "a span of " + std::to_string(*held) + " elements",
                "as many as the shape [" + shape + "] has");
}

inline detail::CallStructs::CallStructs(const AttentionCall &from) {
  tessera_attention &to = attention;
  to.q = add(from.q, "q");
  to.k = add(from.k, "k");
  to.v = add(from.v, "v");
  to.out = add(from.out, "out");
  to.lse = add(from.lse, "lse");
  to.has_scale = from.scale.has_value();
  to.scale = from.scale.value_or(0);
  to.softcap = from.softcap;
  to.causal = from.causal;
  to.top_left = from.topLeft;
  to.has_window_left = from.windowLeft.has_value();
  to.has_window_right = from.windowRight.has_value();
  to.window_left = from.windowLeft.value_or(0);
  to.window_right = from.windowRight.value_or(0);
  to.sink_tokens = from.sinkTokens;
  to.sink_logits = add(from.sinkLogits, "sink_logits");
  to.alibi_slopes = add(from.alibiSlopes, "alibi_slopes");
  to.cu_seqlens_q = add(from.cuSeqlensQ, "cu_seqlens_q");
  to.cu_seqlens_kv = add(from.cuSeqlensKv, "cu_seqlens_kv");
  to.max_seqlen_q = from.maxSeqlenQ;
  to.max_seqlen_kv = from.maxSeqlenKv;
  to.seqused_kv = add(from.seqUsedKv, "seqused_kv");
  to.page_table = add(from.pageTable, "page_table");
  to.page_layout_hnd = from.pageOrder == PageOrder::headsFirst;
  to.q_descale = add(from.qDescale, "q_descale");
  to.k_descale = add(from.kDescale, "k_descale");
  to.v_descale = add(from.vDescale, "v_descale");
  to.checked = from.checked;
  to.block_m = from.blockM;
  to.block_n = from.blockN;
  to.target = from.target;
  to.stream = from.stream;
  to.has_device = from.device.has_value();
  to.device = from.device.value_or(0);
  to.variant = from.variant;

  variantTensors.reserve(from.variantArguments.size()); // they are pointed to
  for (const VariantArgument &argument : from.variantArguments) {
    tessera_variant_argument &given =
        variantArguments.emplace_back(TESSERA_INIT(tessera_variant_argument));
    given.name = argument.name.c_str();
    if (auto *table = std::get_if<TensorRef>(&argument.value)) {
      if (!first)
        first = table->check(argument.name);
      given.tensor = &variantTensors.emplace_back(table->c());
    } else if (auto *scalar = std::get_if<float>(&argument.value)) {
      given.scalar = *scalar;
    } else {
      given.is_index = 1;
      given.index = *std::get_if<int64_t>(&argument.value);
    }
  }
  to.variant_arguments_count = variantArguments.size();
  to.variant_arguments = variantArguments.data();
}

inline detail::CallStructs::CallStructs(const AppendCall &from) {
  tessera_append &to = append;
  to.rows = add(from.rows, "rows");
  to.cache = add(from.cache, "cache");
  to.starts = add(from.starts, "starts");
  to.cu_seqlens = add(from.cuSeqlens, "cu_seqlens");
  to.max_seqlen = from.maxSeqlen;
  to.page_table = add(from.pageTable, "page_table");
  to.page_layout_hnd = from.pageOrder == PageOrder::headsFirst;
  to.cos = add(from.cos, "cos");
  to.sin = add(from.sin, "sin");
  to.positions = add(from.positions, "positions");
  to.interleaved = from.interleaved;
  to.checked = from.checked;
  to.target = from.target;
  to.stream = from.stream;
}

} // namespace tessera

#endif // TESSERA_TESSERA_TESSERA_H
