//===- Device.cpp - calls on the GPU of the tests -------------------------===//

#include "test/kernels/Device.h"
#include "dsl/Refusal.h"
#include "runtime/Engine.h"
#include "runtime/cuda/DeviceMemory.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>
#include <fmt/format.h>

using namespace llvm;
using namespace tessera::cuda;

namespace tessera::test {

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

static Target readTarget() {
  const char *variable = "TESSERA_TEST_TARGET";
  const char *text = std::getenv(variable);
  if (!text || !*text)
    return Target::host;
  std::string name = text;
  ::unsetenv(variable); // the library refuses variables that it does not know
  for (Target target : {Target::host, Target::sm90a})
    if (name == str(target))
      return target;
  fmt::print(stderr, "{} is {}, expected host or sm90a\n", variable, name);
  std::exit(2);
}

Target testTarget() {
  static const Target target = readTarget();
  return target;
}

bool isUnsupported(const Error &error) {
  bool unsupported = false;
  if (isOnGpu() && error.isA<Refusal>())
    visitErrors(error, [&](const ErrorInfoBase &info) {
      // What a key lacks, and what the copy engine cannot address.
      unsupported = is_contained({ErrorCode::invalidKey, ErrorCode::unsupportedDType,
                                  ErrorCode::unsupportedHeadDim, ErrorCode::unsupportedTarget,
                                  ErrorCode::misaligned, ErrorCode::invalidStride},
                                 static_cast<const Refusal &>(info).code);
    });
  return unsupported;
}

//===----------------------------------------------------------------------===//
// The GPU
//===----------------------------------------------------------------------===//

Expected<const Site &> testSite() {
  static Site site;
  static const std::string problem = [] {
    Expected<Site> found = Site::current(testTarget());
    if (found)
      site = *found;
    return toString(found.takeError());
  }();
  if (!problem.empty())
    return createStringError(problem);
  return site;
}

Error checkDevice() { return isOnGpu() ? testSite().takeError() : Error::success(); }

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

namespace {

/// The bytes of a tensor or a table: from the first of its elements to the
/// last, with all that lies between.
struct Span {
  std::byte *begin;
  size_t bytes;
  /// Its contiguous rows by their offsets; empty where it is short enough to be
  /// copied in one piece.
  std::vector<size_t> rows;
  size_t rowBytes;
};

/// A span on the GPU, among bytes of 0xff: a NaN of every type, and no length.
class Copy {
public:
  /// `alignment`: of the copy, which has no greater one.
  static Expected<std::unique_ptr<Copy>> copyIn(const Site &site, Span span, size_t alignment);
  Error copyOut() const;
  /// Whether nothing was written around the copy.
  Expected<bool> surroundingsAreIntact() const;

  /// The copy of a byte of the span.
  void *at(const void *original) const {
    return memory.at(begin + (static_cast<const std::byte *>(original) - span.begin));
  }

private:
  Copy(DeviceMemory memory, size_t begin, Span span)
      : memory(std::move(memory)), begin(begin), span(std::move(span)) {}

  static constexpr size_t margin = 4096;
  static constexpr unsigned char poison = 0xff;

  template <class Use>
  Error forEachPiece(Use use) const;

