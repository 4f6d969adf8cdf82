//===- Assembler.cpp - from PTX to machine code ---------------------------===//

#include "runtime/cuda/Assembler.h"
#include "runtime/cuda/Driver.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace llvm;

namespace tessera::cuda {

static constexpr StringLiteral programName("ptxas");

//===----------------------------------------------------------------------===//
// Running a program
//===----------------------------------------------------------------------===//

namespace {

/// A folder that is gone with its content when this is.
class TemporaryFolder {
public:
  static Expected<TemporaryFolder> make() {
    SmallString<128> path;
    if (std::error_code problem = sys::fs::createUniqueDirectory("tessera-ptxas", path))
      return createStringError(problem, "no temporary folder for ptxas: " + problem.message());
    return TemporaryFolder(path.str().str());
  }
  TemporaryFolder(TemporaryFolder &&other) noexcept
      : path(std::exchange(other.path, std::string())) {}
  TemporaryFolder &operator=(TemporaryFolder &&) = delete;
  ~TemporaryFolder() {
    if (!path.empty())
      sys::fs::remove_directories(path);
  }

  std::string file(StringRef name) const {
    SmallString<128> result(path);
    sys::path::append(result, name);
    return result.str().str();
  }

private:
  explicit TemporaryFolder(std::string path) : path(std::move(path)) {}

