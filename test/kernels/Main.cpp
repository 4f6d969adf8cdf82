//===- Main.cpp - the program tessera-kernels -----------------------------===//
//
// GoogleTest's, with a closing account of the calls where the target is a GPU:
// it refuses what it does not compute yet. A test with such a call is skipped.
//
//===----------------------------------------------------------------------===//

#include "test/kernels/Device.h"
#include "test/kernels/KernelTest.h"

#include <fmt/format.h>

using namespace tessera;
using namespace tessera::test;

namespace {

class Account : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo &) override { before = callsSoFar(); }

  void OnTestEnd(const testing::TestInfo &) override {
    for (const auto &[reason, count] : callsSoFar().refused)
      if (count > before.refused[reason])
        GTEST_SKIP() << reason; // unless it has failed
  }

  void OnTestProgramEnd(const testing::UnitTest &) override {
    Calls calls = callsSoFar();
    int64_t refused = 0;
    for (const auto &[reason, count] : calls.refused) {
      fmt::print("refused {}: {}\n", count, reason);
      refused += count;
    }
    fmt::print("{}: {} calls computed, {} refused\n", str(testTarget()).str(), calls.computed,
               refused);
    std::fflush(stdout);
  }

  Calls before;
};

} // namespace

int main(int count, char **words) {
  // What the host alone does, and its refusals. test/gpu/refusals.py has those of a GPU.
  if (isOnGpu() && GTEST_FLAG_GET(filter) == "*")
    GTEST_FLAG_SET(filter, "-*Append*:*Refusals*:*SupportMatrix*:*SupportSizes*");
  testing::InitGoogleTest(&count, words);
  if (isOnGpu() && !GTEST_FLAG_GET(list_tests)) {
    if (llvm::Error error = checkDevice()) {
      fmt::print(stderr, "tessera-kernels: {}\n", llvm::toString(std::move(error)));
      return 2;
    }
    testing::UnitTest::GetInstance()->listeners().Append(new Account);
  }
  return RUN_ALL_TESTS();
}
