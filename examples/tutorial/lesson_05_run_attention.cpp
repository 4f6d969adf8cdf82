//===- Lesson 5: attention on numbers -------------------------------------===//
//
// The engine turns calls into kernels: it finds the key of a call, gets the
// kernel from memory or from disk or compiles it, checks the tensors and runs.
// This lesson asks for attention over numbers so small that the answers can be
// worked out in the head, and checks them.
//
//===----------------------------------------------------------------------===//

#include "runtime/Engine.h"

#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <fmt/format.h>

using namespace tessera;
using llvm::outs;

// One batch, one head, two queries, three keys. Rows are as wide as the
// narrowest kernel is: eight elements.
static constexpr int64_t queries = 2, keyCount = 3, width = 8;

static bool allRight = true;

/// Prints a number beside what it should be.
static void check(const char *what, float found, double expected) {
  bool right = std::abs(found - expected) < 1e-6;
  allRight &= right;
  outs() << fmt::format("  {:<24} {:.6f}  {}\n", what, found, right ? "right" : "WRONG");
}

static int fail(llvm::Error error) {
  llvm::errs() << toString(std::move(error)) << "\n";
  return 1;
}

int main() {
  // Settings usually come from TESSERA_* variables (`Config::fromEnvironment`).
  // A lesson leaves nothing on disk.
  Config config;
  config.cache = false;
  config.threads = 1;
  llvm::Expected<std::unique_ptr<Engine>> created = Engine::create(config);
  if (!created)
    return fail(created.takeError());
  Engine &engine = **created;

  // All queries are e0. The keys are 0, 0 and (ln 2) e0, so the scores of every
  // query are 0, 0 and ln 2, and the weights of the keys 1 : 1 : 2.
  float q[queries][width] = {{1}, {1}};
  float k[keyCount][width] = {{0}, {0}, {std::log(2.0f)}};
  // The values differ in their first element: 10, 20 and 30.
  float v[keyCount][width] = {{10}, {20}, {30}};
  float o[queries][width], lse[queries];

  // A tensor refers to the caller's memory: [batch, seqlen, heads, width], with
  // any strides as long as rows are contiguous.
  Attention call;
  call.q = Tensor::contiguous(q, DType::f32, {1, queries, 1, width});
  call.k = Tensor::contiguous(k, DType::f32, {1, keyCount, 1, width});
  call.v = Tensor::contiguous(v, DType::f32, {1, keyCount, 1, width});
  call.o = Tensor::contiguous(o, DType::f32, {1, queries, 1, width});
  call.scale = 1.0f; // 1 / sqrt(8) if it were left out
  call.lse = Tensor::contiguous(lse, DType::f32, {1, 1, queries}, 3);

  // Every query sees every key: (10 + 20 + 2 * 30) / 4. The logarithm of the
  // softmax sum is that of 1 + 1 + 2.
  outs() << str(llvm::cantFail(keyOf(call))) << "\n";
  if (llvm::Error error = engine.run(call))
    return fail(std::move(error));
  check("query 0", o[0][0], 22.5);
  check("query 1", o[1][0], 22.5);
  check("log of the sum", lse[0], std::log(4.0));

  // Causal: the last query stands at the last key, so query 0 stands at key 1
  // and sees the first two. Another key, another kernel.
  call.causal = true;
  outs() << str(llvm::cantFail(keyOf(call))) << "\n";
  if (llvm::Error error = engine.run(call))
    return fail(std::move(error));
  check("query 0", o[0][0], 15);
  check("query 1", o[1][0], 22.5);

  // A window of size 0 leaves each query the key at its own place. How large
  // the window is, is an argument; that there is one is part of the key. The
  // next size therefore finds its kernel in memory.
  for (int64_t left : {0, 1}) {
    call.windowLeft = left;
    KernelOrigin origin;
    llvm::Expected<PreparedCall> prepared = engine.prepare(call, &origin);
    if (!prepared)
      return fail(prepared.takeError());
    outs() << str(llvm::cantFail(keyOf(call)))
           << (origin == KernelOrigin::memory ? ", from memory\n" : ", compiled\n");
    // A prepared call can be launched again and again; what was checked and
    // looked up is not checked and looked up again.
    if (llvm::Error error = engine.launch(*prepared))
      return fail(std::move(error));
    check("query 0", o[0][0], left == 0 ? 20 : 15);
    check("query 1", o[1][0], left == 0 ? 30 : (20 + 2 * 30) / 3.0);
  }

  // Calls that make no sense are refused before anything is written.
  call.v = Tensor::contiguous(v, DType::f32, {1, 2, 1, width});
  outs() << toString(engine.run(call)) << "\n";
  return allRight ? 0 : 1;
}
