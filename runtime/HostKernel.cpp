//===- HostKernel.cpp - a kernel loaded for the host ----------------------===//

#include "runtime/HostKernel.h"
#include "runtime/HostThreads.h"

#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/ExecutionEngine/Orc/SelfExecutorProcessControl.h"
#include "llvm/Support/MemoryBuffer.h"

#include <atomic>
#include <cstring>
#include <fmt/format.h>
#include <mutex>

using namespace llvm;

namespace tessera {

//===----------------------------------------------------------------------===//
// Violations of a checked kernel
//===----------------------------------------------------------------------===//

namespace {
struct ViolationReport {
  std::atomic<bool> found = false;
  int64_t line = 0, coordinate = 0, value = 0, limit = 0;
};
} // namespace

/// Of the run this thread works for.
static thread_local ViolationReport *currentReport = nullptr;

static void reportViolation(int64_t line, int64_t coordinate, int64_t value, int64_t limit) {
  ViolationReport *report = currentReport;
  if (!report || report->found.exchange(true))
    return; // the first one is kept
  report->line = line;
  report->coordinate = coordinate;
  report->value = value;
  report->limit = limit;
}

//===----------------------------------------------------------------------===//
// Linking
//===----------------------------------------------------------------------===//

namespace {

/// The linker of this process. Code stays until the process ends.
class Linker {
public:
  static Expected<Linker &> instance() {
    static std::mutex mutex;
    // Never destroyed: threads may still run its code when the process ends.
    static Linker *linker = nullptr;
    std::lock_guard lock(mutex);
    if (!linker) {
      auto control = orc::SelfExecutorProcessControl::Create();
      if (!control)
        return control.takeError();
      linker = new Linker(std::move(*control));
    }
    return *linker;
  }

  /// A library of its own for one image, with the few functions that compiled
  /// code may call.
  Expected<orc::JITDylib &> link(const CacheEntry &entry) {
    orc::JITDylib &library = session.createBareJITDylib(fmt::format("{}#{}", entry.key, ++count));
    auto address = [](auto *function) {
      return orc::ExecutorSymbolDef(orc::ExecutorAddr::fromPtr(function),
                                    JITSymbolFlags::Exported | JITSymbolFlags::Callable);
    };
    orc::SymbolMap symbols;
    symbols[session.intern("memcpy")] = address(&::memcpy);
    symbols[session.intern("memmove")] = address(&::memmove);
    symbols[session.intern("memset")] = address(&::memset);
    symbols[session.intern(violationName)] = address(&reportViolation);
    if (Error error = library.define(orc::absoluteSymbols(std::move(symbols))))
      return error;
    auto image = MemoryBuffer::getMemBufferCopy(entry.image, entry.key);
    if (Error error = layer.add(library, std::move(image)))
      return error;
    return library;
  }

  Expected<void *> find(orc::JITDylib &library, const std::string &name) {
    Expected<orc::ExecutorSymbolDef> symbol = session.lookup({&library}, session.intern(name));
    if (!symbol)
      return symbol.takeError();
    return symbol->getAddress().toPtr<void *>();
  }

private:
  explicit Linker(std::unique_ptr<orc::ExecutorProcessControl> control)
      : session(std::move(control)),
        layer(session, session.getExecutorProcessControl().getMemMgr()) {}

  orc::ExecutionSession session;
  orc::ObjectLinkingLayer layer;
  std::atomic<int> count = 0;
};

} // namespace

Expected<std::unique_ptr<HostKernel>> HostKernel::load(const CacheEntry &entry) {
  SmallVector<StringRef, 3> lines;
  StringRef(entry.signature).split(lines, '\n');
  int64_t scratchBytes = 0;
  if (lines.size() != 3 || lines[1].getAsInteger(10, scratchBytes))
    return createStringError(inconvertibleErrorCode(),
                             "the kernel's signature is malformed: " + entry.signature);
  Expected<ArgumentBlock> block = ArgumentBlock::parse(lines[2]);
  if (!block)
    return block.takeError();
  std::unique_ptr<HostKernel> kernel(new HostKernel(entry.key, std::move(*block)));
  kernel->scratchBytes = scratchBytes;

  Expected<Linker &> linker = Linker::instance();
  if (!linker)
    return linker.takeError();
  Expected<orc::JITDylib &> library = linker->link(entry);
  if (!library)
    return library.takeError();
  std::string name = lines[0].str();
  Expected<void *> extents = linker->find(*library, name + extentsSuffix.str());
  if (!extents)
    return extents.takeError();
  Expected<void *> point = linker->find(*library, name);
  if (!point)
    return point.takeError();
  kernel->computeExtents = reinterpret_cast<ExtentsFunction>(*extents);
  kernel->computePoint = reinterpret_cast<PointFunction>(*point);
  return kernel;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

std::array<int64_t, 3> HostKernel::extents(const void *argumentBlock) const {
  std::array<int64_t, 3> result;
  computeExtents(argumentBlock, result.data());
  return result;
}

Error HostKernel::launch(const PreparedCall &call, const LaunchSite &site) const {
  const void *argumentBlock = call.arguments.data();
  auto [tiles, heads, batches] = extents(argumentBlock);
  ViolationReport report;
  // Later tiles first: under a causal mask they are the longest, and what is
  // left for the end is short.
  site.threads.forEach(tiles * heads * batches, scratchBytes, [&](int64_t i, void *scratch) {
    currentReport = &report;
    computePoint(argumentBlock, tiles - 1 - i % tiles, i / tiles % heads, i / tiles / heads,
                 scratch);
    currentReport = nullptr;
  });
  if (!report.found)
    return Error::success();
  static constexpr const char *names[] = {"batch", "head", "tile", "row", "page"};
  return createStringError(std::make_error_code(std::errc::result_out_of_range),
                           fmt::format("{}: line {} of the program reads or writes {} {} of {}",
                                       key(), report.line, names[report.coordinate], report.value,
                                       report.limit));
}

} // namespace tessera
