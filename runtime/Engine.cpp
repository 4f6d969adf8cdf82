//===- Engine.cpp - kernels on demand, and calls of them ------------------===//

#include "runtime/Engine.h"
#include "runtime/HostKernel.h"
#include "runtime/Log.h"
#include "runtime/cuda/CudaKernel.h"

using namespace llvm;

namespace tessera {

size_t KernelTableHash<Key>::operator()(const Key &key) const {
  // Few instructions for each field, which most often is a bit: every call is looked up.
  uint64_t hash = 0;
  auto mix = [&](auto value) {
    constexpr uint64_t odd = 0x9e3779b97f4a7c15; // 2^64 / the golden ratio
    hash = (hash ^ static_cast<uint64_t>(value)) * odd;
  };
#define TESSERA_KEY_ENUM(name, Type, value, help) mix(key.name);
#define TESSERA_KEY_DTYPE(name, spelling, help) mix(key.name);
#define TESSERA_KEY_INT(name, spelling, value, help) mix(key.name);
#define TESSERA_KEY_FLAG(name, spelling, help) mix(key.name);
#include "dsl/Key.def"
  return hash ^ hash >> 32; // products spread upwards, and the low bits count
}

Expected<std::unique_ptr<Engine>> Engine::create(const Config &config, HostTarget target) {
  setLogLevel(config.log);
  Expected<DiskCache> cache = DiskCache::open(config);
  if (!cache)
    return cache.takeError();
  return std::unique_ptr<Engine>(new Engine(config, std::move(*cache), std::move(target)));
}

static Expected<std::unique_ptr<Kernel>> loadKernel(Target target, CacheEntry entry) {
  switch (target) {
  case Target::host:
    return HostKernel::load(entry);
  case Target::sm90a:
    return CudaKernel::load(std::move(entry));
  }
  llvm_unreachable("unknown target");
}

Expected<std::unique_ptr<Kernel>> Engine::loadOrCompile(const Key &key, KernelOrigin &origin) {
  Expected<KernelHash> hash = theCompiler.hash(key);
  if (!hash)
    return hash.takeError();
  if (std::optional<CacheEntry> entry = cache.load(*hash)) {
    Expected<std::unique_ptr<Kernel>> kernel = loadKernel(key.target, std::move(*entry));
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
  Expected<std::unique_ptr<Kernel>> kernel = loadKernel(key.target, *entry);
  if (kernel)
    cache.store(*hash, *entry);
  return kernel;
}

Expected<const Kernel *> Engine::get(const Key &given, KernelOrigin *origin) {
  KernelOrigin from = KernelOrigin::memory;
  Key key = normalized(given);
  Expected<const Kernel *> kernel = kernels.find(key);
  if (!*kernel) {
    kernel = kernels.getOrCompile(key, [&] { return loadOrCompile(key, from); });
  }
  if (kernel && origin)
    *origin = from;
  return kernel;
}

/// The tensor whose memory says on which GPU a call runs, if the caller does not.
static const Tensor &leading(const Attention &call) { return call.q; }
static const Tensor &leading(const AppendCache &call) { return call.rows; }
static std::optional<int> deviceOf(const Attention &call) { return call.device; }
static std::optional<int> deviceOf(const AppendCache &) { return std::nullopt; }

template <class Call>
Expected<PreparedCall> Engine::prepareCall(const Call &call, KernelOrigin *origin) {
  Expected<Key> key = keyOf(call);
  if (!key)
    return key.takeError();
  PreparedCall prepared;
  prepared.target = key->target;
  // Before a kernel is compiled that nothing here could run.
  if (isGpu(key->target) && !isEmpty(call)) {
    std::optional<int> device = deviceOf(call);
    prepared.cuda.isTold = device.has_value();
    Expected<cuda::Site> site = device ? cuda::Site::on(key->target, *device)
                                       : cuda::Site::of(key->target, leading(call).data, "q");
    if (!site)
      return site.takeError();
    prepared.cuda.site = *site;
  }
  Expected<const Kernel *> kernel = get(*key, origin);
  if (!kernel)
    return kernel.takeError();
  const ArgumentBlock &block = (*kernel)->arguments();
  if (Error error = checkArguments(call, block))
    return error;
  if (isEmpty(call))
    return prepared;
  prepared.kernel = *kernel;
  prepared.arguments.resize(block.bytes);
  for (const Argument &argument : block.arguments)
    bind(call, argument, prepared.arguments.data());
  if (Error error = (*kernel)->prepare(prepared))
    return error;
  return prepared;
}

template Expected<PreparedCall> Engine::prepareCall(const Attention &, KernelOrigin *);
template Expected<PreparedCall> Engine::prepareCall(const AppendCache &, KernelOrigin *);

Error Engine::launch(const PreparedCall &call, void *stream) {
  if (!call.kernel)
    return Error::success();
  return call.kernel->launch(call, {threads, stream});
}

} // namespace tessera
