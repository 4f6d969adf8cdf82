//===- Driver.cpp - the CUDA driver, loaded at run time -------------------===//

#include "runtime/cuda/Driver.h"
#include "dsl/Refusal.h"

#include <atomic>
#include <dlfcn.h>
#include <fmt/format.h>

using namespace llvm;

namespace tessera::cuda {

static constexpr const char *libraryName = "libcuda.so.1";

namespace {
/// The driver's functions, or why they are not there.
struct Library {
  Driver driver;
  std::string problem;

  Library() {
    // Never closed: the driver keeps threads of its own.
    void *handle = dlopen(libraryName, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char *reason = dlerror();
      problem = reason ? reason : "it cannot be loaded";
      return;
    }
    auto find = [&](auto &function, const char *symbol) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(handle, symbol));
      if (!function && problem.empty())
        problem = fmt::format("{} has no {}, it is older than CUDA 12.0", libraryName, symbol);
    };
#define TESSERA_CUDA(member, symbol, ...) find(driver.member, #symbol);
#include "runtime/cuda/Driver.def"
  }
};
} // namespace

/// Loaded when it is first asked for; a driver does not appear later.
static const Library &library() {
  static const Library theLibrary;
  return theLibrary;
}

static Error refuseDriver(const std::string &reason) {
  return refuse(ErrorCode::unsupportedTarget, "target",
                fmt::format("a GPU, but there is no NVIDIA driver: {}", reason),
                "host, or a machine with a GPU and a driver for CUDA 12.0 or newer", "host");
}

Expected<const Driver &> Driver::get() {
  const Library &loaded = library();
  if (!loaded.problem.empty())
    return refuseDriver(loaded.problem);
  const Driver &driver = loaded.driver;
  // The driver remembers that it was initialised, and so need we not.
  if (CUresult result = driver.init(0))
    return refuseDriver(driver.describe(result));
  return driver;
}

const Driver *Driver::ifPresent() {
  static std::atomic<bool> isPresent = false; // from then on `library` keeps it
  if (!isPresent.load(std::memory_order_relaxed)) {
    void *handle = dlopen(libraryName, RTLD_LAZY | RTLD_NOLOAD);
    if (!handle)
      return nullptr;
    library();
    dlclose(handle);
    isPresent.store(true, std::memory_order_relaxed);
  }
  const Library &loaded = library();
  return loaded.problem.empty() ? &loaded.driver : nullptr;
}

std::string Driver::describe(CUresult result) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName(result, &name) || getErrorString(result, &text))
    return fmt::format("CUDA error {}", result);
  return fmt::format("{}: {}", name, text);
}

Error Driver::check(CUresult result, const Twine &doing) const {
  if (result == CUDA_SUCCESS)
    return Error::success();
  return createStringError(inconvertibleErrorCode(), doing.str() + " failed: " + describe(result));
}

} // namespace tessera::cuda
