//===- TileMap.cpp - which tiles a specialized program visits -------------===//

#include "passes/specialize/TileMap.h"
#include "dsl/ir/Tile.h"
#include "passes/specialize/ScalarEvaluator.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

#include <fmt/format.h>

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace tessera {

int64_t TileMap::count(TileKind kind) const { return llvm::count(kinds, kind); }

static Error failure(const std::string &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// The text of an argument's attribute; empty if it has none.
static StringRef textOf(func::FuncOp program, BlockArgument value, StringRef attribute) {
  auto text = program.getArgAttrOfType<StringAttr>(value.getArgNumber(), attribute);
  return text ? text.getValue() : StringRef();
}

/// One call in which every sequence has the given lengths, whatever views the
/// program has.
static ArgumentValues argumentsFrom(func::FuncOp program, const Lengths &lengths) {
  ArgumentValues arguments;
  arguments.indices = lengths.indices;
  arguments.indices["batch"] = lengths.batch;
  auto addSequences = [&](StringRef name, int64_t heads, int64_t rows) {
    for (BlockArgument view : program.getArguments())
      if (textOf(program, view, sequencesName) == name)
        arguments.views[textOf(program, view, argumentName)] = {lengths.batch, heads, rows};
    std::string suffix = name.str();
    arguments.indices["max_seqlen_" + suffix] = rows;
    arguments.tables["seqused_" + suffix].assign(lengths.batch, rows);
    std::vector<int64_t> &starts = arguments.tables["cu_seqlens_" + suffix];
    for (int64_t b = 0; b <= lengths.batch; ++b)
      starts.push_back(b * rows);
  };
  addSequences("q", lengths.heads, lengths.seqlenQ);
  addSequences("kv", lengths.kvHeads, lengths.seqlenKv);
  return arguments;
}

namespace {

/// A loop over key tiles.
struct KeyLoop {
  scf::ForOp loop;
  Value tile;                     ///< the key tile of an iteration
  tile::MaskOp mask = {};         ///< null: all scores count
  TileKind kind = TileKind::full; ///< of the tiles it visits
};

/// A view and how many of its rows make a tile.
struct TiledView {
  Value view;
  int64_t rows = 0;
};

/// Goes through the tiles of a program in the order in which it visits them.
class TileWalk {
public:
  TileWalk(func::FuncOp program, const Lengths &lengths)
      : program(program), lengths(lengths), evaluator(argumentsFrom(program, lengths)) {}

  /// Finds the grid and the loops, and sizes the map.
  Error start();

  /// Calls `visit(loop, queryTile, keyTile)` for every iteration.
  Error run(llvm::function_ref<Error(const KeyLoop &, int64_t, int64_t)> visit);

  TileMap map;
  ScalarEvaluator &values() { return evaluator; }

private:
  Error addLoop(scf::ForOp loop);

  func::FuncOp program;
  const Lengths &lengths;
  ScalarEvaluator evaluator;
  tile::GridOp grid;
  SmallVector<KeyLoop> loops;
};

} // namespace

/// A view of which `scope` reads, writes or numbers the rows of tile `index`.
static TiledView viewTiledBy(Value index, Operation *scope) {
  TiledView found;
  scope->walk([&](Operation *op) {
    if (auto load = dyn_cast<tile::LoadOp>(op); load && load.getTile() == index)
      found = {load.getView(), load.getType().getDimSize(0)};
    else if (auto store = dyn_cast<tile::StoreOp>(op); store && store.getTile() == index)
      found = {store.getView(), store.getValue().getType().getDimSize(0)};
    else if (auto places = dyn_cast<tile::PositionsOp>(op); places && places.getTile() == index)
      found = {places.getView(), places.getTileSize()};
    return found.view ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

Error TileWalk::addLoop(scf::ForOp loop) {
  KeyLoop entry{.loop = loop, .tile = loop.getInductionVar()};
  bool isSplit = false;
  for (auto nth : loop.getBody()->getOps<tile::NthOp>())
    if (nth.getN() == loop.getInductionVar()) {
      entry.tile = nth;
      isSplit = true;
    }
  TiledView keys = viewTiledBy(entry.tile, loop);
  if (!keys.view)
    return Error::success(); // a loop over something else
  if (loop->getParentOp() != program)
    return failure("a loop over key tiles stands inside of another operation");

  loop.walk([&](tile::MaskOp mask) { entry.mask = mask; });
  auto branch = entry.mask ? entry.mask->getParentOfType<scf::IfOp>() : scf::IfOp();
  bool isGuarded = branch && branch.getCondition().getDefiningOp<tile::AnyOp>();
  if (entry.mask)
    entry.kind = isSplit && !isGuarded ? TileKind::masked : TileKind::undecided;

  int64_t keyTiles = llvm::divideCeil(lengths.seqlenKv, keys.rows);
  if (loops.empty()) {
    map.blockN = keys.rows;
    map.keyTiles = keyTiles;
  } else if (map.blockN != keys.rows || map.keyTiles != keyTiles) {
    return failure(fmt::format("loops over different key tiles: {} of {} rows, and "
                               "{} of {} rows",
                               map.keyTiles, map.blockN, keyTiles, keys.rows));
  }
  loops.push_back(entry);
  return Error::success();
}

Error TileWalk::start() {
  for (auto op : program.getBody().front().getOps<tile::GridOp>())
    grid = op;
  if (!grid)
    return failure("the program has no tile.grid");
  evaluator.bind(grid.getHead(), 0);
  evaluator.bind(grid.getBatch(), 0);

  Expected<int64_t> queryTiles = evaluator.evaluate(grid.getTiles());
  if (!queryTiles)
    return queryTiles.takeError();
  map.queryTiles = *queryTiles;
  TiledView queries = viewTiledBy(grid.getTile(), program);
  if (!queries.view)
    return failure("the program uses no tile of its grid");
  map.blockM = queries.rows;

  Error error = Error::success();
  program.walk([&](scf::ForOp loop) {
    if (!error)
      error = addLoop(loop);
  });
  if (error)
    return error;
  if (loops.empty())
    return failure("the program has no loop over key tiles");
  map.kinds.resize(map.queryTiles * map.keyTiles, TileKind::skipped);
  return Error::success();
}

Error TileWalk::run(llvm::function_ref<Error(const KeyLoop &, int64_t, int64_t)> visit) {
  for (int64_t queryTile = 0; queryTile < map.queryTiles; ++queryTile) {
    evaluator.bind(grid.getTile(), queryTile);
    for (KeyLoop &entry : loops) {
      int64_t bounds[3];
      Value values[] = {entry.loop.getLowerBound(), entry.loop.getUpperBound(),
                        entry.loop.getStep()};
      for (auto [bound, value] : llvm::zip_equal(bounds, values)) {
        Expected<int64_t> number = evaluator.evaluate(value);
        if (!number)
          return number.takeError();
        bound = *number;
      }
      auto [first, end, step] = bounds;
      for (int64_t t = first; t < end; t += step) {
        evaluator.bind(entry.loop.getInductionVar(), t);
        Expected<int64_t> keyTile = evaluator.evaluate(entry.tile);
        if (!keyTile)
          return keyTile.takeError();
        if (*keyTile < 0 || *keyTile >= map.keyTiles)
          return failure(fmt::format("query tile {} visits key tile {} of {}", queryTile, *keyTile,
                                     map.keyTiles));
        TileKind &kind = map.kinds[queryTile * map.keyTiles + *keyTile];
        if (kind != TileKind::skipped)
          return failure(
              fmt::format("query tile {} visits key tile {} twice", queryTile, *keyTile));
        kind = entry.kind;
        if (Error error = visit(entry, queryTile, *keyTile))
          return error;
      }
    }
  }
  return Error::success();
}

Expected<TileMap> mapTiles(func::FuncOp specialized, const Lengths &lengths) {
  TileWalk walk(specialized, lengths);
  if (Error error = walk.start())
    return error;
  if (Error error = walk.run([](auto &&...) { return Error::success(); }))
    return error;
  return std::move(walk.map);
}

Expected<std::vector<bool>> mapElements(func::FuncOp specialized, const Lengths &lengths) {
  TileWalk walk(specialized, lengths);
  if (Error error = walk.start())
    return error;
  const TileMap &map = walk.map;
  std::vector<bool> seen(lengths.seqlenQ * lengths.seqlenKv);
  Error error = walk.run([&](const KeyLoop &loop, int64_t queryTile, int64_t keyTile) -> Error {
    int64_t firstRow = queryTile * map.blockM, firstColumn = keyTile * map.blockN;
    int64_t rows = std::min(map.blockM, lengths.seqlenQ - firstRow);
    int64_t columns = std::min(map.blockN, lengths.seqlenKv - firstColumn);
    tile::MaskOp mask = loop.mask;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) {
        Expected<int64_t> keep = mask ? walk.values().evaluate(mask.getKeep(), r, c) : 1;
        if (!keep)
          return keep.takeError();
        seen[(firstRow + r) * lengths.seqlenKv + firstColumn + c] = *keep;
      }
    return Error::success();
  });
  if (error)
    return error;
  return seen;
}

} // namespace tessera
