//===- CudaRuntimeTest.cpp - what the GPU runtime does without a GPU ------===//

#include "dsl/Refusal.h"
#include "runtime/Engine.h"
#include "runtime/cuda/CudaKernel.h"
#include "runtime/cuda/TensorMap.h"

#include <gtest/gtest.h>

using namespace tessera;

/// The refusal that an error is.
static Refusal refusalOf(llvm::Error error) {
  Refusal found(ErrorCode::internalError, "", "", "");
  EXPECT_TRUE(static_cast<bool>(error)) << "nothing was refused";
  llvm::handleAllErrors(
      std::move(error), [&](const Refusal &refusal) { found = refusal; },
      [](const llvm::ErrorInfoBase &other) { ADD_FAILURE() << other.message(); });
  return found;
}

//===----------------------------------------------------------------------===//
// Programs as text
//===----------------------------------------------------------------------===//

static CudaProgram programOf(std::string arguments) {
  CudaProgram program;
  program.name = "flash";
  program.threads = 384;
  program.sharedBytes = 200000;
  program.blocksPerSM = 2;
  program.arguments = llvm::cantFail(ArgumentBlock::parse(arguments));
  return program;
}

TEST(CudaProgram, IsReadAsItWasWritten) {
  CudaProgram program = programOf("q:view:bf16x128 k:view:bf16x128 scale:f32 batch:index");
  program.maps = {{"q", 64, 128}, {"k", 64, 176}};
  CudaProgram read = llvm::cantFail(CudaProgram::parse(program.str()));
  EXPECT_EQ(read.name, "flash");
  EXPECT_EQ(read.threads, 384);
  EXPECT_EQ(read.sharedBytes, 200000);
  EXPECT_EQ(read.blocksPerSM, 2);
  EXPECT_EQ(read.maps, program.maps);
  EXPECT_EQ(read.arguments.str(), program.arguments.str());
  EXPECT_EQ(read.arguments.bytes, program.arguments.bytes);
  EXPECT_EQ(read.str(), program.str());
}

TEST(CudaProgram, NeedsNoMaps) {
  CudaProgram program = programOf("scale:f32");
  EXPECT_TRUE(llvm::cantFail(CudaProgram::parse(program.str())).maps.empty());
}

TEST(CudaProgram, RefusesMalformedText) {
  for (const char *text :
       {"", "flash", "flash\n384 1 1\n", "flash\n384 1\n\nq:view:bf16x64",
        "flash\n384 one 1\n\nq:view:bf16x64", "flash\n384 1 1\nq:64\nq:view:bf16x64",
        "flash\n384 1 1\nq:64:x\nq:view:bf16x64",
        "flash\n384 1 1\nk:64:8\nq:view:bf16x64", // no such view
        "flash\n384 1 1\ns:64:8\ns:f32",          // not a view
        "flash\n384 1 1\n\nq:view:bf17x64"}) {
    llvm::Expected<CudaProgram> program = CudaProgram::parse(text);
    EXPECT_FALSE(static_cast<bool>(program)) << text;
    llvm::consumeError(program.takeError());
    CacheEntry entry;
    entry.signature = text;
    llvm::Expected<std::unique_ptr<CudaKernel>> kernel = CudaKernel::load(entry);
    EXPECT_FALSE(static_cast<bool>(kernel)) << text;
    llvm::consumeError(kernel.takeError());
  }
}

//===----------------------------------------------------------------------===//
// Tensor maps
//===----------------------------------------------------------------------===//

namespace {

/// A view of bf16 as in a call: 2 batches, 300 rows, 8 heads, 128 wide.
struct Layout : testing::Test {
  static constexpr int64_t width = 128, heads = 8, rows = 300;
  Argument argument{.name = "k", .kind = ArgumentKind::view, .type = DType::bf16, .width = width};
  TensorMapRequest request{"k", 64, 176};
  ViewArgument view{
      reinterpret_cast<void *>(0x1000), rows *heads *width, width, heads *width, 2, heads, rows};

  cuda::TensorMapLayout made() {
    return llvm::cantFail(cuda::tensorMapLayout(view, argument, request));
  }
  Refusal refused() {
    return refusalOf(cuda::tensorMapLayout(view, argument, request).takeError());
  }
};

} // namespace

using Extents = std::array<uint64_t, 4>;
using Strides = std::array<uint64_t, 3>;

