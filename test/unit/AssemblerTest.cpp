//===- AssemblerTest.cpp - from PTX to machine code -----------------------===//

#include "runtime/cuda/Assembler.h"

#include <gtest/gtest.h>

using namespace tessera;
using namespace tessera::cuda;

static constexpr const char *emptyKernel = R"(
.version 8.0
.target sm_90a
.address_size 64
.visible .entry empty() { ret; }
)";

/// setmaxnreg without a register count to start from: ptxas ignores it.
static constexpr const char *slowKernel = R"(
.version 8.0
.target sm_90a
.address_size 64
.visible .entry slow() { setmaxnreg.inc.sync.aligned.u32 240; ret; }
)";

static std::string messageOf(llvm::Error error) { return llvm::toString(std::move(error)); }

namespace {

/// With the ptxas of this machine, where there is one.
struct Ptxas : testing::Test {
  void SetUp() override {
    llvm::Expected<Assembler> found = Assembler::find(Config());
    ASSERT_TRUE(static_cast<bool>(found)) << messageOf(found.takeError());
    if (found->program().empty())
      GTEST_SKIP() << "no ptxas here";
    assembler = std::move(*found);
  }
  std::optional<Assembler> assembler;
};

} // namespace

TEST_F(Ptxas, MakesMachineCode) {
  Assembled assembled = llvm::cantFail(assembler->assemble(emptyKernel, "sm_90a"));
  EXPECT_TRUE(llvm::StringRef(assembled.image)
                  .starts_with("\x7f"
                               "ELF"));
  EXPECT_GT(assembled.registers, 0);
  EXPECT_EQ(assembled.spillBytes, 0);
  EXPECT_NE(assembled.log.find("'empty'"), std::string::npos) << assembled.log;
}

TEST_F(Ptxas, IsNamedByItsVersion) {
  EXPECT_TRUE(llvm::StringRef(assembler->identity()).starts_with("ptxas 1"))
      << assembler->identity();
}

/// Broken PTX is an error of what ptxas said, without the folder it saw.
TEST_F(Ptxas, SaysWhatIsWrong) {
  std::string broken(emptyKernel);
  broken.replace(broken.find("ret"), 3, "rat");
  llvm::Expected<Assembled> assembled = assembler->assemble(broken, "sm_90a");
  ASSERT_FALSE(static_cast<bool>(assembled));
  std::string message = messageOf(assembled.takeError());
  EXPECT_NE(message.find("refuses the PTX:\nptxas kernel.ptx, line 5; error   : Not a name of any "
                         "known instruction: 'rat'"),
            std::string::npos)
      << message;
}

TEST_F(Ptxas, WarnsOfDefects) {
  testing::internal::CaptureStderr();
  Assembled assembled = llvm::cantFail(assembler->assemble(slowKernel, "sm_90a"));
  std::string warnings = testing::internal::GetCapturedStderr();
  EXPECT_NE(warnings.find("(C7508)"), std::string::npos) << warnings;
  EXPECT_NE(assembled.log.find("(C7508)"), std::string::npos) << assembled.log;
}

/// The driver takes PTX up to its NUL, which an image has to hold.
TEST(Assembler, LeavesPtxToTheDriver) {
  Config config;
  config.assembler = Config::driverAssembles;
  Assembler assembler = llvm::cantFail(Assembler::find(config));
  EXPECT_EQ(assembler.program(), "");
  EXPECT_TRUE(assembler.identity() == "no assembler" ||
              llvm::StringRef(assembler.identity()).starts_with("driver "))
      << assembler.identity();
  Assembled assembled = llvm::cantFail(assembler.assemble("text", "sm_90a"));
  EXPECT_EQ(assembled.image, std::string("text\0", 5));
  EXPECT_EQ(assembled.registers, -1);
  EXPECT_EQ(llvm::cantFail(assembler.assemble(assembled.image, "sm_90a")).image, assembled.image);
}

/// One that was asked for by name is not replaced by another.
TEST(Assembler, IsTheOneThatIsNamed) {
  Config config;
  config.assembler = "/nowhere/ptxas";
  EXPECT_NE(messageOf(Assembler::find(config).takeError()).find("/nowhere/ptxas"),
            std::string::npos);
  config.assembler = "/bin/true";
  EXPECT_EQ(messageOf(Assembler::find(config).takeError()),
            "/bin/true does not tell its version, as ptxas does");
}

TEST(Assembler, ReadsWhatPtxasSays) {
  AssemblerReport report = readAssemblerLog(
      "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored; unable to "
      "determine register count at entry.\n"
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'k' for 'sm_90a'\n"
      "ptxas info    : Function properties for k\n"
      "    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n"
      "ptxas info    : Used 168 registers, used 1 barriers\n"
      "ptxas info    : Function properties for f\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 0 barriers\n");
  EXPECT_EQ(report.registers, 168);
  EXPECT_EQ(report.spillBytes, 28);
  ASSERT_EQ(report.defects.size(), 1u);
  EXPECT_TRUE(llvm::StringRef(report.defects[0]).starts_with("ptxas info    : (C7508)"));
  report = readAssemblerLog("C7508 in a name\n");
  EXPECT_EQ(report.registers, -1);
  EXPECT_EQ(report.spillBytes, -1);
  EXPECT_TRUE(report.defects.empty());
}

TEST(Assembler, OfTheProcessIsOne) {
  EXPECT_FALSE(assemblerIdentity().empty());
  EXPECT_EQ(assemblerIdentity(), assemblerIdentity());
}
