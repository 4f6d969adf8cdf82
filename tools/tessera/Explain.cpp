//===- Explain.cpp - tessera explain: which tiles a kernel visits ---------===//

#include "dsl/Key.h"
#include "runtime/HostSchedule.h"
#include "runtime/Specialized.h"
#include "tools/tessera/Command.h"
#include "tools/tessera/TileMapSvg.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <CLI/CLI.hpp>

using namespace llvm;
using namespace tessera;

/// What fits on a screen.
static constexpr int64_t mostColumns = 120, mostRows = 60;
/// Positions are i32 in a program.
static constexpr int64_t mostPositions = (int64_t(1) << 31) - 1;
/// Seconds to compute, and a drawing that can still be opened.
static constexpr int64_t mostTiles = int64_t(1) << 22;
/// Up to this many elements a drawing shows each of them.
static constexpr int64_t mostElements = int64_t(1) << 20;

namespace {

/// The size of a feature: an option here, an argument of the program.
struct Size {
  const char *option, *argument, *help;
  bool Key::*feature;
  std::optional<int64_t> value = {};
};

struct ExplainOptions {
  std::string key, svg;
  int64_t seqlenQ = 0;
  std::optional<int64_t> seqlenKv;
  Size sizes[3] = {
      {"--window-left", "window_left", "Keys seen before a query's position", &Key::windowLeft},
      {"--window-right", "window_right", "Keys seen after a query's position", &Key::windowRight},
      {"--sink-tokens", "sink_tokens", "First keys seen besides the window", &Key::sinkTokens},
  };
};

} // namespace

/// Every size the key asks for must be there, and no other.
static Expected<Lengths> lengthsFrom(const ExplainOptions &options, const Key &key) {
  Lengths lengths{.seqlenQ = options.seqlenQ,
                  .seqlenKv = options.seqlenKv.value_or(options.seqlenQ)};
  for (const Size &size : options.sizes) {
    if (size.value && !(key.*size.feature))
      return failure("{} is {}, but the kernel {} has no {}", size.option, *size.value, str(key),
                     size.argument);
    if (!size.value && key.*size.feature)
      return failure("the kernel {} has {}: expected {}", str(key), size.argument, size.option);
    if (size.value)
      lengths.indices[size.argument] = *size.value;
  }
  return lengths;
}

/// `1000 queries in 11 tiles of 96, ...`
static std::string sizesText(const TileMap &map, const Lengths &lengths,
                             const ExplainOptions &options) {
  std::string text =
      fmt::format("{} queries in {} tiles of {}, {} keys in {} tiles of {}", lengths.seqlenQ,
                  map.queryTiles, map.blockM, lengths.seqlenKv, map.keyTiles, map.blockN);
  for (const Size &size : options.sizes)
    if (size.value)
      text += fmt::format(", {} {}", size.argument, *size.value);
  return text;
}

static void printCounts(const TileMap &map, raw_ostream &os) {
  for (const TileKindInfo &info : tileKinds()) {
    int64_t count = map.count(info.kind);
    if (!count && info.kind == TileKind::undecided)
      continue; // seldom
    os << fmt::format("  {}  {:<9} {:>8}  {:>5.1f} %  {}\n", info.letter, info.name.str(), count,
                      100.0 * count / map.kinds.size(), info.help.str());
  }
}

/// The key tiles of one kind in a row, first and last: `0, 3-5`.
static std::string rangesText(const TileMap &map, int64_t queryTile, TileKind kind) {
  std::string text;
  for (int64_t j = 0, end; j < map.keyTiles; j = end) {
    for (end = j + 1; end < map.keyTiles && map.at(queryTile, end) == map.at(queryTile, j);)
      ++end;
    if (map.at(queryTile, j) != kind)
      continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", j);
    if (end - j > 1)
      text += fmt::format("-{}", end - 1);
  }
  return text.empty() ? "-" : text;
}

