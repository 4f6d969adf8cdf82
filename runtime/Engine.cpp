//===- Engine.cpp - kernels on demand, and calls of them ------------------===//

#include "runtime/Engine.h"
#include "runtime/Log.h"

#include "llvm/ADT/Hashing.h"

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

template <class Call>
Expected<PreparedCall> Engine::prepareCall(const Call &call, KernelOrigin *origin) {
  Expected<Key> key = keyOf(call);
  if (!key)
    return key.takeError();
  Expected<const HostKernel *> kernel = get(*key, origin);
  if (!kernel)
    return kernel.takeError();
  const ArgumentBlock &block = (*kernel)->arguments();
  if (Error error = checkArguments(call, block))
    return error;
  PreparedCall prepared;
  if (isEmpty(call))
    return prepared;
  prepared.kernel = *kernel;
  prepared.arguments.resize(block.bytes);
  for (const Argument &argument : block.arguments)
    bind(call, argument, prepared.arguments.data());
  return prepared;
}

template Expected<PreparedCall> Engine::prepareCall(const Attention &, KernelOrigin *);
template Expected<PreparedCall> Engine::prepareCall(const AppendCache &, KernelOrigin *);

Error Engine::launch(const PreparedCall &call) {
  if (!call.kernel)
    return Error::success();
  return call.kernel->run(call.arguments.data(), threads);
}

} // namespace tessera
