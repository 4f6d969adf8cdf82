//===- Attention.cpp - checking a call and naming its key -----------------===//

#include "runtime/Attention.h"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

using namespace llvm;

namespace tessera {

/// Positions are 32-bit; a window or a count beyond this says "all".
static constexpr int64_t maxPosition = std::numeric_limits<int32_t>::max() / 4;

template <class... Args>
static Error refuse(fmt::format_string<Args...> format, Args &&...args) {
  return createStringError(std::make_error_code(std::errc::invalid_argument),
                           fmt::format(format, std::forward<Args>(args)...));
}

static Error checkTensor(const char *name, const Tensor &tensor) {
  for (int64_t extent : tensor.shape)
    if (extent < 0)
      return refuse("{} has the shape [{}], expected extents of at least 0", name,
                    fmt::join(tensor.shape, ", "));
  if (tensor.seqlen() > maxPosition)
    return refuse("{} has {} rows, expected at most {}", name, tensor.seqlen(), maxPosition);
  if (tensor.isEmpty())
    return Error::success();
  if (!tensor.data)
    return refuse("{} has no data", name);
  if (tensor.strides[3] != 1)
    return refuse("{} has a last stride of {} elements, expected 1 (contiguous rows)", name,
                  tensor.strides[3]);
  if (reinterpret_cast<uintptr_t>(tensor.data) % sizeOf(tensor.type))
    return refuse("{} is not aligned to its elements of {} bytes", name, sizeOf(tensor.type));
  return Error::success();
}

/// The first and one past the last byte of a tensor.
static std::pair<uintptr_t, uintptr_t> bytesOf(const Tensor &tensor) {
  int64_t low = 0, high = 0;
  for (int i = 0; i < 4; ++i) {
    int64_t reach = (tensor.shape[i] - 1) * tensor.strides[i];
    (reach < 0 ? low : high) += reach;
  }
  auto base = reinterpret_cast<uintptr_t>(tensor.data);
  return {base + low * sizeOf(tensor.type), base + (high + 1) * sizeOf(tensor.type)};
}

static bool overlap(const Tensor &a, const Tensor &b) {
  if (a.isEmpty() || b.isEmpty())
    return false;
  auto [aFirst, aEnd] = bytesOf(a);
  auto [bFirst, bEnd] = bytesOf(b);
  return aFirst < bEnd && bFirst < aEnd;
}

static Error checkShapes(const Attention &call) {
  auto expect = [](const char *name, const Tensor &tensor, int axis, int64_t value,
                   const char *like) -> Error {
    static constexpr const char *axes[] = {"batches", "rows", "heads", "elements in a row"};
    if (tensor.shape[axis] == value)
      return Error::success();
    return refuse("{} has {} {}, expected {} as {}", name, tensor.shape[axis], axes[axis], value,
                  like);
  };
  for (const auto &[name, tensor, axis, value, like] :
       {std::tuple{"k", call.k, 0, call.q.batch(), "in q"},
        std::tuple{"v", call.v, 0, call.q.batch(), "in q"},
        std::tuple{"o", call.o, 0, call.q.batch(), "in q"},
        std::tuple{"o", call.o, 1, call.q.seqlen(), "in q"},
        std::tuple{"o", call.o, 2, call.q.heads(), "in q"},
        std::tuple{"k", call.k, 3, call.q.width(), "in q"},
        std::tuple{"v", call.v, 1, call.k.seqlen(), "in k"},
        std::tuple{"v", call.v, 2, call.k.heads(), "in k"},
        std::tuple{"o", call.o, 3, call.v.width(), "in v"}})
    if (Error error = expect(name, tensor, axis, value, like))
      return error;
  if (call.q.heads() && (!call.k.heads() || call.q.heads() % call.k.heads()))
    return refuse("q has {} heads, expected a multiple of the {} heads of k", call.q.heads(),
                  call.k.heads());
  if (call.k.type != call.v.type)
    return refuse("v has elements of {}, expected {} as in k", str(call.v.type).str(),
                  str(call.k.type).str());
  return Error::success();
}

static Error checkNumbers(const Attention &call) {
  if (call.windowLeft < -1)
    return refuse("window_left is {}, expected at least 0, or -1 for all", call.windowLeft);
  if (call.windowRight < -1)
    return refuse("window_right is {}, expected at least 0, or -1 for all", call.windowRight);
  if (call.sinkTokens < 0)
    return refuse("sink_tokens is {}, expected at least 0", call.sinkTokens);
  if (!(call.softcap >= 0) || std::isinf(call.softcap))
    return refuse("softcap is {}, expected a positive number, or 0 for none", call.softcap);
  if (call.scale && !std::isfinite(*call.scale))
    return refuse("scale is {}, expected a finite number", *call.scale);
  return Error::success();
}

/// What is written has memory of its own, once for each element.
static Error checkOutput(const Attention &call) {
  for (auto [name, tensor] : {std::pair{"q", call.q}, {"k", call.k}, {"v", call.v}})
    if (overlap(call.o, tensor))
      return refuse("o overlaps {}, expected memory of its own", name);
  for (int axis = 0; axis < 3; ++axis)
    if (!call.o.isEmpty() && call.o.shape[axis] > 1 && call.o.strides[axis] == 0)
      return refuse("o has a stride of 0, expected a place for each element");
  if (!call.lse)
    return Error::success();
  Tensor lse = Tensor::contiguous(call.lse, DType::f32,
                                  {call.q.batch(), call.q.heads(), call.q.seqlen(), 1});
  for (auto [name, tensor] : {std::pair{"q", call.q}, {"k", call.k}, {"v", call.v}, {"o", call.o}})
    if (overlap(lse, tensor))
      return refuse("lse overlaps {}, expected memory of its own", name);
  return Error::success();
}

Expected<Key> keyOf(const Attention &call) {
  for (auto [name, tensor] : {std::pair{"q", call.q}, {"k", call.k}, {"v", call.v}, {"o", call.o}})
    if (Error error = checkTensor(name, tensor))
      return error;
  if (Error error = checkShapes(call))
    return error;
  if (Error error = checkNumbers(call))
    return error;
  if (Error error = checkOutput(call))
    return error;

  Key key;
  key.target = Target::host;
  key.q = call.q.type;
  key.kv = call.k.type;
  key.o = call.o.type;
  key.headDim = call.q.width();
  key.headDimV = call.v.width();
  key.causal = call.causal;
  key.topLeft = call.topLeft;
  key.windowLeft = call.windowLeft >= 0;
  key.windowRight = call.windowRight >= 0;
  key.sinkTokens = call.sinkTokens > 0;
  key.sinkLogits = call.sinkLogits != nullptr;
  key.alibi = call.alibiSlopes != nullptr;
  key.softcap = call.softcap > 0;
  key.lse = call.lse != nullptr;
  key.checked = call.checked;
  key.blockM = call.blockM;
  key.blockN = call.blockN;
  if (Error error = validate(key))
    return error;
  return normalized(key);
}

} // namespace tessera
