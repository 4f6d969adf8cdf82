//===- LaunchCost.cpp - what a launch costs the host ----------------------===//
//
// A prepared launch through the C interface beside a bare cuLaunchKernelEx of a
// kernel that does nothing and has the same parameters. They take turns in one
// process, and the stream is empty before each batch, so that neither waits for
// the GPU.
//
//===----------------------------------------------------------------------===//

#include "runtime/CInterface.h"
#include "runtime/cuda/DeviceMemory.h"
#include "runtime/cuda/Module.h"
#include "test/kernels/Device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <dlfcn.h>
#include <fmt/format.h>

using namespace tessera;
using namespace tessera::cuda;
using namespace tessera::test;

using Microseconds = std::chrono::duration<double, std::micro>;

/// How much more than the driver's own launch one of ours may cost.
static constexpr double mostMicroseconds = 3;
static constexpr int batches = 50, launchesOfBatch = 100;

namespace {

/// CUlaunchConfig of cuda.h.
struct LaunchConfig {
  unsigned gridX = 1, gridY = 1, gridZ = 1, blockX = 32, blockY = 1, blockZ = 1, sharedBytes = 0;
  CUstream stream = nullptr;
  void *attributes = nullptr;
  unsigned attributeCount = 0;
};

/// What the runtime has no use for.
struct TestDriver {
  CUresult (*createStream)(CUstream *, unsigned flags);
  CUresult (*destroyStream)(CUstream);
  CUresult (*launchKernelEx)(const LaunchConfig *, CUfunction, void **parameters, void **extra);

  TestDriver() {
    void *library = dlopen("libcuda.so.1", RTLD_NOW); // the runtime has loaded it
    auto find = [&](auto &function, const char *symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
      EXPECT_NE(function, nullptr) << symbol;
    };
    find(createStream, "cuStreamCreate");
    find(destroyStream, "cuStreamDestroy_v2");
    find(launchKernelEx, "cuLaunchKernelEx");
  }
};

class LaunchCost : public testing::Test {
protected:
  void SetUp() override {
    if (!isOnGpu())
      GTEST_SKIP() << "a call of the host is no launch";
    if (std::getenv("GTEST_TOTAL_SHARDS"))
      GTEST_SKIP() << "times are taken in a process that has the machine to itself";
    site = llvm::cantFail(testSite());
    driver.emplace();
    scope.emplace(site);
    ASSERT_EQ(scope->result(), CUDA_SUCCESS);
    ASSERT_EQ(driver->createStream(&stream, /*non-blocking*/ 1), CUDA_SUCCESS);
  }
  void TearDown() override {
    if (stream) {
      EXPECT_EQ(driver->destroyStream(stream), CUDA_SUCCESS);
    }
    scope.reset();
  }

  Site site;
  std::optional<TestDriver> driver;
  std::optional<ContextScope> scope; ///< the context is current, as it is where torch is in use
  CUstream stream = nullptr;
};

} // namespace

/// A kernel of one instruction with the parameters of a call's.
static std::string bareKernel(const PreparedCall &call) {
  std::string parameters = fmt::format(".param .align 8 .b8 block[{}]", call.arguments.size());
  for (size_t i = 0; i < call.cuda.maps.size(); ++i)
    parameters += fmt::format(", .param .align 64 .b8 map{}[{}]", i, sizeof(CUtensorMap));
  if (call.cuda.tickets)
    parameters += ", .param .u64 counters";
  return fmt::format(".version 8.0\n.target sm_90\n.address_size 64\n"
                     ".visible .entry bare({})\n{{\n  ret;\n}}\n",
                     parameters);
}

/// Microseconds of one of the launches that `launch` makes, and then the wait.
template <class Launch>
static double timeBatch(const Site &site, Launch launch) {
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < launchesOfBatch; ++i)
    launch();
  Microseconds elapsed = std::chrono::steady_clock::now() - start;
  llvm::cantFail(synchronize(site));
  return elapsed.count() / launchesOfBatch;
}

static double median(std::vector<double> times) {
  auto middle = times.begin() + times.size() / 2;
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

TEST_F(LaunchCost, IsCloseToABareLaunch) {
  constexpr int64_t rows = 64, width = 64, bytes = rows * width * 2;
  DeviceMemory memory = llvm::cantFail(DeviceMemory::allocate(site, 4 * bytes));
  llvm::cantFail(memory.fill(0));
  Attention call;
  call.target = testTarget();
  Tensor *tensors[] = {&call.q, &call.k, &call.v, &call.o};
  for (auto [i, tensor] : llvm::enumerate(tensors))
    *tensor = Tensor::contiguous(memory.at(i * bytes), DType::bf16, {1, rows, 1, width});

  Config config;
  config.cache = false;
  std::unique_ptr<Engine> engine = llvm::cantFail(Engine::create(config));
  tessera_prepared prepared{engine.get(), llvm::cantFail(engine->prepare(call))};
  auto launchOurs = [&] {
    ASSERT_EQ(tessera_launch(&prepared, stream, /*error=*/nullptr), TESSERA_OK);
  };

  PreparedCall &ours = prepared.call;
  Module module = llvm::cantFail(Module::load(site, bareKernel(ours), "bare"));
  CUfunction bare = llvm::cantFail(module.function("bare"));
  CUdeviceptr counters = 0; // nobody reads it
  std::vector<void *> parameters = {ours.arguments.data()};
  for (CUtensorMap &map : ours.cuda.maps)
    parameters.push_back(&map);
  if (ours.cuda.tickets)
    parameters.push_back(&counters);
  LaunchConfig where;
  where.stream = stream;
  auto launchBare = [&] {
    ASSERT_EQ(driver->launchKernelEx(&where, bare, parameters.data(), nullptr), CUDA_SUCCESS);
  };

  std::vector<double> timesOfOurs, timesOfBare;
  for (int i = -2; i < batches; ++i) { // the first two are not counted
    double timeOfOurs = timeBatch(site, launchOurs), timeOfBare = timeBatch(site, launchBare);
    if (i < 0)
      continue;
    timesOfOurs.push_back(timeOfOurs);
    timesOfBare.push_back(timeOfBare);
  }
  double timeOfOurs = median(timesOfOurs), timeOfBare = median(timesOfBare);
  RecordProperty("prepared_us", fmt::format("{:.2f}", timeOfOurs));
  RecordProperty("bare_us", fmt::format("{:.2f}", timeOfBare));
  fmt::print("a prepared launch takes the host {:.2f} us, a bare one {:.2f} us\n", timeOfOurs,
             timeOfBare);
  std::fflush(stdout);
  EXPECT_LE(timeOfOurs - timeOfBare, mostMicroseconds);
}
