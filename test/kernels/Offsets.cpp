//===- Offsets.cpp - tensors that span more than 32 bits ------------------===//

#include "test/kernels/KernelTest.h"

#include <cstring>
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

TEST(Offsets, MayNeedMoreThan32Bits) {
  for (DType type : {DType::f32, DType::bf16}) {
    Case c{.problem = {.batch = 2,
                       .seqlenQ = 130,
                       .seqlenKv = 101,
                       .heads = 4,
                       .kvHeads = 2,
                       .headDim = 40,
                       .headDimV = 24,
                       .scale = 0.2f,
                       .causal = true}};
    c.q = c.kv = c.o = type;
    fill(c);
    Operands operands(c);
    Attention call = operands.call();
    Sparse q(call.q), k(call.k), v(call.v), o(call.o);
    if (!q.exists() || !k.exists() || !v.exists() || !o.exists())
      GTEST_SKIP() << "no address space for sparse tensors";
    call.q = q.tensor(), call.k = k.tensor(), call.v = v.tensor();
    call.o = o.tensor();
    llvm::cantFail(run(call));
    o.copyBack();
    EXPECT_TRUE(sameBits(operands.output(), run(c)));
  }
}
