//===- VisibleRange.cpp - which key tiles a mask leaves -------------------===//

#include "passes/specialize/VisibleRange.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

namespace {

/// A half-open range of tiles. An end that is absent is that of the loop, so
/// that ranges which share it can be joined without a comparison.
struct Range {
  Value start, end; // null: from the first tile; to the last tile
};

/// Builds index arithmetic for one query tile of one loop.
class RangeBuilder {
public:
  RangeBuilder(OpBuilder &builder, scf::ForOp loop, PositionSpace space)
      : builder(builder), loc(loop.getLoc()), tiles(loop.getUpperBound()), space(space),
        tileSize(space.columns ? space.columns.getTileSize() : 1) {
    zero = number(0);
  }

  /// The tiles that hold a C of some conjunction.
  SmallVector<Range> project(const Alternatives &alternatives) {
    SmallVector<Range> ranges;
    for (const Conjunction &conjunction : alternatives.conjunctions)
      ranges.push_back(project(conjunction));
    return merged(ranges);
  }

  /// The tiles outside of disjoint ranges in order.
  TileRanges gaps(ArrayRef<Range> ranges) {
    TileRanges result;
    Value cursor; // null: the first tile
    for (const Range &range : ranges) {
      if (range.start)
        add(result, {cursor, range.start});
      if (!range.end)
        return result;
      cursor = cursor ? max(cursor, range.end) : range.end;
    }
    add(result, {cursor, {}});
    return result;
  }

  /// The tiles in both of two lists of disjoint ranges in order.
  TileRanges intersection(ArrayRef<Range> a, ArrayRef<Range> b) {
    TileRanges result;
    for (const Range &left : a)
      for (const Range &right : b)
        add(result,
            {left.start && right.start ? max(left.start, right.start)
                                       : (left.start ? left.start : right.start),
             left.end && right.end ? min(left.end, right.end) : (left.end ? left.end : right.end)});
    return result;
  }

  /// What is seen, split where hidden tiles begin and end. Nothing if there is more than one
  /// range of tiles that are seen, or one of hidden tiles amid them, or none at the end.
  std::optional<TileSegments> segments(ArrayRef<Range> seen, ArrayRef<Range> hidden) {
    if (seen.size() != 1)
      return std::nullopt;
    Range all = seen.front();
    Value start = all.start ? all.start : zero, end = all.end ? all.end : tiles;
    Value hiddenEnd, hiddenStart; // of those at the front, and at the back
    for (const Range &range : hidden) {
      if (range.start && range.end)
        return std::nullopt;
      if (!range.start && !range.end)
        return TileSegments{{start, end, /*isMasked=*/true}};
      (range.start ? hiddenStart : hiddenEnd) = range.start ? range.start : range.end;
    }
    // Loops begin with the last segment, whose body has to be the one that does the most.
    if (!hiddenStart)
      return std::nullopt;
    TileSegments result;
    if (hiddenEnd) {
      Value from = all.start ? max(hiddenEnd, start) : hiddenEnd;
      from = all.end ? min(from, end) : from;
      result.push_back({start, from, /*isMasked=*/true});
      start = from;
    }
    Value to = all.end ? min(hiddenStart, end) : hiddenStart;
    to = all.start || hiddenEnd ? max(to, start) : to;
    result.push_back({start, to, /*isMasked=*/false});
    result.push_back({to, end, /*isMasked=*/true});
    return result;
  }

private:
  /// C >= bound, or C >= R + bound; and the like from above.
  struct Bound {
    LinearForm bound;
    bool movesWithRow;
  };

  Value number(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value max(Value a, Value b) { return builder.createOrFold<arith::MaxSIOp>(loc, a, b); }
  Value min(Value a, Value b) { return builder.createOrFold<arith::MinSIOp>(loc, a, b); }
  Value plus(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(loc, a, b); }
  Value notAfter(Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle, a, b);
  }

  void add(TileRanges &ranges, Range range) {
    ranges.starts.push_back(range.start ? range.start : zero);
    ranges.ends.push_back(range.end ? range.end : tiles);
  }

  /// The first and the last position of the query tile. Rows past the end of
  /// the view are no queries.
  std::pair<Value, Value> rowInterval() {
    if (rowFirst)
      return {rowFirst, rowLast};
    tile::PositionsOp rows = space.rows;
    Value length = tile::LengthOp::create(builder, loc, builder.getIndexType(), rows.getView(),
                                          rows.getBatch());
    Type index = builder.getIndexType();
    auto span = tile::RowSpanOp::create(builder, loc, index, index, rows.getTile(), length,
                                        rows.getTileSize());
    rowFirst = span.getFirst(), rowLast = span.getLast();
    return {rowFirst, rowLast};
  }

