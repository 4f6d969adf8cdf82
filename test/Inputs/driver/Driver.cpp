//===- Driver.cpp - a GPU that is pretended -------------------------------===//
//
// A libcuda.so.1 for tests without a GPU: one device of compute capability 9.0,
// whose memory is the host's. Kernels are loaded and launched, and compute
// nothing.
//
//===----------------------------------------------------------------------===//

#include "runtime/cuda/DriverTypes.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

using namespace tessera::cuda;

/// A handle that nobody looks into.
template <class Handle>
static Handle pretended() {
  static int thing;
  return reinterpret_cast<Handle>(&thing);
}

static std::mutex mutex;
static std::map<CUdeviceptr, size_t> allocations; ///< and their sizes
static thread_local CUcontext current = nullptr;

static bool isOnDevice(CUdeviceptr pointer) {
  std::lock_guard lock(mutex);
  auto next = allocations.upper_bound(pointer);
  if (next == allocations.begin())
    return false;
  --next;
  return pointer < next->first + next->second;
}

extern "C" {

CUresult cuInit(unsigned) { return CUDA_SUCCESS; }

CUresult cuGetErrorName(CUresult, const char **name) {
  *name = "CUDA_ERROR_INVALID_VALUE";
  return CUDA_SUCCESS;
}
CUresult cuGetErrorString(CUresult, const char **text) {
  *text = "a pretended GPU cannot do that";
  return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  *device = ordinal;
  return ordinal ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
CUresult cuDeviceGetName(char *name, int bytes, CUdevice) {
  std::strncpy(name, "a pretended GPU", bytes);
  return CUDA_SUCCESS;
}
CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice) {
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9
           : attribute == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT   ? 132
                                                                     : 0;
  return CUDA_SUCCESS;
}
CUresult cuPointerGetAttributes(unsigned count, const int *attributes, void **values,
                                CUdeviceptr pointer) {
  bool isKnown = isOnDevice(pointer);
  for (unsigned i = 0; i < count; ++i) {
    bool isType = attributes[i] == CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
    int told = isKnown && isType ? CU_MEMORYTYPE_DEVICE : 0;
    std::memcpy(values[i], &told, sizeof(told));
  }
  return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  *context = current;
  return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice *device) {
  *device = 0;
  return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuCtxGetId(CUcontext, unsigned long long *id) {
  *id = 1;
  return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent_v2(CUcontext context) {
  current = context;
  return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  *context = current;
  current = nullptr;
  return CUDA_SUCCESS;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
  *context = pretended<CUcontext>();
  return CUDA_SUCCESS;
}
CUresult cuCtxSynchronize() { return CUDA_SUCCESS; }

CUresult cuModuleLoadDataEx(CUmodule *module, const void *, unsigned, int *, void **) {
  *module = pretended<CUmodule>();
  return CUDA_SUCCESS;
}
CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }
CUresult cuModuleGetFunction(CUfunction *function, CUmodule, const char *) {
  *function = pretended<CUfunction>();
  return CUDA_SUCCESS;
}
CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule, const char *) {
  *address = 0, *bytes = 0;
  return CUDA_SUCCESS;
}
CUresult cuFuncSetAttribute(CUfunction, int, int) { return CUDA_SUCCESS; }
CUresult cuTensorMapEncodeTiled(CUtensorMap *, int, uint32_t, void *address, const uint64_t *,
                                const uint64_t *, const uint32_t *, const uint32_t *, int, int, int,
                                int) {
  return isOnDevice(reinterpret_cast<CUdeviceptr>(address)) ? CUDA_SUCCESS
                                                            : CUDA_ERROR_INVALID_VALUE;
}
CUresult cuStreamIsCapturing(CUstream, int *status) {
  *status = 0;
  return CUDA_SUCCESS;
}
CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                        unsigned, CUstream, void **, void **) {
  return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  constexpr size_t alignment = 256;
  void *memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  *address = reinterpret_cast<CUdeviceptr>(memory);
  std::lock_guard lock(mutex);
  allocations[*address] = bytes;
  return CUDA_SUCCESS;
}
CUresult cuMemFree_v2(CUdeviceptr address) {
  std::lock_guard lock(mutex);
  if (!allocations.erase(address))
    return CUDA_ERROR_INVALID_VALUE;
  std::free(reinterpret_cast<void *>(address));
  return CUDA_SUCCESS;
}
CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t bytes) {
  std::memset(reinterpret_cast<void *>(address), value, bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  std::memcpy(reinterpret_cast<void *>(to), from, bytes);
  return CUDA_SUCCESS;
}
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  std::memcpy(to, reinterpret_cast<const void *>(from), bytes);
  return CUDA_SUCCESS;
}

} // extern "C"