  DeviceMemory memory;
  size_t begin; ///< where in it the span begins
  Span span;
};

} // namespace

template <class Use>
Error Copy::forEachPiece(Use use) const {
  if (span.rows.empty())
    return span.bytes ? use(0, span.bytes) : Error::success();
  for (size_t row : span.rows)
    if (Error error = use(row, span.rowBytes))
      return error;
  return Error::success();
}

Expected<std::unique_ptr<Copy>> Copy::copyIn(const Site &site, Span span, size_t alignment) {
  size_t begin = margin + alignment;
  Expected<DeviceMemory> memory = DeviceMemory::allocate(site, begin + span.bytes + margin);
  if (!memory)
    return memory.takeError();
  if (Error error = memory->fill(poison))
    return error;
  std::unique_ptr<Copy> copy(new Copy(std::move(*memory), begin, std::move(span)));
  if (Error error = copy->forEachPiece([&](size_t offset, size_t bytes) {
        return copy->memory.copyIn(begin + offset, copy->span.begin + offset, bytes);
      }))
    return error;
  return copy;
}

Error Copy::copyOut() const {
  return forEachPiece([&](size_t offset, size_t bytes) {
    return memory.copyOut(span.begin + offset, begin + offset, bytes);
  });
}

Expected<bool> Copy::surroundingsAreIntact() const {
  for (auto [first, size] : {std::pair(size_t(0), begin), {begin + span.bytes, margin}}) {
    std::vector<unsigned char> bytes(size);
    if (Error error = memory.copyOut(bytes.data(), first, size))
      return error;
    if (any_of(bytes, [](unsigned char byte) { return byte != poison; }))
      return false;
  }
  return true;
}

/// The span of a tensor or a table, which a stride below zero makes begin before
/// its first element.
template <class Memory>
static Span spanOf(const Memory &memory, size_t elementBytes) {
  constexpr int64_t longest = int64_t(1) << 28; // of what is copied in one piece
  auto *first = static_cast<std::byte *>(const_cast<void *>(memory.data));
  if (memory.isEmpty())
    return {first, 0, {}, 0};
  int64_t before = 0, behind = 1; // elements
  for (int axis = 0; axis < memory.rank; ++axis) {
    int64_t reach = (memory.shape[axis] - 1) * memory.strides[axis];
    (reach < 0 ? before : behind) += reach;
  }
  Span span{first + before * int64_t(elementBytes), (behind - before) * elementBytes, {}, 0};
  if (behind - before < longest)
    return span;
  std::vector<int64_t> offsets = {-before};
  int last = memory.rank - 1;
  for (int axis = 0; axis < last; ++axis) {
    std::vector<int64_t> inner;
    for (int64_t offset : offsets)
      for (int64_t i = 0; i < memory.shape[axis]; ++i)
        inner.push_back(offset + i * memory.strides[axis]);
    offsets = std::move(inner);
  }
  span.rowBytes = memory.shape[last] * elementBytes;
  for (int64_t offset : offsets)
    span.rows.push_back(offset * elementBytes);
  return span;
}

Error runOnGpu(Engine &engine, Attention call) {
  call.target = testTarget();
  // Before anything is copied that may be large.
  if (Error error = keyOf(call).takeError())
    return error;
  Expected<const Site &> site = testSite();
  if (!site)
    return site.takeError();

  std::vector<std::unique_ptr<Copy>> copies;
  std::vector<const Copy *> outputs;
  auto copy = [&](auto &memory, size_t elementBytes, size_t alignment) -> Error {
    if (!memory.data)
      return Error::success();
    Expected<std::unique_ptr<Copy>> made =
        Copy::copyIn(*site, spanOf(memory, elementBytes), alignment);
    if (!made)
      return made.takeError();
    memory.data = (*made)->at(memory.data);
    copies.push_back(std::move(*made));
    return Error::success();
  };
  // Tensor maps ask for 16 bytes; all else is aligned to its elements alone.
  constexpr size_t mapAlignment = 16, wordBytes = 4;
  for (Tensor *tensor : {&call.o, &call.lse})
    if (tensor->data) {
      if (Error error =
              copy(*tensor, sizeOf(tensor->type), tensor == &call.lse ? wordBytes : mapAlignment))
        return error;
      outputs.push_back(copies.back().get());
    }
  for (Tensor *tensor : {&call.q, &call.k, &call.v})
    if (Error error = copy(*tensor, sizeOf(tensor->type), mapAlignment))
      return error;
  std::vector<Table *> tables = {&call.sinkLogits,  &call.alibiSlopes, &call.cuSeqlensQ,
                                 &call.cuSeqlensKv, &call.seqUsedKv,   &call.pageTable,
                                 &call.qDescale,    &call.kDescale,    &call.vDescale};
  for (auto &[name, table] : call.variantArguments.tables)
    tables.push_back(&table);
  for (Table *table : tables)
    if (Error error = copy(*table, wordBytes, wordBytes))
      return error;

  if (Error error = engine.run(call))
    return error;
  if (Error error = synchronize(*site))
    return error;
  for (const Copy *output : outputs)
    if (Error error = output->copyOut())
      return error;
  for (auto &each : copies) {
    Expected<bool> intact = each->surroundingsAreIntact();
    if (!intact)
      return intact.takeError();
    if (!*intact)
      return createStringError("written outside of the tensors and tables");
  }
  return Error::success();
}

} // namespace tessera::test
