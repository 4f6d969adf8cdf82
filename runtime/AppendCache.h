//===- AppendCache.h - one call that appends rows to a cache --------------===//

#ifndef TESSERA_RUNTIME_APPENDCACHE_H
#define TESSERA_RUNTIME_APPENDCACHE_H

#include "runtime/Attention.h"

namespace tessera {

/// Writes new rows behind those that a cache holds, with rotary embedding if
/// tables are given: `cache[b, starts[b] + i] = rotate(rows[b, i], positions[b] + i)`.
/// Used for keys (rotated) and values (not), and for queries (rotated into a
/// tensor of their own, `starts` being zero).
///
/// Of the first 2n elements of a row, n being the width of the tables, pairs
/// are turned: `x0' = x0 cos - x1 sin`, `x1' = x1 cos + x0 sin`; element i is
/// paired with i + n, or, interleaved, 2i with 2i + 1.
struct AppendCache {
  Tensor rows;  ///< `[batch, seqlen_new, heads, width]`, packed with `cuSeqlens`
  Tensor cache; ///< `[batch, capacity, heads, width]`, or pages with `pageTable`
  Table starts; ///< i32 `[batch]`: rows the cache holds already

  Table cuSeqlens = {};   ///< i32 `[batch + 1]`: where sequences begin in `rows`
  int64_t maxSeqlen = -1; ///< of packed rows; -1: from `cuSeqlens`
  Table pageTable = {};   ///< i32 `[batch, max_pages]`
  PageLayout pageLayout = PageLayout::nhd;

  Table cos = {}, sin = {}; ///< f32 `[positions, n]`, or neither
  Table positions = {};     ///< i32 `[batch]`: of row 0; `starts` if not given
  bool interleaved = false;

  bool checked = false;
  int64_t blockM = 0;
};

llvm::Expected<Key> keyOf(const AppendCache &call);
bool isEmpty(const AppendCache &call);
llvm::Error checkArguments(const AppendCache &call, const ArgumentBlock &block);
void bind(const AppendCache &call, const Argument &argument, std::byte *block);

} // namespace tessera

#endif // TESSERA_RUNTIME_APPENDCACHE_H
