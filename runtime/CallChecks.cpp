//===- CallChecks.cpp - is what a call says about memory possible? --------===//

#include "runtime/CallChecks.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

using namespace llvm;

namespace tessera {

//===----------------------------------------------------------------------===//
// Tensors and tables
//===----------------------------------------------------------------------===//

Error checkAddress(const char *name, const void *data, int64_t elementSize) {
  if (!data)
    return refuse(ErrorCode::missingTensor, fmt::format("{}.data", name), "null",
                  "the address of its elements");
  if (reinterpret_cast<uintptr_t>(data) % elementSize == 0)
    return Error::success();
  return refuse(ErrorCode::misaligned, fmt::format("{}.data", name),
                fmt::format("{}", fmt::ptr(data)),
                fmt::format("a multiple of {} bytes, the size of its elements", elementSize));
}

Error checkTensor(NamedTensor named, int rank, const char *form) {
  const auto &[name, tensor] = named;
  if (tensor.rank != rank)
    return refuse(ErrorCode::invalidRank, fmt::format("{}.rank", name),
                  fmt::format("{}", tensor.rank), fmt::format("{}: {}", rank, form));
  for (int i = 0; i < rank; ++i)
    if (tensor.shape[i] < 0)
      return refuse(ErrorCode::invalidShape, fmt::format("{}.shape[{}]", name, i),
                    fmt::format("{}", tensor.shape[i]), "at least 0");
  if (tensor.isEmpty())
    return Error::success();
  if (tensor.strides[rank - 1] != 1 && tensor.width() > 1)
    return refuse(ErrorCode::invalidStride, fmt::format("{}.strides[{}]", name, rank - 1),
                  fmt::format("{}", tensor.strides[rank - 1]), "1, contiguous rows");
  return checkAddress(name, tensor.data, sizeOf(tensor.type));
}

Error checkTable(NamedTable named, TableType type,
                 std::initializer_list<ArrayRef<int64_t>> shapes) {
  const auto &[name, table] = named;
  if (!table)
    return Error::success();
  if (table.type != type)
    return refuse(ErrorCode::unsupportedDType, fmt::format("{}.dtype", name), str(table.type).str(),
                  str(type).str());
  ArrayRef<int64_t> shape(table.shape.data(), table.rank);
  if (!is_contained(shapes, shape)) {
    std::string expected;
    for (ArrayRef<int64_t> known : shapes)
      expected += fmt::format("{}({})", expected.empty() ? "" : " or ", fmt::join(known, ", "));
    bool rankFits =
        any_of(shapes, [&](ArrayRef<int64_t> known) { return known.size() == shape.size(); });
    return refuse(rankFits ? ErrorCode::invalidShape : ErrorCode::invalidRank,
                  fmt::format("{}.shape", name),
                  fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", ")), expected);
  }
  return table.isEmpty() ? Error::success() : checkAddress(name, table.data, 4);
}

Error checkPageTable(const Table &pages, int64_t batch) {
  if (!pages)
    return Error::success();
  if (pages.rank != 2)
    return refuse(ErrorCode::invalidRank, "page_table.rank", fmt::format("{}", pages.rank),
                  "2: [batch, max_pages]");
  return checkTable({"page_table", pages}, TableType::i32, {{batch, pages.shape[1]}});
}

Error checkExtent(NamedTensor named, int axis, int64_t value, StringRef like) {
  if (named.tensor.shape[axis] == value)
    return Error::success();
  return refuse(ErrorCode::invalidShape, fmt::format("{}.shape[{}]", named.name, axis),
                fmt::format("{}", named.tensor.shape[axis]),
                fmt::format("{} {}", value, like.str()));
}

//===----------------------------------------------------------------------===//
// Memory of outputs
//===----------------------------------------------------------------------===//

namespace {
/// The first and one past the last byte.
struct Bytes {
  uintptr_t first = 0, end = 0;

  Bytes(const void *data, bool empty, ArrayRef<int64_t> shape, ArrayRef<int64_t> strides,
        int64_t size) {
    if (empty)
      return;
    int64_t low = 0, high = 0;
    for (auto [extent, stride] : zip_equal(shape, strides)) {
      int64_t reach = (extent - 1) * stride;
      (reach < 0 ? low : high) += reach;
    }
    auto base = reinterpret_cast<uintptr_t>(data);
    first = base + low * size;
    end = base + (high + 1) * size;
  }
  bool overlaps(const Bytes &other) const { return first < other.end && other.first < end; }
};
} // namespace

static Bytes bytesOf(const Tensor &t) {
  return {t.data, t.isEmpty() || !t.data, ArrayRef(t.shape.data(), t.rank),
          ArrayRef(t.strides.data(), t.rank), sizeOf(t.type)};
}
static Bytes bytesOf(const Table &t) {
  return {t.data, t.isEmpty() || !t.data, ArrayRef(t.shape.data(), t.rank),
          ArrayRef(t.strides.data(), t.rank), 4};
}