  Value valueOf(const LinearForm &form) { return materialize(builder, loc, form.uniform()); }

  /// True if `form >= 0` says no more than that C lies in the loop's tiles:
  /// C <= length - 1, where the loop runs over ceil(length / tile size).
  bool isLoopBound(const LinearForm &form) {
    auto division = tiles.getDefiningOp<arith::CeilDivSIOp>();
    APInt divisor;
    return division && form.column == -1 && form.row == 0 && form.constant == -1 &&
           form.terms.size() == 1 && form.terms[0].second == 1 &&
           form.terms[0].first == division.getLhs() &&
           matchPattern(division.getRhs(), m_ConstantInt(&divisor)) && divisor == tileSize;
  }

  Range project(const Conjunction &conjunction) {
    SmallVector<Bound> lower, upper;
    SmallVector<Value> conditions; // what must hold for any C at all
    Value first, last;             // R is in first..last
    bool rowsCut = false;
    std::optional<LinearForm> loopBound;
    auto useRows = [&] {
      if (!first)
        std::tie(first, last) = rowInterval();
    };

    for (const LinearForm &form : conjunction.forms) {
      if (form.row)
        useRows();
      if (form.column == 0 && form.row == 0) { // u >= 0
        conditions.push_back(notAfter(zero, valueOf(form)));
      } else if (form.column == 0) { // R >= -u, or R <= u
        rowsCut = true;
        if (form.row > 0)
          first = max(first, valueOf(form.scaled(-1)));
        else
          last = min(last, valueOf(form));
      } else if (form.column > 0) { // C >= -u - row * R
        if (form.row <= 0)
          lower.push_back({form.scaled(-1), form.row < 0});
      } else if (isLoopBound(form)) {
        loopBound = form;
      } else if (form.row >= 0) { // C <= u + row * R
        upper.push_back({form, form.row > 0});
      }
    }
    // C + R bounded by a sum: with R at the end that allows most.
    Value start, end;
    auto raise = [&](Value bound) { start = start ? max(start, bound) : bound; };
    auto lowerTo = [&](Value bound) { end = end ? min(end, bound) : bound; };
    for (const LinearForm &form : conjunction.forms) {
      if (std::abs(form.column) != 1 || form.row != form.column)
        continue;
      if (form.column > 0) // C >= -u - R
        raise(builder.createOrFold<arith::SubIOp>(loc, valueOf(form.scaled(-1)), last));
      else // C <= u - R
        lowerTo(builder.createOrFold<arith::SubIOp>(loc, valueOf(form), first));
    }

    for (const Bound &bound : lower)
      raise(bound.movesWithRow ? plus(valueOf(bound.bound), first) : valueOf(bound.bound));
    for (const Bound &bound : upper)
      lowerTo(bound.movesWithRow ? plus(valueOf(bound.bound), last) : valueOf(bound.bound));
    // The end of the keys bounds the loop already; only a start beyond it, in
    // the last tile, has to be compared with it.
    if (start && loopBound)
      lowerTo(valueOf(*loopBound));
    // Some row lies between two bounds that both move with it.
    for (const Bound &low : lower)
      for (const Bound &high : upper)
        if (low.movesWithRow && high.movesWithRow)
          conditions.push_back(notAfter(valueOf(low.bound), valueOf(high.bound)));
    if (rowsCut)
      conditions.push_back(notAfter(first, last));
    if (start && end)
      conditions.push_back(notAfter(start, end));
    return toTiles(start, end, conditions);
  }

  /// From an interval of keys (both ends inclusive, either may be absent) to
  /// the tiles that hold some of it; none unless all conditions hold.
  Range toTiles(Value first, Value last, ArrayRef<Value> conditions) {
    Range range;
    Value size = number(tileSize);
    if (first)
      range.start =
          min(builder.createOrFold<arith::FloorDivSIOp>(loc, max(first, zero), size), tiles);
    if (last) // -1, at the least, is no tile
      range.end =
          min(plus(builder.createOrFold<arith::FloorDivSIOp>(loc, max(last, number(-1)), size),
                   number(1)),
              tiles);
    if (conditions.empty())
      return range;
    Value any = conditions.front();
    for (Value condition : conditions.drop_front())
      any = builder.createOrFold<arith::AndIOp>(loc, any, condition);
    // An empty range that starts at zero keeps ranges in order.
    range.start =
        builder.createOrFold<arith::SelectOp>(loc, any, range.start ? range.start : zero, zero);
    range.end =
        builder.createOrFold<arith::SelectOp>(loc, any, range.end ? range.end : tiles, zero);
    return range;
  }