TEST_F(Layout, HasTheDimensionsOfTheView) {
  cuda::TensorMapLayout layout = made();
  EXPECT_EQ(layout.data, view.data);
  EXPECT_EQ(layout.dataType, cuda::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
  EXPECT_EQ(layout.extents, (Extents{128, 300, 8, 2}));
  EXPECT_EQ(layout.strides, (Strides{2 * 8 * 128, 2 * 128, 2 * 300 * 8 * 128}));
  EXPECT_EQ(layout.box, (std::array<uint32_t, 4>{64, 176, 1, 1}));
}

TEST_F(Layout, CountsBytes) {
  argument.type = DType::e4m3;
  EXPECT_EQ(made().dataType, cuda::CU_TENSOR_MAP_DATA_TYPE_UINT8);
  EXPECT_EQ(made().strides, (Strides{8 * 128, 128, 300 * 8 * 128}));
  argument.type = DType::f32;
  EXPECT_EQ(made().dataType, cuda::CU_TENSOR_MAP_DATA_TYPE_FLOAT32);
  EXPECT_EQ(made().strides, (Strides{4 * 8 * 128, 4 * 128, 4 * 300 * 8 * 128}));
}

/// A step that is never taken may have any size: the map gets one it allows.
TEST_F(Layout, TakesAnyStrideOfOneElement) {
  view.heads = view.batches = 1;
  view.headStride = 3;
  view.batchStride = -7;
  EXPECT_EQ(made().extents, (Extents{128, 300, 1, 1}));
  EXPECT_EQ(made().strides, (Strides{2 * 8 * 128, 2 * 128, 2 * 128}));
  argument.width = 20; // 40 bytes, up to the next multiple of 16
  EXPECT_EQ(made().strides, (Strides{2 * 8 * 128, 48, 48}));
}

/// Heads or batches that share memory.
TEST_F(Layout, TakesAStrideOfZero) {
  view.headStride = view.batchStride = 0;
  EXPECT_EQ(made().strides, (Strides{2 * 8 * 128, 0, 0}));
}

/// No sequence of keys, and no memory: what is mapped is never read.
TEST_F(Layout, MapsNothingAsOneElement) {
  view.rows = 0;
  view.data = nullptr;
  EXPECT_EQ(made().data, nullptr);
  EXPECT_EQ(made().extents, (Extents{128, 1, 1, 1}));
  view.data = reinterpret_cast<void *>(0x1001);
  EXPECT_EQ(made().data, nullptr);
}

TEST_F(Layout, RefusesWhatIsMisaligned) {
  view.data = reinterpret_cast<void *>(0x1008);
  Refusal refusal = refused();
  EXPECT_EQ(refusal.code, ErrorCode::misaligned);
  EXPECT_EQ(refusal.message(),
            "k.data is 0x1008, expected a multiple of 16 bytes, as a GPU copies");
}

TEST_F(Layout, RefusesStridesOfOtherBytes) {
  view.headStride = 132;
  Refusal refusal = refused();
  EXPECT_EQ(refusal.code, ErrorCode::invalidStride);
  EXPECT_EQ(refusal.message(), "the stride of heads of k is 132 elements of 2 bytes, expected a "
                               "multiple of 16 bytes, as a GPU copies");
  view.headStride = 128;
  view.rowStride = -1024;
  refusal = refused();
  EXPECT_EQ(refusal.code, ErrorCode::invalidStride);
  EXPECT_EQ(refusal.message(), "the stride of rows of k is -1024 elements of 2 bytes, expected 0 "
                               "to 1099511627760 bytes, as a GPU copies");
  view.rowStride = 1024;
  view.batchStride = int64_t(1) << 39; // 2^40 bytes
  EXPECT_EQ(refused().subject, "the stride of batches of k");
}

TEST_F(Layout, RefusesTooManyRows) {
  view.rows = (int64_t(1) << 32) + 1;
  EXPECT_EQ(refused().code, ErrorCode::invalidShape);
}

TEST_F(Layout, NamesTensorsAsTheInterfacesDo) {
  argument.name = "o";
  view.data = reinterpret_cast<void *>(0x1002);
  EXPECT_EQ(refused().subject, "out.data");
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// An address that nothing may look at.
static void *elsewhere(int64_t page) { return reinterpret_cast<void *>(page << 20); }

/// A packed call in memory that this process cannot read.
static Attention packedCall() {
  auto tensor = [](int64_t page, int64_t heads) {
    return Tensor::contiguous(elsewhere(page), DType::bf16, {100, heads, 64}, 3);
  };
  Attention call;
  call.target = Target::sm90a;
  call.q = tensor(1, 4), call.k = tensor(2, 2), call.v = tensor(3, 2), call.o = tensor(4, 4);
  call.cuSeqlensQ = Table::of(static_cast<int32_t *>(elsewhere(5)), {4});
  call.cuSeqlensKv = Table::of(static_cast<int32_t *>(elsewhere(6)), {4});
  call.maxSeqlenQ = 40;
  return call;
}

/// The mistake of a call, or nothing if it has a key. What kernels there are for
/// a GPU is not the matter here.
static std::string mistakeOf(const Attention &call) {
  llvm::Expected<Key> key = keyOf(call);
  if (key)
    return "";
  Refusal refusal = refusalOf(key.takeError());
  return llvm::StringRef(refusal.subject).starts_with("key") ? "" : refusal.message();
}

TEST(CudaCall, IsCheckedWithoutALookAtItsMemory) {
  Attention call = packedCall();
  EXPECT_EQ(mistakeOf(call), "");
  call.seqUsedKv = Table::of(static_cast<int32_t *>(elsewhere(7)), {3});
  EXPECT_EQ(mistakeOf(call), "");
  call.cuSeqlensKv = {};
  call.k = call.v = Tensor::contiguous(elsewhere(8), DType::bf16, {9, 16, 2, 64});
  call.pageTable = Table::of(static_cast<int32_t *>(elsewhere(9)), {3, 5});
  EXPECT_EQ(mistakeOf(call), "");
}

TEST(CudaCall, SaysHowLongPackedQueriesAre) {
  Attention call = packedCall();
  call.maxSeqlenQ = -1;
  EXPECT_EQ(mistakeOf(call), "max_seqlen_q is not given, expected the length of the longest "
                             "sequence, cu_seqlens_q is in memory of a GPU");
  call.maxSeqlenQ = int64_t(1) << 40;
  EXPECT_EQ(mistakeOf(call), "max_seqlen_q is 1099511627776, expected 0 to 536870911");
  call.maxSeqlenQ = 40;
  call.maxSeqlenKv = -2;
  EXPECT_EQ(mistakeOf(call), "max_seqlen_kv is -2, expected 0 to 536870911");
}

TEST(CudaCall, GivesAllFactorsOrNone) {
  Attention call = packedCall();
  call.kDescale = Table::of(static_cast<float *>(elsewhere(7)), {});
  EXPECT_EQ(mistakeOf(call), "q_descale is absent, expected all of q_descale, k_descale and "
                             "v_descale, or none");
}

TEST(CudaCall, IsCheckedForShapesAndOverlaps) {
  Attention call = packedCall();
  call.o.data = call.v.data;
  EXPECT_EQ(mistakeOf(call), "out.data is memory of v, expected memory of its own");
  call = packedCall();
  call.cuSeqlensKv.shape[0] = 3;
  EXPECT_EQ(mistakeOf(call), "cu_seqlens_kv.shape is (3), expected (4)");
}

//===----------------------------------------------------------------------===//
// The driver
//===----------------------------------------------------------------------===//

TEST(CudaDriver, IsThereOrRefusedWithTheReason) {
  llvm::Expected<const cuda::Driver &> driver = cuda::Driver::get();
  if (driver)
    GTEST_SKIP() << "there is a driver";
  Refusal refusal = refusalOf(driver.takeError());
  EXPECT_EQ(refusal.code, ErrorCode::unsupportedTarget);
  EXPECT_EQ(refusal.subject, "target");
  EXPECT_TRUE(llvm::StringRef(refusal.found).starts_with("a GPU, but there is no NVIDIA driver: "))
      << refusal.found;
  EXPECT_EQ(refusal.nearest, "host");
}

/// Memory of the host, or no driver: found before anything is compiled.
TEST(CudaDriver, IsAskedBeforeCompiling) {
  Config config;
  config.cache = false;
  std::unique_ptr<Engine> engine = llvm::cantFail(Engine::create(config));
  std::vector<uint16_t> memory(4 * 64 * 64);
  auto tensor = [&](int64_t i) {
    return Tensor::contiguous(memory.data() + i * 64 * 64, DType::bf16, {1, 64, 1, 64});
  };
  Attention call;
  call.target = Target::sm90a;
  call.q = tensor(0), call.k = tensor(1), call.v = tensor(2), call.o = tensor(3);
  KernelOrigin origin = KernelOrigin::memory;
  llvm::Expected<PreparedCall> prepared = engine->prepare(call, &origin);
  ASSERT_FALSE(static_cast<bool>(prepared));
  EXPECT_EQ(refusalOf(prepared.takeError()).code, ErrorCode::unsupportedTarget);
  EXPECT_EQ(origin, KernelOrigin::memory);
}
