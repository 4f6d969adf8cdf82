//===- Assembled.cpp - a user's functions on a GPU, without one -----------===//
//
// What a variant costs shows in what the assembler says of it: registers that
// do not suffice, and products that wait for each other (C75xx).
//
//===----------------------------------------------------------------------===//

#include "runtime/Compiler.h"
#include "runtime/Variants.h"
#include "runtime/cuda/Assembler.h"
#include "test/kernels/UserExamples.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::test;

namespace {

class Assembled : public testing::TestWithParam<std::tuple<UserExample, int64_t>> {};

std::string nameOf(const testing::TestParamInfo<std::tuple<UserExample, int64_t>> &info) {
  auto [example, width] = info.param;
  return std::string(example.name) + "_d" + std::to_string(width);
}

} // namespace

/// Bytes that a thread may put aside, outside of the loops over tiles. Three
/// groups have few registers; remainders, or reads, of every element need many.
static int allowedSpill(std::string_view example, int64_t blockM) {
  bool isHeavy = example == "dilated" || example == "pair_bias";
  return isHeavy ? 2048 : blockM == 192 ? 128 : 0;
}

TEST_P(Assembled, NeitherSpillsNorSerialises) {
  llvm::Expected<cuda::Assembler> assembler = cuda::Assembler::find(Config());
  ASSERT_TRUE(static_cast<bool>(assembler)) << llvm::toString(assembler.takeError());
  if (assembler->program().empty())
    GTEST_SKIP() << "no ptxas here";
  auto [example, width] = GetParam();
  for (bool causal : {false, true})
    for (int64_t blockM : {128, 192}) {
      if (blockM == 192 && width > 128)
        continue;
      Key key;
      key.target = Target::sm90a;
      key.q = key.kv = key.v = key.o = DType::bf16;
      key.headDim = width;
      key.causal = causal;
      key.blockM = blockM;
      key.variant = llvm::cantFail(registerVariant(example.variant));
      SCOPED_TRACE(str(key));
      std::string ptx = llvm::cantFail(Compiler().emit(key, Stage::ptx));
      cuda::Assembled assembled = llvm::cantFail(assembler->assemble(ptx, "sm_90a"));
      EXPECT_LE(assembled.spillBytes, allowedSpill(example.name, blockM));
      EXPECT_TRUE(cuda::readAssemblerLog(assembled.log).defects.empty()) << assembled.log;
    }
}

INSTANTIATE_TEST_SUITE_P(Examples, Assembled,
                         testing::Combine(testing::ValuesIn(userExamples().begin(),
                                                            userExamples().end()),
                                          testing::Values(64, 128, 256)),
                         nameOf);
