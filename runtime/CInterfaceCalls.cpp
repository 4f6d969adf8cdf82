//===- CInterfaceCalls.cpp - tessera.h: calls -----------------------------===//
//
// Reads the caller's structs, then does what the runtime does. What fits the C
// structs but no call is refused here; what a call may say, the runtime knows.
//
//===----------------------------------------------------------------------===//

#include "runtime/CInterface.h"

#include <optional>

using namespace llvm;
using namespace tessera;
using namespace tessera::c;

/// Sizes of the first version of each struct.
static constexpr size_t oldestTensor = sizeof(tessera_tensor);
static constexpr size_t oldestAttention = offsetof(tessera_attention, variant);
static constexpr size_t oldestVariantArgument = sizeof(tessera_variant_argument);
static constexpr size_t oldestAppend = sizeof(tessera_append);

//===----------------------------------------------------------------------===//
// Texts
//===----------------------------------------------------------------------===//

/// A dtype as a caller reads it.
static std::string dtypeText(int32_t dtype) {
  switch (dtype) {
  case TESSERA_F32:
    return "f32";
  case TESSERA_F16:
    return "f16";
  case TESSERA_BF16:
    return "bf16";
  case TESSERA_E4M3:
    return "e4m3";
  case TESSERA_E5M2:
    return "e5m2";
  case TESSERA_I32:
    return "i32";
  }
  return fmt::format("{}", dtype);
}

static Error refuseType(const std::string &name, int32_t dtype, std::string expected,
                        std::string nearest) {
  return refuse(ErrorCode::unsupportedDType, name + ".dtype", dtypeText(dtype), std::move(expected),
                std::move(nearest));
}

