//===- Attend.cpp - tessera attend: attention over files ------------------===//

#include "runtime/Engine.h"
#include "tools/tessera/AttendCheck.h"
#include "tools/tessera/Command.h"
#include "tools/tessera/GpuCopies.h"
#include "tools/tessera/Machine.h"

#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace llvm;
using namespace tessera;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

struct AttendOptions {
  std::string q, k, v, out, lse, sinkLogits, alibi, expected;
  std::string dtype, outDtype; ///< empty: as in the files
  std::string target = "host";
  std::optional<double> tolerance;
  std::optional<unsigned> threads;
  int repeat = 1;
  bool check = false;
  Attention call; ///< what is not a tensor comes straight from the options
};

} // namespace

static std::optional<DType> dtypeOf(const std::string &name) {
  for (DType type : {DType::f32, DType::f16, DType::bf16})
    if (str(type) == name)
      return type;
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

static Error readInputs(const AttendOptions &options, AttendArrays &arrays) {
  const std::optional<DType> type = dtypeOf(options.dtype);
  for (auto [path, array] :
       {std::pair{&options.q, &arrays.q}, {&options.k, &arrays.k}, {&options.v, &arrays.v}}) {
    Expected<Array> read = readArray(*path, type);
    if (!read)
      return read.takeError();
    *array = std::move(*read);
    if (array->rank() != arrays.q.rank())
      return failure("{}: expected rank {} as in {}, found {}", *path, arrays.q.rank(), options.q,
                     describe(*array));
  }
  return Error::success();
}

/// Slopes 2^(-8 (i+1) / heads) of the ALiBi paper (arXiv:2108.12409, section
/// 3).
static std::vector<float> geometricSlopes(int64_t heads) {
  std::vector<float> slopes(heads);
  for (int64_t i = 0; i < heads; ++i)
    slopes[i] = std::exp2(-8.0 * (i + 1) / heads);
  return slopes;
}

static Error readPerHead(const AttendOptions &options, AttendArrays &arrays, Attention &call) {
  const int64_t heads = call.q.heads();
  if (!options.sinkLogits.empty()) {
    Expected<std::vector<double>> logits = readNumbers(options.sinkLogits, {{heads}});
    if (!logits)
      return logits.takeError();
    arrays.sinkLogits.assign(logits->begin(), logits->end());
    call.sinkLogits = Table::of(arrays.sinkLogits.data(), {heads});
  }
  if (options.alibi == "auto") {
    arrays.alibiSlopes = geometricSlopes(heads);
    call.alibiSlopes = Table::of(arrays.alibiSlopes.data(), {heads});
  } else if (!options.alibi.empty()) {
    std::vector<int64_t> shape;
    Expected<std::vector<double>> slopes =
        readNumbers(options.alibi, {{heads}, {call.q.batch(), heads}}, &shape);
    if (!slopes)
      return slopes.takeError();
    arrays.alibiSlopes.assign(slopes->begin(), slopes->end());
    const float *data = arrays.alibiSlopes.data();
    call.alibiSlopes =
        shape.size() == 2 ? Table::of(data, {call.q.batch(), heads}) : Table::of(data, {heads});
  }
  return Error::success();
}

static void makeOutputs(const AttendOptions &options, AttendArrays &arrays, Attention &call) {
  std::vector<int64_t> shape = arrays.q.shape;
  shape.back() = call.v.width();
  const DType type = dtypeOf(options.outDtype).value_or(call.q.type);
  arrays.out = makeArray(type, shape);
  call.o = arrays.out.tensor();
  if (options.lse.empty())
    return;
  shape.pop_back();
  std::swap(shape[shape.size() - 2], shape.back()); // heads before rows
  arrays.lse = makeArray(DType::f32, shape);
  call.lse = Tensor::contiguous(arrays.lse->data.data(), DType::f32,
                                {call.q.batch(), call.q.heads(), call.q.seqlen()}, 3);
}

/// The runtime speaks of q, k and v: tell which files these are.
static Error withFiles(Error error, const AttendOptions &options, const AttendArrays &arrays) {
  return failure("{}\n  q: {}, {}\n  k: {}, {}\n  v: {}, {}", toString(std::move(error)), options.q,
                 describe(arrays.q), options.k, describe(arrays.k), options.v, describe(arrays.v));
}

/// A call over `arrays`.
static Expected<Attention> makeCall(const AttendOptions &options, Target target,
                                    AttendArrays &arrays) {
  Attention call = options.call;
  call.target = target;
  if (Error error = readInputs(options, arrays))
    return error;
  call.q = arrays.q.tensor();
  call.k = arrays.k.tensor();
  call.v = arrays.v.tensor();
  // Before memory for the results is taken: the widths bound how much that is.
  Key widths;
  widths.target = target;
  widths.headDim = call.q.width();
  widths.headDimV = call.v.width();
  widths.q = widths.kv = widths.v = widths.o = call.q.type;
  if (Error error = validate(widths))
    return withFiles(std::move(error), options, arrays);
  if (Error error = readPerHead(options, arrays, call))
    return error;
  makeOutputs(options, arrays, call);
  if (Expected<Key> key = keyOf(call); !key)
    return withFiles(key.takeError(), options, arrays);
  return call;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static StringRef str(KernelOrigin origin) {
  switch (origin) {
  case KernelOrigin::memory:
    return "from memory";
  case KernelOrigin::disk:
    return "from disk";
  case KernelOrigin::compiled:
    return "compiled";
  }
  llvm_unreachable("unknown origin");
}

/// Runs a call and prints where, and how long that took.
static Error compute(const AttendOptions &options, Attention call, const Machine &machine,
                     const Config &config) {
  Expected<std::unique_ptr<Engine>> engine = Engine::create(config);
  if (!engine)
    return engine.takeError();
  std::optional<GpuCopies> copies;
  if (isGpu(machine.target)) {
    Expected<GpuCopies> made = GpuCopies::of(call, machine.site);
    if (!made)
      return made.takeError();
    copies.emplace(std::move(*made));
  }

  KernelOrigin origin;
  auto start = std::chrono::steady_clock::now();
  Expected<PreparedCall> prepared = (*engine)->prepare(call, &origin);
  if (!prepared)
    return prepared.takeError();
  Milliseconds elapsed = std::chrono::steady_clock::now() - start;
  outs() << fmt::format("key     {}\nkernel  {} in {:.2f} ms\nmachine {}, {}\n",
                        str(cantFail(keyOf(call))), std::string_view(str(origin)), elapsed.count(),
                        machine.name, std::string_view(str(machine.target)));

  std::vector<Milliseconds> times(options.repeat);
  for (Milliseconds &time : times) {
    start = std::chrono::steady_clock::now();
    if (Error error = (*engine)->launch(*prepared))
      return error;
    if (copies)
      if (Error error = synchronize(machine.site))
        return error;
    time = std::chrono::steady_clock::now() - start;
  }
  auto median = times.begin() + times.size() / 2;
  std::nth_element(times.begin(), median, times.end());
  // Two per multiplication and addition, of the pairs that are visible.
  const double gigaflop = 2e-9 * (call.q.width() + call.v.width()) * visiblePairs(call) *
                          call.q.batch() * call.q.heads();
  outs() << fmt::format("run     {:.3f} ms{}, {:.4g} GFLOP, {:.4g} GFLOP/s\n", median->count(),
                        options.repeat > 1 ? fmt::format(" (median of {})", options.repeat) : "",
                        gigaflop, gigaflop / (median->count() * 1e-3));
  return copies ? copies->copyBack() : Error::success();
}

static Error runAttend(const AttendOptions &options, Config config) {
  Expected<Machine> machine = findMachine(options.target);
  if (!machine)
    return machine.takeError();
  AttendArrays arrays;
  Expected<Attention> call = makeCall(options, machine->target, arrays);
  if (!call)
    return call.takeError();
  if (options.threads)
    config.threads = *options.threads;
  if (Error error = compute(options, *call, *machine, config))
    return error;

  // Written before they are checked: a wrong result is worth a look.
  if (!options.out.empty())
    if (Error error = writeArray(options.out, arrays.out))
      return error;
  if (!options.lse.empty())
    if (Error error = writeArray(options.lse, *arrays.lse))
      return error;

  Error problems = Error::success();
  if (options.check)
    problems = joinErrors(std::move(problems), checkAgainstReference(*call, arrays));
  if (!options.expected.empty())
    problems = joinErrors(std::move(problems),
                          checkAgainstFile(options.expected, arrays.out, options.tolerance));
  return problems;
}

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static void addFiles(CLI::App &command, AttendOptions &options) {
  const auto add = [&](const char *name, std::string &path, const char *help) {
    return command.add_option(name, path, help)->type_name("FILE")->group("Files");
  };
  add("--q", options.q,
      "Queries (batch, seqlen, heads, head_dim), or without "
      "the batch; f32, f16 or bf16")
      ->required();
  add("--k", options.k, "Keys; the number of their heads divides that of q")->required();
  add("--v", options.v, "Values; head_dim may differ")->required();
  add("--out", options.out, "Where to write the output; shaped like q");
  add("--lse", options.lse,
      "Where to write the logarithm of the softmax sum (batch, heads, seqlen)");
  const auto addType = [&](const char *name, std::string &type, const char *help) {
    command.add_option(name, type, help)
        ->type_name("f32|f16|bf16")
        ->check(CLI::IsMember({"f32", "f16", "bf16"}).description(""))
        ->group("Files");
  };
  addType("--dtype", options.dtype, "Rounds q, k and v to this type first");
  addType("--out-dtype", options.outDtype, "Type of the output; that of q if left out");
}

static void addMasks(CLI::App &command, Attention &call) {
  constexpr auto group = "Which keys a query sees";
  command.add_flag("--causal", call.causal, "None after its own position")->group(group);
  command
      .add_flag("--top-left", call.topLeft,
                "Query 0 stands at key 0, not the last query at the last key")
      ->group(group);
  const auto add = [&](const char *name, int64_t &number, const char *help) {
    command.add_option(name, number, help)->type_name("N")->group(group);
  };
  add("--window-left", call.windowLeft, "At most N before its own position; -1: all");
  add("--window-right", call.windowRight, "At most N after its own position; -1: all");
  add("--sink-tokens", call.sinkTokens, "The first N besides the window");
}

static void addScores(CLI::App &command, AttendOptions &options) {
  constexpr auto group = "Scores";
  command
      .add_option("--scale", options.call.scale,
                  "Factor of the scores; 1/sqrt(head_dim) if left out")
      ->type_name("X")
      ->group(group);
  command.add_option("--softcap", options.call.softcap, "Bounds a score x: X * tanh(x / X)")
      ->type_name("X")
      ->group(group);
  command
      .add_option("--alibi", options.alibi,
                  "Slopes (heads) or (batch, heads) by which scores fall with "
                  "the distance; auto: 2^(-8(i+1)/heads)")
      ->type_name("FILE|auto")
      ->group(group);
  command
      .add_option("--sink-logits", options.sinkLogits,
                  "A score (heads) that joins the softmax sum of each row")
      ->type_name("FILE")
      ->group(group);
}

static void addExecution(CLI::App &command, AttendOptions &options) {
  constexpr auto group = "Execution";
  command
      .add_option("--target", options.target,
                  "Where to compute; cuda: the GPU of this machine, which takes "
                  "f16 and bf16")
      ->type_name("host|sm90a|cuda")
      ->check(CLI::IsMember({"host", "sm90a", "cuda"}).description(""))
      ->group(group);
  command.add_flag("--checked", options.call.checked, "Uses the kernel that checks its accesses")
      ->group(group);
  for (auto [name, size, help] :
       {std::tuple{"--block-m", &options.call.blockM, "Queries of a tile"},
        {"--block-n", &options.call.blockN, "Keys of a tile"}})
    command.add_option(name, *size, help)->type_name("N")->group(group);
  command.add_option("--threads", options.threads, "Overrides TESSERA_THREADS; 0: all cores")
      ->type_name("N")
      ->check(CLI::Range(0, 65536).description(""))
      ->group(group);
  command.add_option("--repeat", options.repeat, "Runs N times and tells the median time")
      ->type_name("N")
      ->check(CLI::Range(1, 1 << 30).description(""))
      ->group(group);
}

static void addComparisons(CLI::App &command, AttendOptions &options) {
  constexpr auto group = "Comparisons";
  command
      .add_flag("--check", options.check,
                "Compares the results to a slow computation in double; fails "
                "outside the bound")
      ->group(group);
  CLI::Option *expected =
      command.add_option("--expect", options.expected, "Compares the output to a recording")
          ->type_name("FILE")
          ->group(group);
  command
      .add_option("--tolerance", options.tolerance, "Fails when the output differs from it by more")
      ->type_name("X")
      ->needs(expected)
      ->group(group);
}

void tessera::addAttend(CLI::App &app, Action &action) {
  CLI::App *command =
      app.add_subcommand("attend", "Computes attention over .npy files: softmax(scale q k^T) v");
  auto options = std::make_shared<AttendOptions>();
  addFiles(*command, *options);
  addMasks(*command, options->call);
  addScores(*command, *options);
  addExecution(*command, *options);
  addComparisons(*command, *options);
  command->callback([&action, options] {
    if (!options->out.empty() && options->out == options->lse)
      throw CLI::ValidationError("--out and --lse name the same file");
    action = [options](const Config &config) { return runAttend(*options, config); };
  });
}