static void printPicture(const TileMap &map, raw_ostream &os) {
  int64_t rowStride = divideCeil(map.queryTiles, mostRows);
  int64_t columnStride = divideCeil(map.keyTiles, mostColumns);

  os << fmt::format("\nKey tiles 0 to {}, for the tile of queries from each position:\n",
                    map.keyTiles - 1);
  if (rowStride > 1 || columnStride > 1)
    os << fmt::format("(shortened: one in {} tiles of queries, one in {} key tiles)\n", rowStride,
                      columnStride);
  for (int64_t i = 0; i < map.queryTiles; i += rowStride) {
    os << fmt::format("{:>8}  ", i * map.blockM);
    for (int64_t j = 0; j < map.keyTiles; j += columnStride)
      os << tileKinds()[static_cast<size_t>(map.at(i, j))].letter;
    os << "\n";
  }

  os << "\nRanges of key tiles:\n";
  for (int64_t i = 0; i < map.queryTiles; i += rowStride) {
    os << fmt::format("{:>8} ", i * map.blockM);
    for (const TileKindInfo &info : tileKinds())
      if (info.kind != TileKind::skipped && map.count(info.kind))
        os << fmt::format("  {} {}", info.name.str(), rangesText(map, i, info.kind));
    os << "\n";
  }
}

static Error runExplain(const ExplainOptions &options, const Config &config) {
  Expected<Key> key = parseKey(options.key);
  if (!key)
    return key.takeError();
  Expected<Lengths> lengths = lengthsFrom(options, *key);
  if (!lengths)
    return lengths.takeError();
  Shape shape = hostShape(*key);
  int64_t tiles =
      divideCeil(lengths->seqlenQ, shape.blockM) * divideCeil(lengths->seqlenKv, shape.blockN);
  if (tiles > mostTiles)
    return failure("{} x {} positions are {} tiles, expected at most {}; larger "
                   "block_m and block_n make fewer",
                   lengths->seqlenQ, lengths->seqlenKv, tiles, mostTiles);

  auto program = Compiler(config.dump).specialize(*key);
  if (!program)
    return program.takeError();
  mlir::func::FuncOp function = (*program)->function();
  Expected<TileMap> map = mapTiles(function, *lengths);
  if (!map)
    return map.takeError();

  std::string sizes = sizesText(*map, *lengths, options);
  outs() << str(*key) << "\n" << sizes << "\n\n";
  printCounts(*map, outs());
  outs() << fmt::format("\nSkipped work: {:.1f} %\n",
                        100.0 * map->count(TileKind::skipped) / map->kinds.size());
  printPicture(*map, outs());

  if (options.svg.empty())
    return Error::success();
  TileMapDrawing drawing{str(*key), sizes, *map, lengths->seqlenQ, lengths->seqlenKv};
  if (lengths->seqlenQ * lengths->seqlenKv <= mostElements) {
    Expected<std::vector<bool>> elements = mapElements(function, *lengths);
    if (elements)
      drawing.elements = std::move(*elements);
    else // the mask depends on data; tiles are all there is to show
      consumeError(elements.takeError());
  }
  return writeFile(options.svg, [&](raw_ostream &os) { writeSvg(drawing, os); });
}

void tessera::addExplain(CLI::App &app, Action &action) {
  CLI::App *command = app.add_subcommand(
      "explain", "Shows which tiles a kernel visits, and which of them it masks");
  auto options = std::make_shared<ExplainOptions>();
  command->add_option("--key", options->key, "The kernel, e.g. f32,d64,causal")
      ->type_name("KEY")
      ->required();
  auto positions = CLI::Range(int64_t(1), mostPositions);
  command->add_option("--seqlen-q", options->seqlenQ, "Queries")
      ->type_name("N")
      ->required()
      ->check(positions);
  command->add_option("--seqlen-kv", options->seqlenKv, "Keys; as many as queries if left out")
      ->type_name("N")
      ->check(positions);
  for (Size &size : options->sizes)
    command->add_option(size.option, size.value, size.help)
        ->type_name("N")
        ->check(CLI::Range(int64_t(0), mostPositions));
  command->add_option("--svg", options->svg, "Draws the tiles to a file too")->type_name("FILE");
  command->callback([&action, options] {
    action = [options](const Config &config) { return runExplain(*options, config); };
  });
}
