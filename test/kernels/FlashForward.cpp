//===- FlashForward.cpp - every variant against the reference -------------===//
//
// Variants are no feature, each feature, every two features, and some more.
// Each is compiled for a few combinations of types and widths, and each of
// these kernels runs on a few lengths. The combinations follow each other
// through lists of coprime lengths, so that every feature meets every type,
// layout, width and length; the last test counts that it does.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/KernelTest.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

using namespace tessera;
using namespace tessera::test;

namespace {

struct Feature {
  const char *name;
  void (*turnOn)(reference::Problem &p, Draw &draw);
};

using reference::Problem;
const Feature features[] = {
    {"causal", [](Problem &p, Draw &) { p.causal = true; }},
    {"top_left", [](Problem &p, Draw &) { p.topLeft = true; }},
    {"window_left",
     [](Problem &p, Draw &d) {
       p.windowLeft = d.of({0, 1, 17, 64, 100, 300});
     }},
    {"window_right",
     [](Problem &p, Draw &d) {
       p.windowRight = d.of({0, 1, 17, 64, 100, 300});
     }},
    {"sink_tokens",
     [](Problem &p, Draw &d) {
       p.sinkTokens = d.of({1, 4, 64, 70, 500});
     }},
    {"sink_logits", [](Problem &p, Draw &) { p.sinkLogits.resize(p.heads); }},
    {"alibi", [](Problem &p, Draw &) { p.alibiSlopes.resize(p.heads); }},
    {"alibi_per_batch", [](Problem &p, Draw &) { p.alibiSlopes.resize(p.batch * p.heads); }},
    {"softcap",
     [](Problem &p, Draw &d) {
       p.softcap = d.of({0.5, 2.0, 15.0});
     }},
};

using Variant = std::set<std::string>;

/// Joined by two underscores, as names of tests have no commas.
std::string nameOf(const Variant &variant) {
  std::string name;
  for (const Feature &feature : features)
    if (variant.contains(feature.name))
      name += (name.empty() ? "" : "__") + std::string(feature.name);
  return name.empty() ? "plain" : name;
}

/// Adds what the features of a variant need in order to matter; nothing for a
/// variant that contradicts itself.
std::optional<Variant> sensible(Variant variant) {
  if (variant.contains("alibi") && variant.contains("alibi_per_batch"))
    return std::nullopt;
  bool window = variant.contains("window_left") || variant.contains("window_right");
  if (variant.contains("sink_tokens") && !window)
    variant.insert("window_left"), window = true;
  bool positions = window || variant.contains("causal") || variant.contains("alibi") ||
                   variant.contains("alibi_per_batch");
  if (variant.contains("top_left") && !positions)
    variant.insert("causal");
  return variant;
}

std::vector<Variant> makeVariants() {
  std::vector<Variant> wanted = {
      {},
      {"causal", "window_left", "window_right"},
      {"causal", "window_left", "sink_tokens"},
      {"causal", "window_left", "sink_tokens", "sink_logits", "softcap"},
      {"window_left", "window_right", "sink_tokens", "top_left"},
      {"causal", "top_left", "window_left", "window_right", "sink_tokens", "sink_logits",
       "alibi_per_batch", "softcap"},
  };
  for (const Feature &one : features)
    for (const Feature &other : features)
      wanted.push_back({one.name, other.name}); // the same twice: one alone
  std::vector<Variant> variants;
  for (const Variant &variant : wanted)
    if (std::optional<Variant> complete = sensible(variant))
      if (std::find(variants.begin(), variants.end(), *complete) == variants.end())
        variants.push_back(*complete);
  return variants;
}

const std::vector<Variant> &variants() {
  static const std::vector<Variant> all = makeVariants();
  return all;
}

struct Types {
  DType q, k, v, o;
  auto operator<=>(const Types &) const = default;
  auto all() const { return std::tuple{q, k, v, o}; }
};
constexpr DType f32 = DType::f32, f16 = DType::f16, bf16 = DType::bf16;
constexpr DType e4m3 = DType::e4m3, e5m2 = DType::e5m2;
constexpr Types types[] = {
    {f32, f32, f32, f32},     {f16, f16, f16, f16},    {bf16, bf16, bf16, bf16},
    {e4m3, e4m3, e4m3, bf16}, {f16, f16, f16, f32},    {f32, bf16, bf16, f32},
    {bf16, f32, f16, f16},    {bf16, bf16, bf16, f32}, {e5m2, e5m2, e5m2, f16},
    {bf16, e4m3, e4m3, bf16}, {f16, e4m3, e5m2, f32},
};
constexpr Types typesOfGpu[] = {
    {f16, f16, f16, f16},
    {bf16, bf16, bf16, bf16},
    {f16, f16, f16, f32},
    {bf16, bf16, bf16, f16},
};
std::span<const Types> typesOfTarget() {
  return isOnGpu() ? std::span<const Types>(typesOfGpu) : types;
}
constexpr std::pair<int64_t, int64_t> widths[] = {
    {8, 8}, {32, 32}, {40, 40}, {64, 64}, {128, 128}, {8, 40}, {40, 128}, {64, 32}, {128, 64},
};
constexpr int64_t lengths[] = {1, 63, 64, 65, 127, 129, 255, 257};

constexpr size_t kernelsPerVariant = 5;
constexpr size_t lengthsPerKernel = 6;

struct Call {
  Case c;
  const NamedLayout *layout;
};

std::vector<Call> callsOf(size_t variant) {
  std::vector<Call> calls;
  for (size_t kernel = variant * kernelsPerVariant; kernel < (variant + 1) * kernelsPerVariant;
       ++kernel)
    for (size_t n = kernel * lengthsPerKernel; n < (kernel + 1) * lengthsPerKernel; ++n) {
      const NamedLayout &named = layouts()[kernel % layouts().size()];
      Case c;
      c.seed = n + 1;
      Draw draw(c.seed);
      std::tie(c.q, c.k, c.v, c.o) = typesOfTarget()[kernel % typesOfTarget().size()].all();
      c.lse = kernel % 4 != 3;
      Problem &p = c.problem;
      std::tie(p.headDim, p.headDimV) = widths[kernel % std::size(widths)];
      // Each length of one side meets each of the other in turn.
      p.seqlenQ = lengths[n % std::size(lengths)];
      p.seqlenKv = lengths[n / std::size(lengths) % std::size(lengths)];
      p.batch = draw.of({1, 2, 3});
      p.kvHeads = draw.of({1, 2});
      p.heads = p.kvHeads * draw.of({1, 2, 3, 8});
      p.scale = draw.of({1.0f, 2.0f}) / std::sqrt(static_cast<float>(p.headDim));
      for (const Feature &feature : features)
        if (variants()[variant].contains(feature.name))
          feature.turnOn(p, draw);
      varyLengths(c, named.layout);
      calls.push_back({std::move(c), &named});
    }
  return calls;
}

class FlashForward : public testing::TestWithParam<size_t> {};

std::string nameOfParam(const testing::TestParamInfo<size_t> &info) {
  return nameOf(variants()[info.param]);
}

} // namespace

