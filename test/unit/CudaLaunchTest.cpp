//===- CudaLaunchTest.cpp - the runtime on a GPU, without our compiler ----===//
//
// A kernel written by hand stands in for a compiled one: a box of a view comes
// through a tensor map, and every block counts itself. Skipped without a GPU of
// compute capability 9.0.
//
//===----------------------------------------------------------------------===//

#include "runtime/HostThreads.h"
#include "runtime/cuda/Assembler.h"
#include "runtime/cuda/CudaKernel.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <fmt/format.h>
#include <thread>

using namespace tessera;
using namespace tessera::cuda;

/// Block 0 copies one box of q (16 rows of 64 x 16 bits, swizzled by 128 bytes)
/// to o, 16 bytes for each thread.
static constexpr const char *probe = R"(
.version 8.0
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 tile[];
.visible .entry probe(.param .align 8 .b8 block[184], .param .align 64 .b8 map[128])
.maxntid 128, 1, 1
{
  .reg .pred %first, %other, %ready;
  .reg .b32 %thread, %block, %full, %tile, %zero, %row, %chunk, %from, %a, %b, %c, %d;
  .reg .b64 %counter, %map, %out, %offset;
  .shared .align 8 .b64 full;

  mov.u32 %thread, %tid.x;
  mov.u32 %block, %ctaid.x;
  setp.eq.u32 %first, %thread, 0;
  setp.ne.u32 %other, %block, 0;
  ld.param.u64 %counter, [block+112];
  cvta.to.global.u64 %counter, %counter;
  @%first red.global.add.u32 [%counter], 1;
  @%other ret;

  mov.u32 %full, full;
  mov.u32 %tile, tile;
  mov.u32 %zero, 0;
  mov.b64 %map, map;
  cvta.param.u64 %map, %map;
  @!%first bra loaded;
  mbarrier.init.shared.b64 [%full], 1;
  fence.mbarrier_init.release.cluster;
  mbarrier.arrive.expect_tx.shared.b64 _, [%full], 2048;
  cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [%tile], [%map, {%zero, %zero, %zero, %zero}], [%full];
loaded:
  bar.sync 0;
wait:
  mbarrier.try_wait.parity.shared.b64 %ready, [%full], 0;
  @!%ready bra wait;

  shr.u32 %row, %thread, 3;
  and.b32 %chunk, %thread, 7;
  and.b32 %a, %row, 7;
  xor.b32 %chunk, %chunk, %a;
  shl.b32 %row, %row, 7;
  shl.b32 %chunk, %chunk, 4;
  add.u32 %from, %tile, %row;
  add.u32 %from, %from, %chunk;
  ld.shared.v4.b32 {%a, %b, %c, %d}, [%from];
  ld.param.u64 %out, [block+56];
  cvta.to.global.u64 %out, %out;
  mul.wide.u32 %offset, %thread, 16;
  add.u64 %out, %out, %offset;
  st.global.v4.b32 [%out], {%a, %b, %c, %d};
  ret;
}
)";

namespace {

/// What the tests do that the runtime does not: streams and capture.
struct TestDriver {
  CUresult (*createStream)(CUstream *, unsigned);
  CUresult (*destroyStream)(CUstream);
  CUresult (*beginCapture)(CUstream, int);
  CUresult (*endCapture)(CUstream, void **);
  CUresult (*instantiate)(void **, void *, unsigned long long);
  CUresult (*launchGraph)(void *, CUstream);

  TestDriver() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    auto find = [&](auto &function, const char *name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
      EXPECT_NE(function, nullptr) << name;
    };
    find(createStream, "cuStreamCreate");
    find(destroyStream, "cuStreamDestroy_v2");
    find(beginCapture, "cuStreamBeginCapture_v2");
    find(endCapture, "cuStreamEndCapture");
    find(instantiate, "cuGraphInstantiateWithFlags");
    find(launchGraph, "cuGraphLaunch");
  }
};

/// `probe` in memory of the GPU: 10 rows of q, so 6 of the box are outside.
class CudaLaunchTest : public testing::Test {
protected:
  static constexpr int64_t rows = 10, boxRows = 16, width = 64;

