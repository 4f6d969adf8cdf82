//===- KernelTest.cpp - calls in memory, and what they should give --------===//

#include "test/kernels/KernelTest.h"
#include "runtime/Engine.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <random>

using tessera::reference::Precision;

namespace tessera::test {

static Precision precisionOf(DType type) {
  switch (type) {
  case DType::f32:
    return Precision::f32;
  case DType::f16:
    return Precision::f16;
  case DType::bf16:
    return Precision::bf16;
  }
  llvm_unreachable("unknown dtype");
}

//===----------------------------------------------------------------------===//
// Case
//===----------------------------------------------------------------------===//

std::string str(const Case &c) {
  const reference::Problem &p = c.problem;
  std::string text =
      fmt::format("q={} kv={} o={} batch={} seqlen_q={} seqlen_kv={} heads={} "
                  "kv_heads={} head_dim={} head_dim_v={} scale={} seed={}",
                  str(c.q).str(), str(c.kv).str(), str(c.o).str(), p.batch, p.seqlenQ, p.seqlenKv,
                  p.heads, p.kvHeads, p.headDim, p.headDimV, p.scale, c.seed);
  auto add = [&](bool present, const char *name, auto value) {
    if (present)
      text += fmt::format(" {}={}", name, value);
  };
  add(p.causal, "causal", true);
  add(p.topLeft, "top_left", true);
  add(p.windowLeft >= 0, "window_left", p.windowLeft);
  add(p.windowRight >= 0, "window_right", p.windowRight);
  add(p.sinkTokens > 0, "sink_tokens", p.sinkTokens);
  add(!p.sinkLogits.empty(), "sink_logits", p.sinkLogits.size());
  add(!p.alibiSlopes.empty(), "alibi_slopes", p.alibiSlopes.size());
  add(p.softcap != 0, "softcap", p.softcap);
  add(c.lse, "lse", true);
  add(c.checked, "checked", true);
  add(c.blockM != 0, "block_m", c.blockM);
  add(c.blockN != 0, "block_n", c.blockN);
  return text;
}

void fill(Case &c) {
  reference::Problem &p = c.problem;
  std::mt19937 generator(c.seed);
  std::normal_distribution<float> normal;
  auto draw = [&](std::vector<float> &values, size_t count, DType type) {
    values.resize(count);
    for (float &value : values)
      value = reference::roundTo(precisionOf(type), normal(generator));
  };
  draw(p.q, p.batch * p.seqlenQ * p.heads * p.headDim, c.q);
  draw(p.k, p.batch * p.seqlenKv * p.kvHeads * p.headDim, c.kv);
  draw(p.v, p.batch * p.seqlenKv * p.kvHeads * p.headDimV, c.kv);
  draw(p.sinkLogits, p.sinkLogits.size(), DType::f32);
  // Slopes between 1/32 and 1: a few keys or all of them count.
  std::uniform_real_distribution<float> exponent(-5, 0);
  for (float &slope : p.alibiSlopes)
    slope = std::exp2(exponent(generator));
}

//===----------------------------------------------------------------------===//
// Buffer
//===----------------------------------------------------------------------===//

/// Elements before and behind every tensor. Odd, so that a tensor is aligned to
/// nothing but its elements.
static constexpr int64_t margin = 77;

/// Calls `use` with the address of every element in the order of the axes.
template <class Use>
static void forEachElement(const Tensor &tensor, Use use) {
  auto *base = static_cast<std::byte *>(tensor.data);
  auto [batches, rows, heads, width] = tensor.shape;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t c = 0; c < width; ++c) {
          auto [batch, row, head, column] = tensor.strides;
          use(base + (b * batch + i * row + h * head + c * column) * sizeOf(tensor.type));
        }
}

static void write(std::byte *at, DType type, float value) {
  if (type == DType::f32) {
    std::memcpy(at, &value, sizeof(value));
    return;
  }
  uint16_t bits = reference::toBits(precisionOf(type), value);
  std::memcpy(at, &bits, sizeof(bits));
}