/// Sorted by stride, each dimension steps over all that the smaller ones span.
static bool placesAreDistinct(const Tensor &tensor) {
  SmallVector<std::pair<int64_t, int64_t>, 4> dimensions; // stride, extent
  for (int i = 0; i < tensor.rank; ++i)
    if (tensor.shape[i] > 1)
      dimensions.push_back({std::abs(tensor.strides[i]), tensor.shape[i]});
  sort(dimensions);
  int64_t span = 1;
  for (auto [stride, extent] : dimensions) {
    if (stride < span)
      return false;
    span = stride * (extent - 1) + span;
  }
  return true;
}

Error checkOutput(NamedTensor output, ArrayRef<NamedTensor> others, ArrayRef<NamedTable> tables) {
  const auto &[name, tensor] = output;
  if (tensor.isEmpty() || !tensor.data)
    return Error::success();
  if (!placesAreDistinct(tensor))
    return refuse(ErrorCode::invalidStride, fmt::format("{}.strides", name),
                  fmt::format("({})", fmt::join(tensor.strides.begin(),
                                                tensor.strides.begin() + tensor.rank, ", ")),
                  "a place of its own for each element");
  auto refuseOverlap = [&](const char *other) {
    return refuse(ErrorCode::overlap, fmt::format("{}.data", name),
                  fmt::format("memory of {}", other), "memory of its own");
  };
  Bytes own = bytesOf(tensor);
  for (const NamedTensor &other : others)
    if (own.overlaps(bytesOf(other.tensor)))
      return refuseOverlap(other.name);
  for (const NamedTable &other : tables)
    if (own.overlaps(bytesOf(other.table)))
      return refuseOverlap(other.name);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Lengths and pages
//===----------------------------------------------------------------------===//

int32_t at(const Table &table, int64_t i) {
  return static_cast<const int32_t *>(table.data)[i * table.strides[0]];
}
int32_t at(const Table &table, int64_t i, int64_t j) {
  return static_cast<const int32_t *>(table.data)[i * table.strides[0] + j * table.strides[1]];
}

Error checkStarts(NamedTable starts, int64_t total) {
  const auto &[name, table] = starts;
  for (int64_t i = 0, last = 0; i < table.shape[0]; ++i) {
    int64_t start = at(table, i);
    auto bad = [&](std::string expected) {
      return refuse(ErrorCode::invalidLengths, fmt::format("{}[{}]", name, i),
                    fmt::format("{}", start), std::move(expected));
    };
    if (start < last)
      return bad(i ? fmt::format("at least {}, the entry before it", last) : "at least 0");
    if (start > total)
      return bad(fmt::format("at most {}, the rows there are", total));
    last = start;
  }
  return Error::success();
}

int64_t lengthAt(const Table &starts, int64_t b) { return at(starts, b + 1) - at(starts, b); }

int64_t longest(const Table &starts) {
  int64_t longest = 0;
  for (int64_t i = 0; i + 1 < starts.shape[0]; ++i)
    longest = std::max(longest, lengthAt(starts, i));
  return longest;
}

Error checkLongest(const char *name, int64_t given, int64_t longest) {
  if (given == -1 || (given >= longest && given <= maxPosition))
    return Error::success();
  return refuse(
      ErrorCode::invalidLengths, name, fmt::format("{}", given),
      fmt::format("at least {}, the longest sequence, and at most {}", longest, maxPosition));
}

Error checkPages(const PagedCache &cache, int64_t b, int64_t rows, StringRef why) {
  const auto &[name, table] = cache.pages;
  int64_t needed = (rows + cache.pageRows - 1) / cache.pageRows;
  if (needed > table.shape[1])
    return refuse(ErrorCode::invalidPages, fmt::format("{}.shape[1]", name),
                  fmt::format("{}", table.shape[1]),
                  fmt::format("at least {} pages of {} rows, {} is {}", needed, cache.pageRows,
                              why.str(), rows));
  for (int64_t i = 0; i < needed; ++i)
    if (int64_t page = at(table, b, i); page < 0 || page >= cache.pageCount)
      return refuse(ErrorCode::invalidPages, fmt::format("{}[{}, {}]", name, b, i),
                    fmt::format("{}", page),
                    fmt::format("a page of {}, 0 to {}", cache.cache.name, cache.pageCount - 1));
  return Error::success();
}

Tensor asPages(Tensor cache, PageLayout layout) {
  if (layout == PageLayout::hnd) {
    std::swap(cache.shape[1], cache.shape[2]);
    std::swap(cache.strides[1], cache.strides[2]);
  }
  return cache;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

ViewArgument viewOf(const Tensor &t) {
  int rows = t.rank - 3;
  return {t.data,
          t.rank == 4 ? t.strides[0] : 0,
          t.strides[rows + 1],
          t.strides[rows],
          t.batch(),
          t.heads(),
          t.seqlen()};
}

TableArgument tableOf(const Table &table) {
  TableArgument argument{table.data, {}, {}};
  copy(table.shape, argument.extents);
  copy(table.strides, argument.strides);
  return argument;
}

TableArgument perHead(const Table &table, int64_t batch, int64_t heads) {
  static const float one = 1;
  TableArgument argument{table ? table.data : &one, {batch, heads}, {}};
  if (table.rank >= 1)
    argument.strides[1] = table.strides[table.rank - 1];
  if (table.rank == 2)
    argument.strides[0] = table.strides[0];
  return argument;
}

} // namespace tessera