  void SetUp() override {
    llvm::Expected<const Driver &> found = Driver::get();
    if (!found)
      GTEST_SKIP() << llvm::toString(found.takeError());
    driver = &*found;
    llvm::Expected<Target> target = targetOf(*driver, 0);
    if (!target)
      GTEST_SKIP() << llvm::toString(target.takeError());
    test.emplace();
    ASSERT_EQ(driver->devicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
    ASSERT_EQ(driver->ctxPushCurrent(context), CUDA_SUCCESS);
    ASSERT_EQ(driver->memAlloc(&memory, 3 * bytes), CUDA_SUCCESS);
    std::vector<uint16_t> values(3 * bytes / 2);
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = i + 1;
    values[2 * bytes / 2] = values[2 * bytes / 2 + 1] = 0; // the counter
    ASSERT_EQ(driver->memcpyHtoD(memory, values.data(), 3 * bytes), CUDA_SUCCESS);
  }
  void TearDown() override {
    if (!test)
      return;
    EXPECT_EQ(driver->memFree(memory), CUDA_SUCCESS);
    EXPECT_EQ(driver->ctxPopCurrent(&context), CUDA_SUCCESS);
  }

  void *at(int64_t offset) const { return reinterpret_cast<void *>(memory + offset); }

  std::unique_ptr<CudaKernel> kernelOf(const Config &config) {
    CudaProgram program;
    program.name = "probe";
    program.threads = 128;
    program.sharedBytes = 100 << 10; // more than a kernel has unasked
    program.arguments =
        llvm::cantFail(ArgumentBlock::parse("q:view:bf16x64 o:view:bf16x64 counter:table:i32x1"));
    program.maps = {{"q", width, boxRows}};
    Assembler assembler = llvm::cantFail(Assembler::find(config));
    CacheEntry entry;
    entry.key = "probe";
    entry.signature = program.str();
    entry.image = llvm::cantFail(assembler.assemble(probe, "sm_90a")).image;
    return llvm::cantFail(CudaKernel::load(std::move(entry)));
  }

  PreparedCall callOf(const CudaKernel &kernel) {
    PreparedCall call;
    call.target = Target::sm90a;
    call.kernel = &kernel;
    call.cuda.site = llvm::cantFail(Site::of(Target::sm90a, at(0), "q"));
    call.arguments.resize(kernel.arguments().bytes);
    auto put = [&](const char *name, const auto &value) {
      memcpy(call.arguments.data() + kernel.arguments().find(name)->offset, &value, sizeof(value));
    };
    put("q", ViewArgument{at(0), 0, 0, width, 1, 1, rows});
    put("o", ViewArgument{at(bytes), 0, 0, width, 1, 1, boxRows});
    put("counter", TableArgument{at(2 * bytes), {1}, {1}});
    return call;
  }

  /// After `launches` of them all there is a copy and a count.
  void expectComputed(int launches) {
    ASSERT_EQ(driver->ctxSynchronize(), CUDA_SUCCESS);
    std::vector<uint16_t> values(3 * bytes / 2);
    ASSERT_EQ(driver->memcpyDtoH(values.data(), memory, 3 * bytes), CUDA_SUCCESS);
    for (int64_t i = 0; i < boxRows * width; ++i)
      ASSERT_EQ(values[bytes / 2 + i], i < rows * width ? i + 1 : 0) << i;
    int multiprocessors = 0, count = 0;
    driver->deviceGetAttribute(&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0);
    memcpy(&count, values.data() + bytes, sizeof(count));
    EXPECT_EQ(count, launches * multiprocessors);
  }

  static constexpr int64_t bytes = boxRows * width * 2;
  const Driver *driver = nullptr;
  std::optional<TestDriver> test;
  CUcontext context = nullptr;
  CUdeviceptr memory = 0;
  HostThreads threads{1};
};

} // namespace

TEST_F(CudaLaunchTest, RunsAgainAndAgain) {
  std::unique_ptr<CudaKernel> kernel = kernelOf(Config());
  PreparedCall call = callOf(*kernel);
  llvm::cantFail(kernel->prepare(call));
  for (int i = 0; i < 3; ++i)
    llvm::cantFail(kernel->launch(call, {threads, nullptr}));
  expectComputed(3);
}

