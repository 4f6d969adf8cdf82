//===- DeviceMemory.h - memory of a GPU, and copies to and from it --------===//
//
// Calls refer to their callers' memory. This is for callers whose numbers are
// the host's.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_RUNTIME_CUDA_DEVICEMEMORY_H
#define TESSERA_RUNTIME_CUDA_DEVICEMEMORY_H

#include "runtime/cuda/Device.h"

#include <utility>

namespace tessera::cuda {

/// Owns memory of a GPU. What is done to it happens in the order of the default
/// stream; `copyOut` returns when it has happened, the others may return before.
class DeviceMemory {
public:
  static llvm::Expected<DeviceMemory> allocate(const Site &site, size_t bytes);

  DeviceMemory(DeviceMemory &&other) noexcept
      : site(other.site), address(std::exchange(other.address, 0)), size(other.size) {}
  DeviceMemory &operator=(DeviceMemory &&) = delete;
  ~DeviceMemory();

  /// The address of a byte. The first one is aligned to 256 bytes.
  void *at(size_t offset = 0) const { return reinterpret_cast<void *>(address + offset); }

  /// Gives all bytes one value.
  llvm::Error fill(unsigned char value) const;
  llvm::Error copyIn(size_t offset, const void *from, size_t bytes) const;
  llvm::Error copyOut(void *to, size_t offset, size_t bytes) const;

private:
  DeviceMemory(const Site &site, CUdeviceptr address, size_t size)
      : site(site), address(address), size(size) {}

  Site site;
  CUdeviceptr address;
  size_t size;
};

/// Waits for all work of a context.
llvm::Error synchronize(const Site &site);

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_DEVICEMEMORY_H
