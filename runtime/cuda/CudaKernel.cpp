//===- CudaKernel.cpp - a kernel of a GPU ---------------------------------===//

#include "runtime/cuda/CudaKernel.h"
#include "dsl/Refusal.h"
#include "runtime/cuda/TensorMap.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace llvm;
using namespace tessera::cuda;

namespace tessera {

Expected<std::unique_ptr<CudaKernel>> CudaKernel::load(CacheEntry entry) {
  Expected<CudaProgram> program = CudaProgram::parse(entry.signature);
  if (!program)
    return program.takeError();
  return std::unique_ptr<CudaKernel>(new CudaKernel(std::move(*program), std::move(entry)));
}

//===----------------------------------------------------------------------===//
// Loading
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<CudaKernel::Loaded>> CudaKernel::loadInto(const Site &site,
                                                                   uint64_t id) const {
  Expected<int> multiprocessors = site.attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  if (!multiprocessors)
    return multiprocessors.takeError();
  Expected<Module> module = Module::load(site, image, key());
  if (!module)
    return module.takeError();
  Expected<CUfunction> function = module->function(theProgram.name);
  if (!function)
    return function.takeError();
  // More than 48 KiB have to be asked for.
  if (Error error = site.driver->check(
          site.driver->funcSetAttribute(*function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                        theProgram.sharedBytes),
          "giving shared memory to the kernel " + key()))
    return error;
  unsigned blocks = theProgram.blocksPerSM * *multiprocessors;
  std::unique_ptr<Tickets> tickets;
  if (theProgram.tickets) {
    Expected<CUdeviceptr> counters = module->global(ticketCountersName.str());
    if (!counters)
      return counters.takeError();
    tickets = std::make_unique<Tickets>(*counters);
  }
  return std::make_unique<Loaded>(
      Loaded{id, std::move(*module), *function, blocks, std::move(tickets)});
}

Expected<const CudaKernel::Loaded &> CudaKernel::loadedFor(const Site &site) const {
  unsigned long long id = 0;
  if (Error error =
          site.driver->check(site.driver->ctxGetId(site.context, &id), "asking for a context"))
    return error;
  if (const Loaded *loaded = last.load(std::memory_order_acquire); loaded && loaded->context == id)
    return *loaded;

  // Held while the driver may compile: whoever else wants it would wait anyway.
  std::lock_guard lock(mutex);
  auto known = find_if(all, [&](auto &loaded) { return loaded->context == id; });
  if (known == all.end()) {
    Expected<std::unique_ptr<Loaded>> loaded = loadInto(site, id);
    if (!loaded)
      return loaded.takeError();
    known = all.insert(all.end(), std::move(*loaded));
  }
  last.store(known->get(), std::memory_order_release);
  return **known;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

template <class Value>
static Value read(const PreparedCall &call, const Argument &argument) {
  Value value;
  std::memcpy(&value, call.arguments.data() + argument.offset, sizeof(value));
  return value;
}

/// Where an argument's elements lie; null where it has none.
static const void *memoryOf(const PreparedCall &call, const Argument &argument) {
  if (argument.kind == ArgumentKind::view) {
    auto view = read<ViewArgument>(call, argument);
    return view.rows && view.heads && view.batches ? view.data : nullptr;
  }
  if (argument.kind == ArgumentKind::table) {
    auto table = read<TableArgument>(call, argument);
    return is_contained(ArrayRef(table.extents, argument.rank), 0) ? nullptr : table.data;
  }
  return nullptr;
}

/// Refuses memory that is not on the GPU where the call runs.
static Error checkMemories(const PreparedCall &call, const ArgumentBlock &block) {
  const Site &site = call.cuda.site;
  for (const Argument &argument : block.arguments)
    if (const void *memory = memoryOf(call, argument))
      if (Error error = checkMemory(*site.driver, site.device, memory, nameOf(argument)))
        return error;
  return Error::success();
}

Error CudaKernel::prepare(PreparedCall &call) const {
  const Site &site = call.cuda.site;
  if (!call.cuda.isTold)
    if (Error error = checkMemories(call, arguments()))
      return error;

  SmallVector<TensorMapLayout, 8> layouts;
  void *anywhere = nullptr; // an address that the map of an empty view may name
  for (const TensorMapRequest &request : theProgram.maps) {
    const Argument &argument = *arguments().find(request.view);
    Expected<TensorMapLayout> layout =
        tensorMapLayout(read<ViewArgument>(call, argument), argument, request);
    if (!layout)
      return layout.takeError();
    if (layout->data)
      anywhere = layout->data;
    layouts.push_back(std::move(*layout));
  }

  Expected<const Loaded &> loaded = loadedFor(site);
  if (!loaded)
    return loaded.takeError();
  call.cuda.function = loaded->function;
  call.cuda.blocks = loaded->blocks;
  call.cuda.tickets = loaded->tickets.get();

  ContextScope scope(site);
  if (Error error = site.driver->check(scope.result(), "entering a context"))
    return error;
  call.cuda.maps.resize_for_overwrite(layouts.size());
  for (auto [layout, map] : zip_equal(layouts, call.cuda.maps)) {
    if (!layout.data)
      layout.data = anywhere;
    if (Error error = encode(*site.driver, layout, map))
      return error;
  }
  return Error::success();
}

Error CudaKernel::launch(const PreparedCall &call, const LaunchSite &site) const {
  const CudaLaunch &launch = call.cuda;
  const Driver &driver = *launch.site.driver;
  // The driver copies what these point to, and does not change it.
  SmallVector<void *, 16> parameters = {const_cast<std::byte *>(call.arguments.data())};
  for (const CUtensorMap &map : launch.maps)
    parameters.push_back(const_cast<CUtensorMap *>(&map));

  ContextScope scope(launch.site);
  CUresult result = scope.result();
  auto stream = static_cast<CUstream>(site.stream);
  CUdeviceptr counters = 0;
  if (result == CUDA_SUCCESS && launch.tickets) {
    int status = 0;
    if (Error error =
            driver.check(driver.streamIsCapturing(stream, &status), "asking for a capture"))
      return error;
    Expected<CUdeviceptr> next = launch.tickets->next(status != 0, key());
    if (!next)
      return next.takeError();
    counters = *next;
    parameters.push_back(&counters);
  }
  if (result == CUDA_SUCCESS)
    result =
        driver.launchKernel(launch.function, launch.blocks, 1, 1, theProgram.threads, 1, 1,
                            theProgram.sharedBytes, stream, parameters.data(), /*extra=*/nullptr);
  return driver.check(result, "launching " + Twine(key()));
}

} // namespace tessera
