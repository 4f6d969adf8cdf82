//===- Module.cpp - an image loaded into a context ------------------------===//

#include "runtime/cuda/Module.h"
#include "runtime/Log.h"

#include <array>
#include <fmt/format.h>

using namespace llvm;

namespace tessera::cuda {

Expected<Module> Module::load(const Site &site, const std::string &image, const std::string &name) {
  ContextScope scope(site);
  const Driver &driver = *site.driver;
  std::string doing = "loading the kernel " + name;
  if (Error error = driver.check(scope.result(), doing))
    return error;

  // What the driver's own assembler says of PTX.
  std::array<char, 4096> log{};
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  CUmodule handle = nullptr;
  CUresult result =
      driver.moduleLoadDataEx(&handle, image.data(), std::size(options), options, values);
  if (Error error = driver.check(result, doing)) {
    StringRef said = StringRef(log.data(), strnlen(log.data(), log.size())).trim();
    if (said.empty())
      return error;
    return createStringError(inconvertibleErrorCode(), toString(std::move(error)) + "\n" + said);
  }
  return Module(site, handle);
}

Module::~Module() {
  if (!handle)
    return;
  // A context that is gone has taken its modules along, and so has a driver
  // that the end of the process shut down.
  ContextScope scope(site);
  if (scope.result() != CUDA_SUCCESS)
    return;
  if (CUresult result = site.driver->moduleUnload(handle))
    warn("a kernel cannot be unloaded: {}", site.driver->describe(result));
}

Expected<CUfunction> Module::function(const std::string &name) const {
  ContextScope scope(site);
  CUfunction function = nullptr;
  CUresult result = scope.result();
  if (result == CUDA_SUCCESS)
    result = site.driver->moduleGetFunction(&function, handle, name.c_str());
  if (Error error = site.driver->check(result, "looking for the kernel " + name))
    return error;
  return function;
}

Expected<CUdeviceptr> Module::global(const std::string &name) const {
  ContextScope scope(site);
  CUdeviceptr address = 0;
  size_t bytes = 0;
  CUresult result = scope.result();
  if (result == CUDA_SUCCESS)
    result = site.driver->moduleGetGlobal(&address, &bytes, handle, name.c_str());
  if (Error error = site.driver->check(result, "looking for the variable " + name))
    return error;
  return address;
}

} // namespace tessera::cuda
