//===- BenchEntry.cpp - the few calls that benchmarks make from Python ----===//

#include "runtime/Engine.h"

#include <cstdio>

using namespace tessera;

namespace {
struct Call {
  std::unique_ptr<Engine> engine;
  PreparedCall prepared;
};
} // namespace

/// Prepares attention over contiguous [batch, seqlen, heads, head_dim] tensors
/// of one type (0 f32, 1 f16, 2 bf16) on `threads` threads. Returns null, with
/// a line on stderr, when that is refused.
extern "C" __attribute__((visibility("default"))) void *
tessera_bench_prepare(void *q, void *k, void *v, void *o, int type, int64_t batch, int64_t seqlen,
                      int64_t heads, int64_t headDim, int causal, unsigned threads) {
  Config config;
  config.cache = false;
  config.threads = threads;
  auto call = std::make_unique<Call>();
  auto dtype = static_cast<DType>(type);
  std::array<int64_t, 4> shape{batch, seqlen, heads, headDim};
  Attention attention;
  attention.q = Tensor::contiguous(q, dtype, shape);
  attention.k = Tensor::contiguous(k, dtype, shape);
  attention.v = Tensor::contiguous(v, dtype, shape);
  attention.o = Tensor::contiguous(o, dtype, shape);
  attention.causal = causal;
  auto prepare = [&]() -> llvm::Error {
    auto engine = Engine::create(config);
    if (!engine)
      return engine.takeError();
    call->engine = std::move(*engine);
    auto prepared = call->engine->prepare(attention);
    if (!prepared)
      return prepared.takeError();
    call->prepared = std::move(*prepared);
    return llvm::Error::success();
  };
  if (llvm::Error error = prepare()) {
    fprintf(stderr, "tessera: %s\n", llvm::toString(std::move(error)).c_str());
    return nullptr;
  }
  return call.release();
}

extern "C" __attribute__((visibility("default"))) void tessera_bench_launch(void *handle) {
  auto *call = static_cast<Call *>(handle);
  llvm::cantFail(call->engine->launch(call->prepared));
}

extern "C" __attribute__((visibility("default"))) void tessera_bench_free(void *handle) {
  delete static_cast<Call *>(handle);
}