  /// Joins ranges that touch the same end of the loop, orders the rest by
  /// their starts and cuts what overlaps.
  SmallVector<Range> merged(ArrayRef<Range> ranges) {
    std::optional<Range> front, back;
    SmallVector<Range> middle;
    for (const Range &range : ranges) {
      if (!range.start && !range.end)
        return {range};
      if (!range.start)
        front = front ? Range{{}, max(front->end, range.end)} : range;
      else if (!range.end)
        back = back ? Range{min(back->start, range.start), {}} : range;
      else
        middle.push_back(range);
    }
    sortByStart(middle);

    SmallVector<Range> result;
    Value cursor; // everything before it is in the result already
    auto push = [&](Range range) {
      if (cursor)
        range.start = max(range.start, cursor);
      result.push_back(range);
      if (range.end)
        cursor = cursor ? max(cursor, range.end) : range.end;
    };
    if (front)
      push(*front);
    for (const Range &range : middle)
      push(back ? Range{min(range.start, back->start), min(range.end, back->start)} : range);
    if (back)
      push(*back);
    return result;
  }

  /// A bubble sort of compare-and-exchange steps: a handful of scalars.
  void sortByStart(MutableArrayRef<Range> ranges) {
    for (size_t unsorted = ranges.size(); unsorted > 1; --unsorted)
      for (size_t i = 0; i + 1 < unsorted; ++i) {
        Range a = ranges[i], b = ranges[i + 1];
        Value inOrder = notAfter(a.start, b.start);
        auto choose = [&](Value yes, Value no) {
          return builder.createOrFold<arith::SelectOp>(loc, inOrder, yes, no);
        };
        ranges[i] = {choose(a.start, b.start), choose(a.end, b.end)};
        ranges[i + 1] = {choose(b.start, a.start), choose(b.end, a.end)};
      }
  }

  OpBuilder &builder;
  Location loc;
  Value tiles;
  PositionSpace space;
  int64_t tileSize;
  Value zero, rowFirst, rowLast;
};

} // namespace

tile::MaskOp maskOf(scf::ForOp loop) {
  auto masks = llvm::to_vector(loop.getBody()->getOps<tile::MaskOp>());
  return masks.size() == 1 ? masks.front() : tile::MaskOp();
}

void dropMask(tile::MaskOp mask) {
  SetVector<Operation *> affected;
  getForwardSlice(mask.getResult(), &affected);
  for (Operation *op : affected)
    if (auto dot = dyn_cast<tile::DotOp>(op); dot && dot->getBlock() == mask->getBlock() &&
                                              affected.contains(dot.getLhs().getDefiningOp()))
      dot.setSkipZeros(false);
  mask.replaceAllUsesWith(mask.getSource());
  mask.erase();
}

/// The space of the loop over all tiles, or of one that was split already.
static PositionSpace spaceOf(scf::ForOp loop) {
  PositionSpace space;
  space.loopBody = &loop.getRegion();
  space.keyTile = loop.getInductionVar();
  for (auto nth : loop.getBody()->getOps<tile::NthOp>())
    if (nth.getN() == loop.getInductionVar())
      space.keyTile = nth;
  return space;
}

bool isUndecided(scf::ForOp loop) {
  PositionSpace space = spaceOf(loop);
  return readPredicate(maskOf(loop).getKeep(), /*complement=*/false, space).undecided;
}

std::optional<VisibleTiles> buildVisibleTiles(OpBuilder &builder, scf::ForOp loop) {
  if (!matchPattern(loop.getLowerBound(), m_Zero()) || !matchPattern(loop.getStep(), m_One()))
    return std::nullopt;
  PositionSpace space = spaceOf(loop);
  Value keep = maskOf(loop).getKeep();
  Alternatives seen = readPredicate(keep, /*complement=*/false, space);
  Alternatives hidden = readPredicate(keep, /*complement=*/true, space);
  if (!space.columns)
    return std::nullopt;

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(loop);
  RangeBuilder ranges(builder, loop, space);
  SmallVector<Range> seenTiles = ranges.project(seen);
  SmallVector<Range> hiddenTiles = ranges.project(hidden);
  return VisibleTiles{ranges.intersection(seenTiles, hiddenTiles), ranges.gaps(hiddenTiles),
                      ranges.segments(seenTiles, hiddenTiles)};
}

} // namespace tessera