static float read(const std::byte *at, DType type) {
  if (type == DType::f32) {
    float value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
  return reference::fromBits(precisionOf(type), bits);
}

Buffer::Buffer(DType type, std::array<int64_t, 4> shape, const Layout &layout)
    : type(type), shape(shape), surroundings(layout.surroundings) {
  int64_t elements = 1;
  for (int i = 3; i >= 0; --i) {
    int axis = layout.order[i];
    strides[axis] = elements;
    elements *= shape[axis] + layout.extra[axis];
  }
  bytes.resize((elements + 2 * margin) * sizeOf(type));
  for (size_t at = 0; at < bytes.size(); at += sizeOf(type))
    write(&bytes[at], type, surroundings);
  forEachElement(tensor(), [&](std::byte *at) { write(at, type, quietNaN); });
}

Tensor Buffer::view(void *memory) const {
  return {static_cast<std::byte *>(memory) + margin * sizeOf(type), type, shape, strides};
}

void Buffer::put(std::span<const float> values) {
  auto next = values.begin();
  forEachElement(tensor(), [&](std::byte *at) { write(at, type, *next++); });
  EXPECT_EQ(next, values.end()) << "as many values as the tensor has elements";
}

std::vector<float> Buffer::get() const {
  std::vector<float> values;
  Tensor tensor = view(const_cast<std::byte *>(bytes.data())); // only read
  forEachElement(tensor, [&](std::byte *at) { values.push_back(read(at, type)); });
  return values;
}

bool Buffer::surroundingsAreIntact() const {
  std::vector<std::byte> copy = bytes, expected(sizeOf(type));
  write(expected.data(), type, surroundings);
  forEachElement(view(copy.data()), [&](std::byte *at) { write(at, type, surroundings); });
  for (size_t at = 0; at < copy.size(); at += sizeOf(type))
    if (std::memcmp(&copy[at], expected.data(), sizeOf(type)))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

Operands::Operands(const Case &c, const Layout &layout)
    : c(c),
      q(c.q, {c.problem.batch, c.problem.seqlenQ, c.problem.heads, c.problem.headDim}, layout),
      k(c.kv, {c.problem.batch, c.problem.seqlenKv, c.problem.kvHeads, c.problem.headDim}, layout),
      v(c.kv, {c.problem.batch, c.problem.seqlenKv, c.problem.kvHeads, c.problem.headDimV}, layout),
      o(c.o, {c.problem.batch, c.problem.seqlenQ, c.problem.heads, c.problem.headDimV}, layout),
      lse(DType::f32, {c.problem.batch, c.problem.heads, c.problem.seqlenQ, 1}) {
  q.put(c.problem.q);
  k.put(c.problem.k);
  v.put(c.problem.v);
}

static const float *orNull(const std::vector<float> &values) {
  return values.empty() ? nullptr : values.data();
}

Attention Operands::call() {
  const reference::Problem &p = c.problem;
  Attention call;
  call.q = q.tensor(), call.k = k.tensor(), call.v = v.tensor(), call.o = o.tensor();
  call.scale = static_cast<float>(p.scale);
  call.causal = p.causal;
  call.topLeft = p.topLeft;
  call.windowLeft = p.windowLeft;
  call.windowRight = p.windowRight;
  call.sinkTokens = p.sinkTokens;
  call.softcap = static_cast<float>(p.softcap);
  call.sinkLogits = orNull(p.sinkLogits);
  call.alibiSlopes = orNull(p.alibiSlopes);
  call.alibiPerBatch = std::ssize(p.alibiSlopes) != p.heads;
  if (c.lse)
    call.lse = static_cast<float *>(lse.tensor().data);
  call.checked = c.checked;
  call.blockM = c.blockM;
  call.blockN = c.blockN;
  return call;
}

Output Operands::output() const { return {o.get(), c.lse ? lse.get() : std::vector<float>()}; }

bool Operands::surroundingsAreIntact() const {
  return o.surroundingsAreIntact() && lse.surroundingsAreIntact();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Engines stay until the process ends, one for each number of threads.
static Engine &engineOf(unsigned threads) {
  static std::mutex mutex;
  static std::map<unsigned, std::unique_ptr<Engine>> engines;
  std::lock_guard lock(mutex);
  std::unique_ptr<Engine> &engine = engines[threads];
  if (!engine) {
    Config config;
    config.cache = false;
    config.threads = threads;
    engine = llvm::cantFail(Engine::create(config));
  }
  return *engine;
}

llvm::Error run(const Attention &call, unsigned threads) { return engineOf(threads).run(call); }

Output run(const Case &c, const Layout &layout, unsigned threads) {
  Operands operands(c, layout);
  if (llvm::Error error = run(operands.call(), threads))
    ADD_FAILURE() << llvm::toString(std::move(error)) << "\n  " << str(c);
  EXPECT_TRUE(operands.surroundingsAreIntact()) << "written outside of o\n  " << str(c);
  return operands.output();
}

//===----------------------------------------------------------------------===//
// Judging
//===----------------------------------------------------------------------===//

testing::AssertionResult sameBits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size())
    return testing::AssertionFailure() << a.size() << " and " << b.size() << " elements";
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]))
      return testing::AssertionFailure() << fmt::format("element {} is {} and {}", i, a[i], b[i]);
  return testing::AssertionSuccess();
}

testing::AssertionResult sameBits(const Output &a, const Output &b) {
  if (auto out = sameBits(a.out, b.out); !out)
    return out << " of o";
  if (auto lse = sameBits(a.lse, b.lse); !lse)
    return lse << " of lse";
  return testing::AssertionSuccess();
}

void expectCorrect(const Case &c, const Output &output) {
  Precision precision = precisionOf(c.o);
  reference::Result truth = reference::attention(c.problem);
  reference::Result working = reference::attentionIn(precision, c.problem);

  reference::Errors ours = reference::compare(output.out, truth.out);
  reference::Bound bound =
      reference::outBound(reference::compare(working.out, truth.out), precision);
  EXPECT_TRUE(reference::within(ours, bound))
      << fmt::format("o: {}; at most {:.3g}, mean {:.3g}\n  {}", reference::describe(ours),
                     bound.maxAbs, bound.meanAbs, str(c));
  EXPECT_TRUE(reference::emptyRowsAreZero(c.problem, output.out)) << str(c);
  if (!c.lse)
    return;

  ours = reference::compare(output.lse, truth.lse);
  bound = reference::lseBound(reference::compare(working.lse, truth.lse));
  EXPECT_TRUE(reference::within(ours, bound))
      << fmt::format("lse: {}; at most {:.3g}, mean {:.3g}\n  {}", reference::describe(ours),
                     bound.maxAbs, bound.meanAbs, str(c));
}

void expectCorrect(const Case &c) { expectCorrect(c, run(c)); }

} // namespace tessera::test