TEST_P(FlashForward, IsCorrect) {
  for (auto &[c, layout] : callsOf(GetParam())) {
    fill(c);
    expectCorrect(c, layout->layout);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, FlashForward, testing::Range<size_t>(0, variants().size()),
                         nameOfParam);

TEST(Variants, EveryFeatureMeetsEveryTypeLayoutWidthAndLength) {
  if (isOnGpu())
    GTEST_SKIP() << "a GPU has other types";
  std::map<std::string, std::set<Types>> typesOf;
  std::map<std::string, std::set<std::pair<int64_t, int64_t>>> widthsOf, lengthsOf;
  std::map<std::string, std::set<int64_t>> ratiosOf;
  std::map<std::string, std::set<const NamedLayout *>> layoutsOf;
  std::map<std::string, std::set<bool>> lseOf;
  for (size_t variant = 0; variant < variants().size(); ++variant)
    for (const auto &[c, layout] : callsOf(variant))
      for (const std::string &feature : variants()[variant]) {
        const Problem &p = c.problem;
        typesOf[feature].insert({c.q, c.k, c.v, c.o});
        layoutsOf[feature].insert(layout);
        widthsOf[feature].insert({p.headDim, p.headDimV});
        lengthsOf[feature].insert({p.seqlenQ, p.seqlenKv});
        ratiosOf[feature].insert(p.heads / p.kvHeads);
        lseOf[feature].insert(c.lse);
      }
  for (auto [feature, turnOn] : features) {
    EXPECT_EQ(typesOf[feature].size(), std::size(types)) << feature;
    EXPECT_EQ(layoutsOf[feature].size(), layouts().size()) << feature;
    EXPECT_EQ(widthsOf[feature].size(), std::size(widths)) << feature;
    EXPECT_EQ(lengthsOf[feature].size(), std::size(lengths) * std::size(lengths)) << feature;
    EXPECT_EQ(ratiosOf[feature].size(), 4u) << feature;
    EXPECT_EQ(lseOf[feature].size(), 2u) << feature;
  }
}
