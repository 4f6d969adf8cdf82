//===- GpuScheduleTest.cpp - every key finds a schedule -------------------===//

#include "runtime/GpuSchedule.h"
#include "runtime/Compiler.h"

#include "gtest/gtest.h"

using namespace tessera;

// Rows of the table that leave no room for tiles of one's own, or for functions of a user, must not
// be the only ones.
TEST(GpuSchedule, IsThereForEveryMaskWidthAndOption) {
  for (const char *mask : {"", ",causal", ",window_left", ",causal,window_left,window_right"})
    for (const char *width :
         {"d8", "d64", "d96", "d128", "d64,dv=128", "d192", "d192,dv=128", "d256"})
      for (const char *option : {"", ",block_n=64", ",variant=5", ",block_n=64,variant=5"})
        for (int64_t seqlen : {1, 2048, 65536}) {
          std::string text = std::string("sm90a,bf16,") + width + mask + option;
          SCOPED_TRACE(text);
          Key key = llvm::cantFail(parseKey(text));
          chooseShape(key, seqlen);
          EXPECT_GT(key.blockM, 0);
          llvm::Expected<GpuSchedule> schedule = gpuSchedule(key);
          ASSERT_TRUE(bool(schedule)) << llvm::toString(schedule.takeError());
          EXPECT_EQ(schedule->blockM(), key.blockM);
        }
}

// Passes of the schedule read masks and lengths in the form that others left them in.
TEST(GpuSchedule, OfEveryMaskAndKindOfLengthsCanBeMade) {
  for (const char *mask : {"", ",causal", ",window_left", ",window_left,window_right",
                           ",causal,window_left,sink_tokens"})
    for (const char *lengths : {"", ",varlen_q", ",varlen_kv", ",seqused_kv", ",varlen_q,varlen_kv",
                                ",varlen_q,varlen_kv,seqused_kv"})
      for (const char *blockM : {"", ",block_m=128", ",block_m=192"}) {
        std::string text = std::string("sm90a,bf16,d128,lse") + mask + lengths + blockM;
        SCOPED_TRACE(text);
        llvm::Expected<std::string> scheduled =
            Compiler().emit(llvm::cantFail(parseKey(text)), Stage::scheduled);
        EXPECT_TRUE(bool(scheduled)) << llvm::toString(scheduled.takeError());
      }
}

// Where three groups apply a function to their scores, the last product does not need the time that
// a late wait gives it. What two groups do is not changed by it.
TEST(GpuSchedule, WaitsLateForScoresAsTheyAre) {
  auto isLate = [](const char *text) {
    return llvm::cantFail(gpuSchedule(llvm::cantFail(parseKey(text)))).lateAwaits;
  };
  EXPECT_TRUE(isLate("sm90a,bf16,d128,causal,block_m=192"));
  for (const char *function : {"alibi", "softcap", "variant=5"})
    EXPECT_FALSE(isLate((std::string("sm90a,bf16,d128,causal,block_m=192,") + function).c_str()));
  EXPECT_TRUE(isLate("sm90a,bf16,d256,causal,alibi"));
}
