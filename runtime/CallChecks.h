//===- CallChecks.h - is what a call says about memory possible? ----------===//

#ifndef TESSERA_RUNTIME_CALLCHECKS_H
#define TESSERA_RUNTIME_CALLCHECKS_H

#include "dsl/Refusal.h"
#include "runtime/Attention.h"

namespace tessera {

/// Positions are 32-bit; a window or a count beyond this says "all".
inline constexpr int64_t maxPosition = INT32_MAX / 4;

/// A tensor with the name it has in messages.
struct NamedTensor {
  const char *name;
  const Tensor &tensor;
};
struct NamedTable {
  const char *name;
  const Table &table;
};

/// `rank` and extents of at least 0; memory, aligned, with contiguous rows,
/// unless it is empty. `form`: "[batch, seqlen_q, heads, head_dim]".
llvm::Error checkTensor(NamedTensor named, int rank, const char *form);

/// Type, shape (one of `shapes`) and memory of a table that is given.
llvm::Error checkTable(NamedTable named, TableType type,
                       std::initializer_list<llvm::ArrayRef<int64_t>> shapes);

/// Where there are elements: an address, and a multiple of their size.
llvm::Error checkAddress(const char *name, const void *data, int64_t elementSize);

/// A page table that is given: i32 `[batch, max_pages]`.
llvm::Error checkPageTable(const Table &pages, int64_t batch);

/// `tensor.shape[axis]` is `value`, `like`: "as in q".
llvm::Error checkExtent(NamedTensor named, int axis, int64_t value, llvm::StringRef like);

/// An output has memory of its own: every element one place, none shared with
/// `others`.
llvm::Error checkOutput(NamedTensor output, llvm::ArrayRef<NamedTensor> others,
                        llvm::ArrayRef<NamedTable> tables);

/// The number at a place of a table of i32.
int32_t at(const Table &table, int64_t i);
int32_t at(const Table &table, int64_t i, int64_t j);

/// Starts of packed sequences: not decreasing, within `total` rows.
llvm::Error checkStarts(NamedTable starts, int64_t total);
/// Rows of packed sequence b, and of the longest one.
int64_t lengthAt(const Table &starts, int64_t b);
int64_t longest(const Table &starts);

/// A limit a caller gives for the longest sequence; -1: none given.
llvm::Error checkLongest(const char *name, int64_t given, int64_t longest);

/// A cache in pages, `[pages, rows of a page, heads, width]`, and its table.
struct PagedCache {
  NamedTensor cache;
  NamedTable pages;
  int64_t pageRows, pageCount;
};

/// Sequence b has pages for `rows` rows, and they exist. `why`: "seqused_kv[2]".
llvm::Error checkPages(const PagedCache &cache, int64_t b, int64_t rows, llvm::StringRef why);

/// A page layout as `[pages, rows, heads, width]`.
Tensor asPages(Tensor cache, PageLayout layout);

/// The arguments of one kind, for `bind`.
ViewArgument viewOf(const Tensor &tensor);
TableArgument tableOf(const Table &table);
/// A table of numbers for each batch and head: a number, [heads] or [batch,
/// heads]; ones if it is not given.
TableArgument perHead(const Table &table, int64_t batch, int64_t heads);

} // namespace tessera

#endif // TESSERA_RUNTIME_CALLCHECKS_H
