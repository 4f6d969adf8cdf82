//===- GpuCopies.cpp - the arrays of a call, copied to a GPU --------------===//

#include "tools/tessera/GpuCopies.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace tessera;

Expected<GpuCopies> GpuCopies::of(Attention &call, const cuda::Site &site) {
  GpuCopies result;
  auto copy = [&](auto &array, size_t elementBytes, bool isOutput) -> Error {
    if (!array.data || array.isEmpty())
      return Error::success();
    size_t bytes = elementBytes * product_of(ArrayRef(array.shape.data(), array.rank));
    Expected<cuda::DeviceMemory> memory = cuda::DeviceMemory::allocate(site, bytes);
    if (!memory)
      return memory.takeError();
    if (Error error = memory->copyIn(0, array.data, bytes))
      return error;
    void *original = const_cast<void *>(array.data);
    array.data = memory->at();
    result.copies.push_back({std::move(*memory), original, bytes, isOutput});
    return Error::success();
  };
  for (Tensor *tensor : {&call.q, &call.k, &call.v, &call.o, &call.lse})
    if (Error error =
            copy(*tensor, sizeOf(tensor->type), is_contained({&call.o, &call.lse}, tensor)))
      return error;
  for (Table *table : {&call.sinkLogits, &call.alibiSlopes})
    if (Error error = copy(*table, sizeof(float), /*isOutput=*/false))
      return error;
  return result;
}

Error GpuCopies::copyBack() const {
  for (const Copy &copy : copies)
    if (copy.isOutput)
      if (Error error = copy.memory.copyOut(copy.original, 0, copy.bytes))
        return error;
  return Error::success();
}