static Error refuseNumber(std::string name, std::string found, std::string expected,
                          std::string nearest = "") {
  return refuse(ErrorCode::invalidValue, std::move(name), std::move(found), std::move(expected),
                std::move(nearest));
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

namespace {

/// Dimensions that a tensor may have.
struct Ranks {
  int least, most;

  std::string str() const {
    return least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
  }
};

/// A caller's tensor, before it is known what it is for.
struct Given {
  void *data;
  int32_t dtype;
  int rank;
  std::array<int64_t, 4> shape{}, strides{};
};

} // namespace

static Expected<Given> readTensor(const tessera_tensor *pointer, const std::string &name,
                                  Ranks ranks) {
  if (!pointer)
    return refuse(ErrorCode::missingTensor, name, "absent", "a tensor");
  Expected<tessera_tensor> tensor = readStruct(pointer, oldestTensor, name);
  if (!tensor)
    return tensor.takeError();
  int rank = tensor->rank;
  if (rank < ranks.least || rank > ranks.most)
    return refuse(ErrorCode::invalidRank, name + ".rank", fmt::format("{}", rank), ranks.str(),
                  fmt::format("{}", std::clamp(rank, ranks.least, ranks.most)));
  if (rank && !tensor->shape)
    return refuseNull(name + ".shape", fmt::format("{} extents", rank));

  Given given{tensor->data, tensor->dtype, rank};
  std::copy_n(tensor->shape, rank, given.shape.begin());
  if (tensor->strides)
    std::copy_n(tensor->strides, rank, given.strides.begin());
  else
    given.strides = Tensor::contiguous(nullptr, DType::f32, given.shape, rank).strides;
  bool isEmpty = std::count(given.shape.begin(), given.shape.begin() + rank, 0);
  if (isEmpty) // then it may be null, or that of anything
    given.data = nullptr;
  else if (!given.data)
    return refuse(ErrorCode::missingTensor, name + ".data", "null", "the address of its elements");
  return given;
}

/// Rows to read or write: an operand, or an output.
static Expected<Tensor> readRows(const tessera_tensor *pointer, const std::string &name,
                                 Ranks ranks) {
  Expected<Given> given = readTensor(pointer, name, ranks);
  if (!given)
    return given.takeError();
  static constexpr std::pair<int32_t, DType> types[] = {{TESSERA_F32, DType::f32},
                                                        {TESSERA_F16, DType::f16},
                                                        {TESSERA_BF16, DType::bf16},
                                                        {TESSERA_E4M3, DType::e4m3},
                                                        {TESSERA_E5M2, DType::e5m2}};
  auto *type = find_if(types, [&](auto &entry) { return entry.first == given->dtype; });
  if (type == std::end(types))
    return refuseType(name, given->dtype, "f32, f16, bf16, e4m3 or e5m2", "f32");
  return Tensor{given->data, type->second, given->shape, given->strides, given->rank};
}

/// Numbers beside the operands, of one type or of either.
static Expected<Table> readTable(const tessera_tensor *pointer, const std::string &name,
                                 Ranks ranks, std::optional<TableType> wanted) {
  Expected<Given> given = readTensor(pointer, name, ranks);
  if (!given)
    return given.takeError();
  TableType type = given->dtype == TESSERA_I32 ? TableType::i32 : TableType::f32;
  bool isKnown = given->dtype == TESSERA_I32 || given->dtype == TESSERA_F32;
  if (!isKnown || (wanted && type != *wanted)) {
    const char *nearest = wanted == TableType::i32 ? "i32" : "f32";
    return refuseType(name, given->dtype, wanted ? nearest : "f32 or i32", nearest);
  }
  return Table{given->data, type, given->rank, given->shape, given->strides};
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {

/// Reads fields one after the other; the first mistake stays.
class Reader {
public:
  void rows(Tensor &into, const tessera_tensor *from, const char *name, Ranks ranks) {
    keep(into, [&] { return readRows(from, name, ranks); });
  }

  /// Tables that may be left out.
  void floats(Table &into, const tessera_tensor *from, const char *name, Ranks ranks) {
    if (from)
      keep(into, [&] { return readTable(from, name, ranks, TableType::f32); });
  }
  void integers(Table &into, const tessera_tensor *from, const char *name, int rank) {
    if (from)
      required(into, from, name, rank);
  }
  void required(Table &into, const tessera_tensor *from, const char *name, int rank) {
    keep(into, [&] { return readTable(from, name, {rank, rank}, TableType::i32); });
  }

  /// A number that counts only with its `has_`; one without it was meant to.
  void window(int64_t &into, int32_t isGiven, int64_t value, const char *name) {
    if (!isGiven && value > 0)
      fail(refuseNumber(name, fmt::format("{} without has_{}", value, name),
                        fmt::format("has_{} to be 1, or no number", name)));
    else if (isGiven && value < 0)
      fail(refuseNumber(name, fmt::format("{}", value),
                        fmt::format("at least 0, or has_{} to be 0 for all keys", name), "0"));
    else
      into = isGiven ? value : -1;
  }
  template <class Number>
  void number(std::optional<Number> &into, int32_t isGiven, Number value, const char *name) {
    if (isGiven)
      into = value;
    else if (value != 0)
      fail(refuseNumber(name, fmt::format("{} without has_{}", value, name),
                        fmt::format("has_{} to be 1, or no number", name)));
  }

  /// A longest length; 0 leaves it to the lengths.
  void longest(int64_t &into, int64_t value, const char *name) {
    if (value < 0)
      fail(refuseNumber(name, fmt::format("{}", value), "at least 0", "0"));
    else
      into = value ? value : -1;
  }

  /// `tensors`: the memory of the first decides where none is named.
  void target(Target &into, const char *name, ArrayRef<NamedAddress> tensors,
              std::optional<int> device, const void *stream) {
    keep(into, [&] { return targetNamed(name, tensors, device, stream); });
    if (!first)
      fail(checkStream(into, stream));
  }

  /// Appending is a program of the host so far.
  void appendTarget(const char *name, ArrayRef<NamedAddress> tensors, const void *stream) {
    Target target = Target::host;
    this->target(target, name, tensors, std::nullopt, stream);
    if (isGpu(target))
      fail(refuse(ErrorCode::unsupportedTarget, "target", fmt::format("\"{}\"", str(target).str()),
                  "host, where rows are appended", "host"));
  }

  void variantArguments(VariantArguments &into, const tessera_attention &call);

  Error take() { return first ? std::move(*first) : Error::success(); }

private:
  void fail(Error error) {
    if (!error)
      return;
    if (first)
      consumeError(std::move(error));
    else
      first = std::move(error);
  }
  template <class T, class Read>
  void keep(T &into, Read read) {
    if (first)
      return;
    Expected<T> value = read();
    if (value)
      into = *value;
    else
      fail(value.takeError());
  }
  Error variantArgument(VariantArguments &into, const tessera_variant_argument *pointer,
                        const std::string &name);

  std::optional<Error> first;
};

} // namespace

Error Reader::variantArgument(VariantArguments &into, const tessera_variant_argument *pointer,
                              const std::string &name) {
  Expected<tessera_variant_argument> given = readStruct(pointer, oldestVariantArgument, name);
  if (!given)
    return given.takeError();
  if (!given->name || !*given->name)
    return refuseNumber(name + ".name", given->name ? "empty" : "null",
                        "the name that the variant's functions ask for");
  std::string key = given->name;
  if (into.tables.count(key) || into.scalars.count(key) || into.indices.count(key))
    return refuseNumber(name + ".name", fmt::format("\"{}\" a second time", key),
                        "a name of its own");
  if (given->tensor)
    keep(into.tables[key], [&] { return readTable(given->tensor, key, {1, 4}, std::nullopt); });
  else if (given->is_index)
    into.indices[key] = given->index;
  else
    into.scalars[key] = given->scalar;
  return Error::success();
}

void Reader::variantArguments(VariantArguments &into, const tessera_attention &call) {
  size_t count = call.variant_arguments_count;
  if (!count)
    return;
  if (!call.variant)
    return fail(refuseNumber("variant_arguments", fmt::format("{} without a variant", count),
                             "a variant that reads them"));
  if (!call.variant_arguments)
    return fail(refuseNull("variant_arguments", fmt::format("{} of them", count)));
  // An array of the caller's version: its elements are as large as they say.
  auto *bytes = reinterpret_cast<const std::byte *>(call.variant_arguments);
  for (size_t i = 0, stride = call.variant_arguments->size; i < count && !first; ++i)
    fail(variantArgument(into,
                         reinterpret_cast<const tessera_variant_argument *>(bytes + i * stride),
                         fmt::format("variant_arguments[{}]", i)));
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

Expected<Attention> c::toAttention(const tessera_attention *pointer) {
  Expected<tessera_attention> given = readStruct(pointer, oldestAttention, "call");
  if (!given)
    return given.takeError();
  Attention call;
  Reader read;
  read.rows(call.q, given->q, "q", {3, 4});
  read.rows(call.k, given->k, "k", {3, 4});
  read.rows(call.v, given->v, "v", {3, 4});
  read.rows(call.o, given->out, "out", {3, 4});
  if (given->lse)
    read.rows(call.lse, given->lse, "lse", {2, 3});
  read.number(call.scale, given->has_scale, given->scale, "scale");
  read.window(call.windowLeft, given->has_window_left, given->window_left, "window_left");
  read.window(call.windowRight, given->has_window_right, given->window_right, "window_right");
  read.floats(call.sinkLogits, given->sink_logits, "sink_logits", {1, 1});
  read.floats(call.alibiSlopes, given->alibi_slopes, "alibi_slopes", {1, 2});
  read.integers(call.cuSeqlensQ, given->cu_seqlens_q, "cu_seqlens_q", 1);
  read.integers(call.cuSeqlensKv, given->cu_seqlens_kv, "cu_seqlens_kv", 1);
  read.longest(call.maxSeqlenQ, given->max_seqlen_q, "max_seqlen_q");
  read.longest(call.maxSeqlenKv, given->max_seqlen_kv, "max_seqlen_kv");
  read.integers(call.seqUsedKv, given->seqused_kv, "seqused_kv", 1);
  read.integers(call.pageTable, given->page_table, "page_table", 2);
  read.number(call.device, given->has_device, given->device, "device");
  // Of packed sequences without rows only their lengths lie anywhere.
  read.target(call.target, given->target,
              {{"q", call.q.data},
               {"k", call.k.data},
               {"v", call.v.data},
               {"cu_seqlens_q", call.cuSeqlensQ.data},
               {"cu_seqlens_kv", call.cuSeqlensKv.data},
               {"seqused_kv", call.seqUsedKv.data}},
              call.device, given->stream);
  read.floats(call.qDescale, given->q_descale, "q_descale", {0, 2});
  read.floats(call.kDescale, given->k_descale, "k_descale", {0, 2});
  read.floats(call.vDescale, given->v_descale, "v_descale", {0, 2});
  read.variantArguments(call.variantArguments, *given);
  if (Error error = read.take())
    return error;

  call.softcap = given->softcap;
  call.causal = given->causal;
  call.topLeft = given->top_left;
  call.sinkTokens = given->sink_tokens;
  call.pageLayout = given->page_layout_hnd ? PageLayout::hnd : PageLayout::nhd;
  call.checked = given->checked;
  call.blockM = given->block_m;
  call.blockN = given->block_n;
  call.variant = given->variant;
  return call;
}

Expected<AppendCache> c::toAppendCache(const tessera_append *pointer) {
  Expected<tessera_append> given = readStruct(pointer, oldestAppend, "call");
  if (!given)
    return given.takeError();
  AppendCache call;
  Reader read;
  read.rows(call.rows, given->rows, "rows", {3, 4});
  read.rows(call.cache, given->cache, "cache", {4, 4});
  read.appendTarget(given->target, {{"rows", call.rows.data}, {"cache", call.cache.data}},
                    given->stream);
  read.required(call.starts, given->starts, "starts", 1);
  read.integers(call.cuSeqlens, given->cu_seqlens, "cu_seqlens", 1);
  read.longest(call.maxSeqlen, given->max_seqlen, "max_seqlen");
  read.integers(call.pageTable, given->page_table, "page_table", 2);
  read.floats(call.cos, given->cos, "cos", {2, 2});
  read.floats(call.sin, given->sin, "sin", {2, 2});
  read.integers(call.positions, given->positions, "positions", 1);
  if (Error error = read.take())
    return error;

  call.pageLayout = given->page_layout_hnd ? PageLayout::hnd : PageLayout::nhd;
  call.interleaved = given->interleaved;
  call.checked = given->checked;
  return call;
}

tessera_status tessera_attention_run(tessera_engine *engine, const tessera_attention *call,
                                     tessera_error **error) {
  auto run = [&]() -> Error {
    if (Error null = requireAll({"engine"}, engine))
      return null;
    Expected<Attention> attention = toAttention(call);
    if (!attention)
      return attention.takeError();
    return engine->engine->run(*attention, call->stream);
  };
  return finish(run(), error);
}

tessera_status tessera_attention_prepare(tessera_engine *engine, const tessera_attention *call,
                                         tessera_prepared **prepared, tessera_error **error) {
  auto prepare = [&]() -> Error {
    if (Error null = requireAll({"prepared", "engine"}, prepared, engine))
      return null;
    *prepared = nullptr;
    Expected<Attention> attention = toAttention(call);
    if (!attention)
      return attention.takeError();
    Expected<PreparedCall> made = engine->engine->prepare(*attention);
    if (!made)
      return made.takeError();
    *prepared = new tessera_prepared{engine->engine.get(), std::move(*made)};
    return Error::success();
  };
  return finish(prepare(), error);
}

tessera_status tessera_launch(const tessera_prepared *prepared, void *stream,
                              tessera_error **error) {
  auto launch = [&]() -> Error {
    if (Error null = requireAll({"prepared"}, prepared))
      return null;
    if (Error unknown = checkStream(prepared->call.target, stream))
      return unknown;
    return prepared->engine->launch(prepared->call, stream);
  };
  return finish(launch(), error);
}

void tessera_prepared_destroy(tessera_prepared *prepared) { delete prepared; }

tessera_status tessera_append_run(tessera_engine *engine, const tessera_append *call,
                                  tessera_error **error) {
  auto run = [&]() -> Error {
    if (Error null = requireAll({"engine"}, engine))
      return null;
    Expected<AppendCache> append = toAppendCache(call);
    if (!append)
      return append.takeError();
    return engine->engine->run(*append);
  };
  return finish(run(), error);
}
