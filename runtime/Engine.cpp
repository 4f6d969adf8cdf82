//===- Engine.cpp - kernels on demand, and calls of them ------------------===//

#include "runtime/Engine.h"
#include "runtime/Log.h"

#include "llvm/ADT/Hashing.h"

#include <cmath>
#include <cstring>

using namespace llvm;

namespace tessera {

size_t KernelTableHash<Key>::operator()(const Key &key) const {
  hash_code hash(0);
#define TESSERA_KEY_ENUM(name, Type, value, help) hash = hash_combine(hash, key.name);
#define TESSERA_KEY_DTYPE(name, spelling, help) hash = hash_combine(hash, key.name);
#define TESSERA_KEY_INT(name, spelling, value, help) hash = hash_combine(hash, key.name);
#define TESSERA_KEY_FLAG(name, spelling, help) hash = hash_combine(hash, key.name);
#include "dsl/Key.def"
  return hash;
}

Expected<std::unique_ptr<Engine>> Engine::create(const Config &config, HostTarget target) {
  setLogLevel(config.log);
  Expected<DiskCache> cache = DiskCache::open(config);
  if (!cache)
    return cache.takeError();
  return std::unique_ptr<Engine>(new Engine(config, std::move(*cache), std::move(target)));
}

Expected<std::unique_ptr<HostKernel>> Engine::loadOrCompile(const Key &key, KernelOrigin &origin) {
  Expected<KernelHash> hash = theCompiler.hash(key);
  if (!hash)
    return hash.takeError();
  if (std::optional<CacheEntry> entry = cache.load(*hash)) {
    Expected<std::unique_ptr<HostKernel>> kernel = HostKernel::load(*entry);
    if (kernel) {
      origin = KernelOrigin::disk;
      return kernel;
    }
    // Intact, yet not loadable here: worth a word, and made anew.
    warn("{}: the cached kernel cannot be loaded ({}); compiling it again", str(key),
         toString(kernel.takeError()));
  }
  Expected<CacheEntry> entry = theCompiler.compile(key);
  if (!entry)
    return entry.takeError();
  origin = KernelOrigin::compiled;
  info("compiled {}", entry->key);
  Expected<std::unique_ptr<HostKernel>> kernel = HostKernel::load(*entry);
  if (kernel)
    cache.store(*hash, *entry);
  return kernel;
}

Expected<const HostKernel *> Engine::get(const Key &given, KernelOrigin *origin) {
  KernelOrigin from = KernelOrigin::memory;
  Key key = normalized(given);
  Expected<const HostKernel *> kernel = kernels.find(key);
  if (!*kernel) {
    kernel = kernels.getOrCompile(key, [&] { return loadOrCompile(key, from); });
  }
  if (kernel && origin)
    *origin = from;
  return kernel;
}

/// The arguments of a call by the names that FlashForward gives them.
static void bind(const Attention &call, const Argument &argument, std::byte *block) {
  auto put = [&](auto value) { std::memcpy(block + argument.offset, &value, sizeof(value)); };
  auto putView = [&](const Tensor &tensor) {
    put(ViewArgument{tensor.data, tensor.strides[0], tensor.strides[2], tensor.strides[1],
                     tensor.shape[0], tensor.shape[2], tensor.shape[1]});
  };
  StringRef name = argument.name;
  int64_t heads = call.q.heads(), rows = call.q.seqlen();
  // Positions are 32-bit; a window that is wider than any sequence is the same.
  auto putPosition = [&](int64_t value) {
    put(std::min<int64_t>(value, std::numeric_limits<int32_t>::max() / 4));
  };
  if (name == "q")
    putView(call.q);
  else if (name == "k")
    putView(call.k);
  else if (name == "v")
    putView(call.v);
  else if (name == "o")
    putView(call.o);
  else if (name == "lse")
    put(ViewArgument{call.lse, heads * rows, rows, 1, call.q.batch(), heads, rows});
  else if (name == "sink_logits")
    put(PerHeadArgument{call.sinkLogits, 0, 1});
  else if (name == "alibi_slopes")
    put(PerHeadArgument{call.alibiSlopes, call.alibiPerBatch ? heads : 0, 1});
  else if (name == "scale")
    put(call.scale ? *call.scale : 1.0f / std::sqrt(static_cast<float>(call.q.width())));
  else if (name == "softcap")
    put(call.softcap);
  else if (name == "window_left")
    putPosition(call.windowLeft);
  else if (name == "window_right")
    putPosition(call.windowRight);
  else if (name == "sink_tokens")
    putPosition(call.sinkTokens);
  else
    llvm_unreachable("a program's argument that no call binds");
}

Expected<PreparedCall> Engine::prepare(const Attention &call, KernelOrigin *origin) {
  Expected<Key> key = keyOf(call);
  if (!key)
    return key.takeError();
  Expected<const HostKernel *> kernel = get(*key, origin);
  if (!kernel)
    return kernel.takeError();
  PreparedCall prepared;
  if (call.o.isEmpty())
    return prepared;
  prepared.kernel = *kernel;
  prepared.arguments.resize((*kernel)->arguments().bytes);
  for (const Argument &argument : (*kernel)->arguments().arguments)
    bind(call, argument, prepared.arguments.data());
  return prepared;
}

Error Engine::launch(const PreparedCall &call) {
  if (!call.kernel)
    return Error::success();
  return call.kernel->run(call.arguments.data(), threads);
}

Error Engine::run(const Attention &call) {
  Expected<PreparedCall> prepared = prepare(call);
  if (!prepared)
    return prepared.takeError();
  return launch(*prepared);
}

} // namespace tessera
