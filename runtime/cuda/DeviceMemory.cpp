//===- DeviceMemory.cpp - memory of a GPU, and copies to and from it ------===//

#include "runtime/cuda/DeviceMemory.h"
#include "runtime/Log.h"

#include <algorithm>

using namespace llvm;

namespace tessera::cuda {

/// Calls the driver in a context.
template <class Call>
static CUresult within(const Site &site, Call call) {
  ContextScope scope(site);
  return scope.result() == CUDA_SUCCESS ? call(*site.driver) : scope.result();
}

Expected<DeviceMemory> DeviceMemory::allocate(const Site &site, size_t bytes) {
  CUdeviceptr address = 0;
  CUresult result = within(site, [&](const Driver &driver) {
    return driver.memAlloc(&address, std::max<size_t>(bytes, 1)); // it refuses 0
  });
  if (Error error = site.driver->check(result, "allocating " + Twine(bytes) + " bytes of a GPU"))
    return error;
  return DeviceMemory(site, address, bytes);
}

DeviceMemory::~DeviceMemory() {
  if (!address)
    return;
  CUresult result = within(site, [&](const Driver &driver) { return driver.memFree(address); });
  if (result)
    warn("memory of a GPU cannot be freed: {}", site.driver->describe(result));
}

Error DeviceMemory::fill(unsigned char value) const {
  CUresult result =
      within(site, [&](const Driver &driver) { return driver.memsetD8(address, value, size); });
  return site.driver->check(result, "filling memory of a GPU");
}

Error DeviceMemory::copyIn(size_t offset, const void *from, size_t bytes) const {
  CUresult result = within(
      site, [&](const Driver &driver) { return driver.memcpyHtoD(address + offset, from, bytes); });
  return site.driver->check(result, "copying to a GPU");
}

Error DeviceMemory::copyOut(void *to, size_t offset, size_t bytes) const {
  CUresult result = within(
      site, [&](const Driver &driver) { return driver.memcpyDtoH(to, address + offset, bytes); });
  return site.driver->check(result, "copying from a GPU");
}

Error synchronize(const Site &site) {
  CUresult result = within(site, [](const Driver &driver) { return driver.ctxSynchronize(); });
  return site.driver->check(result, "waiting for a GPU");
}

} // namespace tessera::cuda