  std::string path;
};

struct Outcome {
  int status;
  std::string output; ///< stdout and stderr
};

} // namespace

static Expected<std::string> contentOf(const std::string &path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

static Expected<Outcome> run(const std::string &program, ArrayRef<StringRef> arguments,
                             const TemporaryFolder &folder) {
  SmallVector<StringRef, 8> command = {program};
  command.append(arguments.begin(), arguments.end());
  std::string log = folder.file("log"), problem;
  std::optional<StringRef> streams[] = {StringRef(), StringRef(log), StringRef(log)};
  int status = sys::ExecuteAndWait(program, command, /*Env=*/std::nullopt, streams,
                                   /*SecondsToWait=*/0, /*MemoryLimit=*/0, &problem);
  if (status < 0)
    return createStringError(inconvertibleErrorCode(), program + ": " + problem);
  Expected<std::string> output = contentOf(log);
  if (!output)
    return output.takeError();
  // Messages name files without the folder, which is gone when they are read.
  std::string prefix = sys::path::parent_path(log).str() + "/";
  for (size_t at; (at = output->find(prefix)) != std::string::npos;)
    output->erase(at, prefix.size());
  return Outcome{status, std::move(*output)};
}

//===----------------------------------------------------------------------===//
// Finding it
//===----------------------------------------------------------------------===//

/// "13.0.88" of `Cuda compilation tools, release 13.0, V13.0.88`.
static Expected<std::string> versionOf(const std::string &program) {
  Expected<TemporaryFolder> folder = TemporaryFolder::make();
  if (!folder)
    return folder.takeError();
  Expected<Outcome> outcome = run(program, {"--version"}, *folder);
  if (!outcome)
    return outcome.takeError();
  SmallVector<StringRef, 2> groups;
  if (outcome->status != 0 || !Regex(", V([0-9.]+)").match(outcome->output, &groups))
    return createStringError(inconvertibleErrorCode(),
                             program + " does not tell its version, as ptxas does");
  return groups[1].str();
}

/// Where the PyPI packages nvidia-cuda-nvcc and nvidia-cuda-nvcc-cu12 put it,
/// under each Python of a prefix.
static void addPythonFolders(StringRef prefix, std::vector<std::string> &folders) {
  std::error_code problem;
  sys::fs::directory_iterator libraries(prefix + "/lib", problem), end;
  for (; !problem && libraries != end; libraries.increment(problem)) {
    StringRef library = libraries->path();
    if (!sys::path::filename(library).starts_with("python3"))
      continue;
    for (const char *packages : {"site-packages", "dist-packages"})
      for (const char *folder : {"nvidia/cu13/bin", "nvidia/cuda_nvcc/bin"})
        folders.push_back(fmt::format("{}/{}/{}", library.str(), packages, folder));
  }
}

/// The first ptxas there is; empty: none.
static std::string search(const Config &config) {
  std::vector<std::string> folders;
  for (const std::string &folder : config.cudaFolders)
    folders.push_back(folder + "/bin");
  auto firstIn = [](ArrayRef<std::string> folders) -> std::string {
    SmallVector<StringRef> paths(folders.begin(), folders.end());
    // Without paths it would look into $PATH.
    ErrorOr<std::string> found = paths.empty()
                                     ? std::make_error_code(std::errc::no_such_file_or_directory)
                                     : sys::findProgramByName(programName, paths);
    return found ? *found : "";
  };
  if (std::string found = firstIn(folders); !found.empty())
    return found;
  if (ErrorOr<std::string> found = sys::findProgramByName(programName))
    return *found;
  folders = {"/usr/local/cuda/bin"};
  for (const std::string &prefix : config.pythonFolders)
    addPythonFolders(prefix, folders);
  return firstIn(folders);
}

static std::string driverIdentity() {
  int version = 0;
  Expected<const Driver &> driver = Driver::get();
  if (!driver) {
    consumeError(driver.takeError());
    return "no assembler";
  }
  if (driver->driverGetVersion(&version))
    return "driver";
  return fmt::format("driver {}.{}", version / 1000, version % 1000 / 10);
}

Expected<Assembler> Assembler::find(const Config &config) {
  std::string path = config.assembler;
  if (path.empty())
    path = search(config);
  if (path.empty() || path == Config::driverAssembles)
    return Assembler("", driverIdentity());
  Expected<std::string> version = versionOf(path);
  if (!version)
    return version.takeError();
  return Assembler(std::move(path), "ptxas " + *version);
}

//===----------------------------------------------------------------------===//
// Assembling
//===----------------------------------------------------------------------===//

AssemblerReport readAssemblerLog(StringRef log) {
  AssemblerReport report;
  const Regex registers("Used ([0-9]+) registers");
  const Regex spills("([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads");
  const Regex defect("\\(C75[0-9][0-9]\\)");
  SmallVector<StringRef> lines;
  log.split(lines, '\n');
  for (StringRef line : lines) {
    SmallVector<StringRef, 3> groups;
    int first = 0, second = 0;
    if (registers.match(line, &groups) && !groups[1].getAsInteger(10, first))
      report.registers = std::max(report.registers, first);
    if (spills.match(line, &groups) && !groups[1].getAsInteger(10, first) &&
        !groups[2].getAsInteger(10, second))
      report.spillBytes = std::max(report.spillBytes, first + second);
    if (defect.match(line))
      report.defects.push_back(line.trim().str());
  }
  return report;
}

Expected<Assembled> Assembler::assemble(StringRef ptx, StringRef chip) const {
  Assembled assembled;
  if (path.empty()) {
    // std::string ends in a NUL, but as part of an image it has to count.
    assembled.image = ptx.str();
    if (!ptx.ends_with(StringRef("\0", 1)))
      assembled.image.push_back('\0');
    return assembled;
  }

  Expected<TemporaryFolder> folder = TemporaryFolder::make();
  if (!folder)
    return folder.takeError();
  std::string source = folder->file("kernel.ptx"), cubin = folder->file("kernel.cubin");
  std::error_code problem;
  raw_fd_ostream file(source, problem);
  if (!problem) {
    file << ptx.rtrim('\0');
    file.close();
    problem = file.error();
    file.clear_error(); // else it ends the program
  }
  if (problem)
    return createStringError(problem, source + ": " + problem.message());

  std::string arch = ("-arch=" + chip).str();
  // Never --compile-only: code that may be linked ignores setmaxnreg.
  Expected<Outcome> outcome = run(path, {arch, "-O3", "-v", source, "-o", cubin}, *folder);
  if (!outcome)
    return outcome.takeError();
  if (outcome->status != 0)
    return createStringError(inconvertibleErrorCode(),
                             fmt::format("{} refuses the PTX:\n{}", identityText, outcome->output));
  Expected<std::string> image = contentOf(cubin);
  if (!image)
    return image.takeError();
  assembled.image = std::move(*image);
  AssemblerReport report = readAssemblerLog(outcome->output);
  for (const std::string &defect : report.defects)
    warn("{}", defect);
  assembled.log = std::move(outcome->output);
  assembled.registers = report.registers;
  assembled.spillBytes = report.spillBytes;
  return assembled;
}

//===----------------------------------------------------------------------===//
// That of the process
//===----------------------------------------------------------------------===//

namespace {
/// Found once; the reason why not can be told again and again.
struct ProcessAssembler {
  std::optional<Assembler> assembler;
  std::string problem;

  ProcessAssembler() {
    Expected<Config> config = Config::fromEnvironment();
    Expected<Assembler> found =
        config ? Assembler::find(*config) : Expected<Assembler>(config.takeError());
    if (found)
      assembler = std::move(*found);
    else
      problem = toString(found.takeError());
  }
};
} // namespace

Expected<const Assembler &> processAssembler() {
  static const ProcessAssembler process;
  if (!process.assembler)
    return createStringError(inconvertibleErrorCode(), process.problem);
  return *process.assembler;
}

Expected<Assembled> assemble(StringRef ptx, StringRef chip) {
  Expected<const Assembler &> assembler = processAssembler();
  if (!assembler)
    return assembler.takeError();
  return assembler->assemble(ptx, chip);
}

std::string assemblerIdentity() {
  Expected<const Assembler &> assembler = processAssembler();
  if (assembler)
    return assembler->identity();
  consumeError(assembler.takeError());
  return "no assembler";
}

} // namespace tessera::cuda
