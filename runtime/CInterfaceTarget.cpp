//===- CInterfaceTarget.cpp - tessera.h: which machine computes -----------===//

#include "runtime/CInterface.h"

using namespace llvm;
using namespace tessera;
using namespace tessera::c;

/// What CUDA knows of a tensor. A process in which nobody loaded the driver has
/// no memory of a GPU, and finds that out without loading it.
static std::optional<cuda::Memory> memoryIfPresent(const void *address) {
  const cuda::Driver *driver = address ? cuda::Driver::ifPresent() : nullptr;
  return driver ? cuda::memoryAt(*driver, address) : std::nullopt;
}

/// The target of the GPU that holds a tensor, of whose memory it may already be
/// known where it lies; of one without elements, that of this thread's GPU.
static Expected<Target> targetOfGpu(NamedAddress leading, std::optional<cuda::Memory> known) {
  if (!leading.data && !known)
    return cuda::currentTarget();
  Expected<const cuda::Driver &> driver = cuda::Driver::get();
  if (!driver)
    return driver.takeError();
  if (known)
    return cuda::targetOf(*driver, known->device);
  Expected<cuda::Memory> memory = cuda::memoryOfGpu(*driver, leading.data, leading.name);
  if (!memory)
    return memory.takeError();
  return cuda::targetOf(*driver, memory->device);
}

Expected<Target> c::targetNamed(const char *name, ArrayRef<NamedAddress> tensors,
                                std::optional<int> device, const void *stream) {
  const NamedAddress *first = find_if(tensors, [](NamedAddress tensor) { return tensor.data; });
  const NamedAddress &leading = first == tensors.end() ? tensors.front() : *first;
  std::optional<cuda::Memory> memory =
      device ? cuda::Memory{*device, /*onDevice=*/true, /*onHost=*/false}
             : memoryIfPresent(leading.data);
  bool isOfGpu = memory ? memory->onDevice : stream && !leading.data;
  StringRef word = name ? StringRef(name) : isOfGpu ? "cuda" : "host";
  if (word == str(Target::host)) {
    if (memory && !memory->onHost)
      return refuse(ErrorCode::unsupportedTarget, fmt::format("{}.data", leading.name),
                    "memory of a GPU", "memory of the host, where the target computes");
    return Target::host;
  }
  if (word != "cuda" && word != str(Target::sm90a))
    return refuse(ErrorCode::unsupportedTarget, "target", fmt::format("\"{}\"", word.str()),
                  "host, sm90a or cuda", "host");
  Expected<Target> here = targetOfGpu(leading, memory);
  if (here && word != "cuda" && str(*here) != word)
    return refuse(ErrorCode::unsupportedTarget, "target", fmt::format("\"{}\"", word.str()),
                  fmt::format("{}, what this GPU runs", str(*here).str()), str(*here).str());
  return here;
}

Error c::checkStream(Target target, const void *stream) {
  if (!stream || isGpu(target))
    return Error::success();
  return refuse(ErrorCode::invalidValue, "stream", fmt::format("{}", stream),
                "null: the host has no streams", "null");
}
