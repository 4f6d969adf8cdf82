//===- ExpandRanges.cpp - lists of ranges to integer arithmetic -----------===//

#include "dsl/ir/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tessera {
#define GEN_PASS_DEF_EXPANDRANGESPASS
#include "passes/Passes.h.inc"

namespace {

/// How many indices one range holds: max(end - start, 0).
Value lengthOf(OpBuilder &builder, Location loc, Value start, Value end) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value difference = builder.createOrFold<arith::SubIOp>(loc, end, start);
  return builder.createOrFold<arith::MaxSIOp>(loc, difference, zero);
}

// tile.count  ->  the sum of the lengths
Value expand(OpBuilder &builder, tile::CountOp op) {
  Value count = arith::ConstantIndexOp::create(builder, op.getLoc(), 0);
  for (auto [start, end] : llvm::zip_equal(op.getStarts(), op.getEnds()))
    count = builder.createOrFold<arith::AddIOp>(op.getLoc(), count,
                                                lengthOf(builder, op.getLoc(), start, end));
  return count;
}

// tile.nth %n             ->  %start_k + %n - (lengths before k), for the k it falls in
// tile.nth %n descending  ->  %end_k - 1 - (%n - (lengths before k))
Value expand(OpBuilder &builder, tile::NthOp op) {
  Location loc = op.getLoc();
  Value before = arith::ConstantIndexOp::create(builder, loc, 0), index;
  Value minusOne = arith::ConstantIndexOp::create(builder, loc, -1);
  for (auto [start, end] : llvm::zip_equal(op.getStarts(), op.getEnds())) {
    Value candidate;
    if (op.getDescending()) {
      Value last = builder.createOrFold<arith::AddIOp>(loc, end, minusOne);
      Value offset = builder.createOrFold<arith::AddIOp>(loc, last, before);
      candidate = builder.createOrFold<arith::SubIOp>(loc, offset, op.getN());
    } else {
      Value offset = builder.createOrFold<arith::SubIOp>(loc, start, before);
      candidate = builder.createOrFold<arith::AddIOp>(loc, offset, op.getN());
    }
    if (index) {
      Value reached =
          arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, op.getN(), before);
      index = arith::SelectOp::create(builder, loc, reached, candidate, index);
    } else {
      index = candidate;
    }
    before = builder.createOrFold<arith::AddIOp>(loc, before, lengthOf(builder, loc, start, end));
  }
  return index ? index : op.getN();
}

// tile.row_span  ->  %tile * height, min(%tile * height + height, %length) - 1
SmallVector<Value> expand(OpBuilder &builder, tile::RowSpanOp op) {
  Location loc = op.getLoc();
  Value height = arith::ConstantIndexOp::create(builder, loc, op.getHeight());
  Value minusOne = arith::ConstantIndexOp::create(builder, loc, -1);
  Value first = builder.createOrFold<arith::MulIOp>(loc, op.getTile(), height);
  Value end = builder.createOrFold<arith::AddIOp>(loc, first, height);
  end = builder.createOrFold<arith::MinSIOp>(loc, end, op.getLength());
  return {first, builder.createOrFold<arith::AddIOp>(loc, end, minusOne)};
}

struct ExpandRangesPass : impl::ExpandRangesPassBase<ExpandRangesPass> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      OpBuilder builder(op);
      SmallVector<Value> expanded;
      if (auto count = dyn_cast<tile::CountOp>(op))
        expanded.push_back(expand(builder, count));
      else if (auto nth = dyn_cast<tile::NthOp>(op))
        expanded.push_back(expand(builder, nth));
      else if (auto span = dyn_cast<tile::RowSpanOp>(op))
        expanded = expand(builder, span);
      else
        return;
      op->replaceAllUsesWith(expanded);
      op->erase();
    });
  }
};

} // namespace
} // namespace tessera
