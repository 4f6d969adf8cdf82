//===- Device.cpp - where on a GPU a call runs ----------------------------===//

#include "runtime/cuda/Device.h"
#include "dsl/Refusal.h"

#include <atomic>
#include <fmt/format.h>
#include <map>
#include <mutex>

using namespace llvm;

namespace tessera::cuda {

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

std::optional<Memory> memoryAt(const Driver &driver, const void *address) {
  auto pointer = static_cast<CUdeviceptr>(reinterpret_cast<uintptr_t>(address));
  // One question for all: each would look the address up. Of memory that CUDA does not know it
  // succeeds, and leaves zeros.
  static constexpr int attributes[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                       CU_POINTER_ATTRIBUTE_IS_MANAGED,
                                       CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL};
  unsigned type = 0, isManaged = 0;
  CUdevice device = 0;
  void *values[] = {&type, &isManaged, &device};
  if (driver.pointerGetAttributes(std::size(attributes), attributes, values, pointer))
    return std::nullopt;
  bool onDevice = type == CU_MEMORYTYPE_DEVICE, onHost = type == CU_MEMORYTYPE_HOST;
  if (!onDevice && !onHost)
    return std::nullopt; // unknown; textures and the like: no tensors
  return Memory{device, onDevice, onHost || isManaged};
}

Expected<Memory> memoryOfGpu(const Driver &driver, const void *address, const std::string &name) {
  if (std::optional<Memory> memory = memoryAt(driver, address))
    return *memory;
  return refuse(ErrorCode::unsupportedTarget, name + ".data", "memory of the host",
                "memory of a GPU, where the target computes");
}

Error checkMemory(const Driver &driver, CUdevice device, const void *address,
                  const std::string &name) {
  Expected<Memory> memory = memoryOfGpu(driver, address, name);
  if (!memory)
    return memory.takeError();
  // Registered host memory is reachable from every GPU.
  if (!memory->onDevice || memory->device == device)
    return Error::success();
  return refuse(ErrorCode::unsupportedTarget, name + ".data",
                fmt::format("memory of GPU {}", memory->device),
                fmt::format("memory of GPU {}, where the call runs", device));
}

//===----------------------------------------------------------------------===//
// Devices
//===----------------------------------------------------------------------===//

static Expected<int> attributeOf(const Driver &driver, CUdevice device, int which) {
  int value = 0;
  if (Error error = driver.check(driver.deviceGetAttribute(&value, which, device),
                                 "asking GPU " + Twine(device) + " what it is"))
    return error;
  return value;
}

Expected<Target> targetOf(const Driver &driver, CUdevice device) {
  // Every call asks, and what a device is does not change: a bit for each that has told.
  static std::atomic<uint64_t> known = 0;
  uint64_t bit = device >= 0 && device < 64 ? uint64_t(1) << device : 0;
  if (known.load(std::memory_order_relaxed) & bit)
    return Target::sm90a;
  CUdevice handle = 0;
  if (driver.deviceGet(&handle, device))
    return refuse(ErrorCode::unsupportedTarget, "device", fmt::format("{}", device),
                  "the number of a GPU that the driver can use");
  Expected<int> major = attributeOf(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  if (!major)
    return major.takeError();
  Expected<int> minor = attributeOf(driver, device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  if (!minor)
    return minor.takeError();
  // An sm_90a kernel runs on 9.0 and on nothing newer.
  if (*major == 9 && *minor == 0) {
    known.fetch_or(bit, std::memory_order_relaxed);
    return Target::sm90a;
  }
  return refuse(ErrorCode::unsupportedTarget, "target",
                fmt::format("GPU {} of compute capability {}.{}", device, *major, *minor),
                "host, or a GPU of compute capability 9.0", "host");
}

Expected<int> Site::attribute(int which) const { return attributeOf(*driver, device, which); }

Expected<std::string> Site::deviceName() const {
  char name[256] = "";
  if (Error error = driver->check(driver->deviceGetName(name, sizeof(name), device),
                                  fmt::format("asking GPU {} for its name", device)))
    return error;
  return name;
}

/// The device of this thread's context, or the first one.
static Expected<CUdevice> currentDevice(const Driver &driver) {
  CUcontext context = nullptr;
  CUdevice device = 0;
  if (driver.ctxGetCurrent(&context) == CUDA_SUCCESS && context &&
      driver.ctxGetDevice(&device) == CUDA_SUCCESS)
    return device;
  if (Error error = driver.check(driver.deviceGet(&device, 0), "looking for the first GPU"))
    return error;
  return device;
}

/// This thread's GPU, and no context of it yet.
static Expected<Site> currentGpu() {
  Expected<const Driver &> driver = Driver::get();
  if (!driver)
    return driver.takeError();
  Expected<CUdevice> device = currentDevice(*driver);
  if (!device)
    return device.takeError();
  return Site{&*driver, *device};
}

Expected<Target> currentTarget() {
  Expected<Site> gpu = currentGpu();
  return gpu ? targetOf(*gpu->driver, gpu->device) : gpu.takeError();
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

/// The context that the CUDA runtime, and so most of a process, uses.
static Expected<CUcontext> primaryContext(const Driver &driver, CUdevice device) {
  static std::mutex mutex;
  // Held until the process ends, like the kernels in them.
  static std::map<CUdevice, CUcontext> retained;
  std::lock_guard lock(mutex);
  if (auto known = retained.find(device); known != retained.end())
    return known->second;
  CUcontext context = nullptr;
  if (Error error = driver.check(driver.devicePrimaryCtxRetain(&context, device),
                                 fmt::format("entering the primary context of GPU {}", device)))
    return error;
  return retained[device] = context;
}

/// A device and the context of it to use; refuses one that `target` is not for.
static Expected<Site> siteOn(const Driver &driver, CUdevice where, Target target) {
  Site site{&driver, where};
  Expected<Target> runs = targetOf(driver, site.device);
  if (!runs)
    return runs.takeError();
  if (*runs != target)
    return refuse(ErrorCode::unsupportedTarget, "target", str(target).str(),
                  fmt::format("{}, what GPU {} runs", str(*runs).str(), site.device),
                  str(*runs).str());

  CUdevice device = 0;
  if (driver.ctxGetCurrent(&site.context) == CUDA_SUCCESS && site.context &&
      driver.ctxGetDevice(&device) == CUDA_SUCCESS && device == site.device)
    return site;
  Expected<CUcontext> context = primaryContext(driver, site.device);
  if (!context)
    return context.takeError();
  site.context = *context;
  return site;
}

Expected<Site> Site::of(Target target, const void *memory, const std::string &name) {
  Expected<const Driver &> driver = Driver::get();
  if (!driver)
    return driver.takeError();
  Expected<Memory> known = memoryOfGpu(*driver, memory, name);
  if (!known)
    return known.takeError();
  return siteOn(*driver, known->device, target);
}

Expected<Site> Site::on(Target target, CUdevice device) {
  Expected<const Driver &> driver = Driver::get();
  return driver ? siteOn(*driver, device, target) : driver.takeError();
}

Expected<Site> Site::current(Target target) {
  Expected<Site> gpu = currentGpu();
  return gpu ? siteOn(*gpu->driver, gpu->device, target) : gpu.takeError();
}

ContextScope::ContextScope(const Site &site) : driver(*site.driver) {
  CUcontext current = nullptr;
  entered = driver.ctxGetCurrent(&current);
  if (entered != CUDA_SUCCESS || current == site.context)
    return;
  entered = driver.ctxPushCurrent(site.context);
  pushed = entered == CUDA_SUCCESS;
}

ContextScope::~ContextScope() {
  CUcontext popped = nullptr;
  if (pushed)
    driver.ctxPopCurrent(&popped);
}

} // namespace tessera::cuda
