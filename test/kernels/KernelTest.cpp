//===- KernelTest.cpp - calls in memory, and what they should give --------===//

#include "test/kernels/KernelTest.h"
#include "test/kernels/Device.h"

#include <bit>
#include <fmt/format.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace tessera::test {

std::span<const NamedLayout> layouts() {
  static const NamedLayout all[] = {
      {"dense", {}},
      {"heads_first", Layout::everywhere({.order = {0, 2, 1, 3}})},
      {"seqused", {.seqUsedKv = true, .spareRows = 5}},
      {"packed", {.packedQ = true, .kv = Form::packed}},
      {"packed_seqused",
       {.packedQ = true,
        .kv = Form::packed,
        .seqUsedKv = true,
        .spareRows = 3,
        .outerRows = 2,
        .slackQ = 70}},
      {"pages_nhd", {.kv = Form::paged, .slackKv = 3, .pageSize = 16}},
      {"pages_hnd",
       {.k = {.order = {0, 2, 1, 3}},
        .v = {.order = {0, 2, 1, 3}},
        .packedQ = true,
        .kv = Form::paged,
        .pageSize = 7,
        .pageLayout = PageLayout::hnd}},
  };
  constexpr size_t paged = 2; // the last ones
  return std::span(all).first(std::size(all) - (isOnGpu() ? paged : 0));
}

std::span<const DType> floatTypes() {
  static const DType all[] = {DType::f16, DType::bf16, DType::f32};
  return std::span(all).first(isOnGpu() ? 2 : 3);
}

void varyLengths(Case &c, const Layout &layout) {
  auto vary = [&](int64_t length) {
    std::vector<int64_t> lengths(c.problem.batch, length);
    for (int64_t b = 1; b < c.problem.batch; ++b)
      lengths[b] = b > 1 && b + 1 == c.problem.batch ? 0 : (length + b) / (b + 1);
    return lengths;
  };
  if (layout.packedQ)
    c.seqlensQ = vary(c.problem.seqlenQ);
  if (layout.kv != Form::dense || layout.seqUsedKv)
    c.seqlensKv = vary(c.problem.seqlenKv);
}

testing::AssertionResult sameBits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size())
    return testing::AssertionFailure() << a.size() << " and " << b.size() << " elements";
  for (size_t i = 0; i < a.size(); ++i)
    if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i]))
      return testing::AssertionFailure() << fmt::format("element {} is {} and {}", i, a[i], b[i]);
  return testing::AssertionSuccess();
}

testing::AssertionResult sameBits(const Output &a, const Output &b) {
  if (a.refused || b.refused)
    return testing::AssertionSuccess();
  if (auto out = sameBits(a.out, b.out); !out)
    return out << " of o";
  if (auto lse = sameBits(a.lse, b.lse); !lse)
    return lse << " of lse";
  return testing::AssertionSuccess();
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static std::mutex callsMutex;
static Calls calls;

Calls callsSoFar() {
  std::lock_guard lock(callsMutex);
  return calls;
}

/// The message of a refusal, without what would not be refused.
static std::string reasonOf(llvm::Error error) {
  std::string message = llvm::toString(std::move(error));
  return message.substr(0, message.find("; the nearest is"));
}

/// Counts a call, and takes its error if it says that the target does not
/// compute such calls: true.
static bool isRefused(llvm::Error &error) {
  bool refused = isUnsupported(error);
  std::lock_guard lock(callsMutex);
  if (refused)
    ++calls.refused[reasonOf(std::move(error))];
  else
    ++calls.computed;
  return refused;
}

Output run(const Case &c, const Layout &layout, unsigned threads) {
  llvm::Expected<Output> output = compute(c, layout, threads);
  llvm::Error error = output.takeError();
  if (isRefused(error))
    return Output{{}, {}, /*refused=*/true};
  if (!error)
    return *output;
  ADD_FAILURE() << llvm::toString(std::move(error)) << "\n  " << str(c) << "\n  " << str(layout);
  return Output{{}, {}, /*refused=*/true};
}

bool ran(const Attention &call) {
  llvm::Error error = run(call);
  if (isRefused(error))
    return false;
  std::string problem = llvm::toString(std::move(error));
  EXPECT_EQ(problem, "");
  return problem.empty();
}

void expectCorrect(const Case &c, const Output &output) {
  if (output.refused)
    return;
  std::string wrong = judge(c, output);
  EXPECT_TRUE(wrong.empty()) << wrong << "\n  " << str(c);
}

void expectCorrect(const Case &c, const Layout &layout) { expectCorrect(c, run(c, layout)); }

Output outputOf(const Case &c, const Output &all, int64_t b) {
  if (all.refused)
    return all;
  int64_t before = 0, rows = c.seqlenQ(b) * c.problem.heads;
  for (int64_t other = 0; other < b; ++other)
    before += c.seqlenQ(other) * c.problem.heads;
  auto part = [&](const std::vector<float> &values, int64_t width) {
    if (values.empty())
      return values;
    return std::vector(values.begin() + before * width, values.begin() + (before + rows) * width);
  };
  return {part(all.out, c.problem.headDimV), part(all.lse, 1)};
}

void expectRefusal(llvm::Error error, ErrorCode code, const std::string &message) {
  ASSERT_TRUE(static_cast<bool>(error)) << "the call was not refused";
  llvm::handleAllErrors(
      std::move(error),
      [&](const Refusal &refusal) {
        EXPECT_EQ(refusal.message(), message);
        EXPECT_EQ(static_cast<int>(refusal.code), static_cast<int>(code));
      },
      [&](const llvm::ErrorInfoBase &other) {
        ADD_FAILURE() << "no refusal: " << other.message();
      });
}

Guarded::Guarded(size_t bytes, bool atEnd) {
  size_t page = ::sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page * page;
  size = pages + 2 * page;
  base = static_cast<std::byte *>(
      ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::mprotect(base + page, pages, PROT_READ | PROT_WRITE);
  data = base + page + (atEnd ? pages - bytes : 0);
}

Guarded::~Guarded() { ::munmap(base, size); }

} // namespace tessera::test
