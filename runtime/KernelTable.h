//===- KernelTable.h - Compiled kernels of this process by key ------------===//
//
// A hit takes no lock: it loads one pointer and probes an open-addressing
// table. Entries are only added, each published by one atomic store into an
// empty slot; a full table is copied into one of twice the size. Readers may
// still be in the old one, so all are kept; together they are no larger than
// the last. Kernels live until the table dies, so pointers may be kept.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_KERNELTABLE_H
#define TESSERA_RUNTIME_KERNELTABLE_H

#include "runtime/CacheEntry.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tessera {

template <class Key>
struct KernelTableHash : std::hash<Key> {};

/// The bits of a BLAKE3 are even already: the first word will do.
template <>
struct KernelTableHash<KernelHash> {
  size_t operator()(const KernelHash &hash) const {
    size_t word;
    std::memcpy(&word, hash.data(), sizeof(word));
    return word;
  }
};

/// Thread-safe. `Key` is copyable and equality-comparable; `Hash` should
/// spread well in its low bits.
template <class Kernel, class Key = KernelHash, class Hash = KernelTableHash<Key>>
class KernelTable {
public:
  using CompileFn = llvm::function_ref<llvm::Expected<std::unique_ptr<Kernel>>()>;

  KernelTable() { grow(initialSlots); }
  KernelTable(const KernelTable &) = delete;
  KernelTable &operator=(const KernelTable &) = delete;

  /// The kernel of `key`, or null. Lock-free and without allocation.
  const Kernel *find(const Key &key) const {
    return current.load(std::memory_order_acquire)->find(key, Hash()(key));
  }

  /// The kernel of `key`, made by `compile` when there is none yet.
  ///
  /// Of several callers that ask for one key at a time, one compiles and the
  /// others wait for it; other keys are not held up. When `compile` fails,
  /// its caller gets the error itself and those who waited an error of the
  /// same text and code; nothing is kept, so the next call tries again.
  /// `compile` may ask for other kernels, never in a cycle; asking for its own
  /// is an error.
  llvm::Expected<const Kernel *> getOrCompile(const Key &key, CompileFn compile);

  size_t size() const {
    std::lock_guard lock(mutex);
    return nodes.size();
  }

private:
  static constexpr size_t initialSlots = 64; // a power of two

  struct Node {
    size_t hash;
    Key key;
    std::unique_ptr<const Kernel> kernel;
  };

  struct Slots {
    explicit Slots(size_t count) : mask(count - 1), slots(new std::atomic<const Node *>[count]()) {}

    const Kernel *find(const Key &key, size_t hash) const {
      for (size_t i = hash & mask;; i = (i + 1) & mask) {
        const Node *node = slots[i].load(std::memory_order_acquire);
        if (!node)
          return nullptr;
        if (node->hash == hash && node->key == key)
          return node->kernel.get();
      }
    }

    void insert(const Node *node) {
      size_t i = node->hash & mask;
      while (slots[i].load(std::memory_order_relaxed))
        i = (i + 1) & mask;
      slots[i].store(node, std::memory_order_release);
    }

    size_t mask;
    std::unique_ptr<std::atomic<const Node *>[]> slots;
  };

  /// A compilation under way; its members are guarded by the table's mutex.
  struct Flight {
    std::thread::id compiler = std::this_thread::get_id();
    std::condition_variable landed;
    const Kernel *kernel = nullptr;
    bool failed = false;
    std::string message; ///< Of the error, when `failed`.
    std::error_code code;

    /// Keeps what can be told to others: an `llvm::Error` cannot be copied.
    void fail(const llvm::Error &error) {
      failed = true;
      message = llvm::toStringWithoutConsuming(error);
      llvm::visitErrors(error,
                        [&](const llvm::ErrorInfoBase &info) { code = info.convertToErrorCode(); });
    }
  };

  llvm::Expected<const Kernel *> wait(std::unique_lock<std::mutex> lock,
                                      std::shared_ptr<Flight> flight) const;

  // Needs the mutex, but for the constructor.
  void grow(size_t count) {
    auto slots = std::make_unique<Slots>(count);
    for (const std::unique_ptr<Node> &node : nodes)
      slots->insert(node.get());
    current.store(slots.get(), std::memory_order_release);
    tables.push_back(std::move(slots));
  }

  // Needs the mutex.
  const Kernel *add(const Key &key, std::unique_ptr<Kernel> kernel) {
    // At most half full, so that probes stay short and always end.
    Slots *slots = tables.back().get();
    if (2 * (nodes.size() + 1) > slots->mask + 1) {
      grow(2 * (slots->mask + 1));
      slots = tables.back().get();
    }
    nodes.emplace_back(new Node{Hash()(key), key, std::move(kernel)});
    slots->insert(nodes.back().get());
    return nodes.back()->kernel.get();
  }

  std::atomic<const Slots *> current;
  mutable std::mutex mutex; ///< Guards everything below.
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Slots>> tables; ///< The last one is `current`.
  std::unordered_map<Key, std::shared_ptr<Flight>, Hash> flights;
};

template <class Kernel, class Key, class Hash>
llvm::Expected<const Kernel *> KernelTable<Kernel, Key, Hash>::getOrCompile(const Key &key,
                                                                            CompileFn compile) {
  if (const Kernel *kernel = find(key))
    return kernel;

  std::unique_lock lock(mutex);
  // It may have landed since the look without the lock.
  if (const Kernel *kernel = find(key))
    return kernel;
  if (auto it = flights.find(key); it != flights.end())
    return wait(std::move(lock), it->second);
  auto flight = std::make_shared<Flight>();
  flights.emplace(key, flight);
  lock.unlock();

  llvm::Expected<std::unique_ptr<Kernel>> compiled = compile();

  lock.lock();
  flights.erase(key);
  flight->landed.notify_all(); // they wait on for the mutex
  if (!compiled) {
    llvm::Error error = compiled.takeError();
    flight->fail(error);
    return error;
  }
  assert(*compiled && "a successful compilation has a kernel");
  flight->kernel = add(key, std::move(*compiled));
  return flight->kernel;
}

template <class Kernel, class Key, class Hash>
llvm::Expected<const Kernel *>
KernelTable<Kernel, Key, Hash>::wait(std::unique_lock<std::mutex> lock,
                                     std::shared_ptr<Flight> flight) const {
  if (flight->compiler == std::this_thread::get_id())
    return llvm::createStringError(std::errc::resource_deadlock_would_occur,
                                   "the compilation of a kernel asks for that same kernel");
  flight->landed.wait(lock, [&] { return flight->kernel || flight->failed; });
  if (flight->failed)
    return llvm::createStringError(flight->code, flight->message);
  return flight->kernel;
}

} // namespace tessera

#endif // TESSERA_RUNTIME_KERNELTABLE_H