TEST_F(CudaLaunchTest, RunsWhatTheDriverAssembled) {
  Config config;
  config.assembler = Config::driverAssembles;
  std::unique_ptr<CudaKernel> kernel = kernelOf(config);
  PreparedCall call = callOf(*kernel);
  llvm::cantFail(kernel->prepare(call));
  llvm::cantFail(kernel->launch(call, {threads, nullptr}));
  expectComputed(1);
}

TEST_F(CudaLaunchTest, TellsWhatTheDriverSaysOfPtx) {
  std::unique_ptr<CudaKernel> good = kernelOf(Config());
  CacheEntry entry;
  entry.key = "broken";
  entry.signature = good->program().str();
  entry.image = ".version 8.0\n.target sm_90a\n.address_size 64\nnonsense\n";
  entry.image.push_back('\0');
  std::unique_ptr<CudaKernel> kernel = llvm::cantFail(CudaKernel::load(std::move(entry)));
  PreparedCall call = callOf(*kernel);
  std::string message = llvm::toString(kernel->prepare(call));
  EXPECT_NE(message.find("loading the kernel broken failed: CUDA_ERROR_INVALID_PTX"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("nonsense"), std::string::npos) << message;
}

/// A thread of the caller's that never touched CUDA.
TEST_F(CudaLaunchTest, NeedsNoCurrentContext) {
  std::unique_ptr<CudaKernel> kernel = kernelOf(Config());
  PreparedCall call = callOf(*kernel);
  std::thread([&] {
    call.cuda.site = llvm::cantFail(Site::of(Target::sm90a, at(0), "q"));
    llvm::cantFail(kernel->prepare(call));
    llvm::cantFail(kernel->launch(call, {threads, nullptr}));
    CUcontext current = nullptr;
    EXPECT_EQ(driver->ctxGetCurrent(&current), CUDA_SUCCESS);
    EXPECT_EQ(current, nullptr);
  }).join();
  expectComputed(1);
}

TEST_F(CudaLaunchTest, IsRecordedByACapture) {
  std::unique_ptr<CudaKernel> kernel = kernelOf(Config());
  PreparedCall call = callOf(*kernel);
  llvm::cantFail(kernel->prepare(call));
  CUstream stream = nullptr;
  void *graph = nullptr, *executable = nullptr;
  ASSERT_EQ(test->createStream(&stream, /*non-blocking*/ 1), CUDA_SUCCESS);
  ASSERT_EQ(test->beginCapture(stream, /*global*/ 0), CUDA_SUCCESS);
  llvm::cantFail(kernel->launch(call, {threads, stream}));
  ASSERT_EQ(test->endCapture(stream, &graph), CUDA_SUCCESS);
  ASSERT_EQ(test->instantiate(&executable, graph, 0), CUDA_SUCCESS);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(test->launchGraph(executable, stream), CUDA_SUCCESS);
  expectComputed(2);
  EXPECT_EQ(test->destroyStream(stream), CUDA_SUCCESS);
}

TEST_F(CudaLaunchTest, RefusesMemoryOfTheHost) {
  std::unique_ptr<CudaKernel> kernel = kernelOf(Config());
  PreparedCall call = callOf(*kernel);
  std::vector<uint16_t> host(bytes);
  ViewArgument view{host.data(), 0, 0, width, 1, 1, boxRows};
  memcpy(call.arguments.data() + kernel->arguments().find("o")->offset, &view, sizeof(view));
  EXPECT_EQ(llvm::toString(kernel->prepare(call)),
            "out.data is memory of the host, expected memory of a GPU, where the target computes");
}

/// Heads and batches that share memory: the driver decides, and is understood.
TEST_F(CudaLaunchTest, TriesStridesOfZero) {
  std::unique_ptr<CudaKernel> kernel = kernelOf(Config());
  PreparedCall call = callOf(*kernel);
  ViewArgument view{at(0), 0, 0, width, 7, 5, rows}; // strides of zero
  memcpy(call.arguments.data() + kernel->arguments().find("q")->offset, &view, sizeof(view));
  std::string message = llvm::toString(kernel->prepare(call));
  EXPECT_TRUE(message.empty() || message.find("the strides of rows, heads and batches of q") == 0)
      << message;
}
