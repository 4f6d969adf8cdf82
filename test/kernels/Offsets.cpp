//===- Offsets.cpp - tensors that span more than 32 bits ------------------===//

#include "test/kernels/KernelTest.h"

#include <cstring>
#include <numeric>
#include <sys/mman.h>

using namespace tessera;
using namespace tessera::test;

namespace {

/// A copy of a contiguous tensor whose rows lie far apart, in memory of which
/// only the pages in use exist.
class Sparse {
public:
  explicit Sparse(const Tensor &tensor) : near(tensor), far(tensor) {
    far.strides[0] = tensor.heads() * tensor.width();
    far.strides[1] = int64_t(1) << 26; // elements; 64 rows make 2^32
    bytes = tensor.seqlen() * far.strides[1] * sizeOf(tensor.type);
    far.data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (exists())
      forEachRow([](void *n, void *f, size_t size) { std::memcpy(f, n, size); });
  }
  Sparse(const Sparse &) = delete;
  ~Sparse() {
    if (exists())
      ::munmap(far.data, bytes);
  }

  bool exists() const { return far.data != MAP_FAILED; }
  const Tensor &tensor() const { return far; }
  void copyBack() {
    forEachRow([](void *n, void *f, size_t size) { std::memcpy(n, f, size); });
  }

private:
  template <class Use>
  void forEachRow(Use use) {
    auto at = [](const Tensor &tensor, int64_t b, int64_t i) {
      int64_t offset = b * tensor.strides[0] + i * tensor.strides[1];
      return static_cast<std::byte *>(tensor.data) + offset * sizeOf(tensor.type);
    };
    for (int64_t b = 0; b < near.batch(); ++b)
      for (int64_t i = 0; i < near.seqlen(); ++i)
        use(at(near, b, i), at(far, b, i), near.heads() * near.width() * sizeOf(near.type));
  }

  Tensor near, far;
  size_t bytes;
};

} // namespace

/// Pages whose numbers times their size are beyond 32 bits.
TEST(Offsets, OfPagesMayNeedMoreThan32Bits) {
  Case c{
      .problem = {.seqlenQ = 30, .seqlenKv = 101, .headDim = 40, .headDimV = 24, .causal = true}};
  c.setTypes(DType::bf16);
  fill(c);
  Operands operands(c, {.kv = Form::paged});
  Attention call = operands.call();
  // The sparse tensor has far rows; here they are pages of one row each.
  Buffer keys(DType::bf16, {1, 101, 1, 40}), values(DType::bf16, {1, 101, 1, 24});
  keys.put(c.problem.k), values.put(c.problem.v);
  Sparse farK(keys.tensor()), farV(values.tensor());
  if (!farK.exists() || !farV.exists())
    GTEST_SKIP() << "no address space for sparse tensors";
  std::vector<int32_t> table(101);
  std::iota(table.begin(), table.end(), 0);
  auto asPages = [](Tensor tensor) {
    tensor.shape = {101, 1, 1, tensor.width()};
    tensor.strides = {tensor.strides[1], 0, 0, 1};
    return tensor;
  };
  call.k = asPages(farK.tensor()), call.v = asPages(farV.tensor());
  call.pageTable = Table::of(table.data(), {1, 101});
  if (!ran(call))
    return;
  EXPECT_TRUE(sameBits(operands.output(), run(c)));
}

TEST(Offsets, MayNeedMoreThan32Bits) {
  for (DType type : {plainType(), DType::bf16}) {
    Case c{.problem = {.batch = 2,
                       .seqlenQ = 130,
                       .seqlenKv = 101,
                       .heads = 4,
                       .kvHeads = 2,
                       .headDim = 40,
                       .headDimV = 24,
                       .scale = 0.2f,
                       .causal = true}};
    c.setTypes(type);
    fill(c);
    Operands operands(c);
    Attention call = operands.call();
    Sparse q(call.q), k(call.k), v(call.v), o(call.o);
    if (!q.exists() || !k.exists() || !v.exists() || !o.exists())
      GTEST_SKIP() << "no address space for sparse tensors";
    call.q = q.tensor(), call.k = k.tensor(), call.v = v.tensor();
    call.o = o.tensor();
    if (!ran(call))
      return;
    o.copyBack();
    EXPECT_TRUE(sameBits(operands.output(), run(c)));
  }
}
