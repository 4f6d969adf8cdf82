//===- ViewPatterns.cpp - views in memory ---------------------------------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/GlobalMemory.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Place.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstddef>

using namespace mlir;

namespace tessera {

namespace {

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

size_t fieldOf(tile::Axis axis) {
  switch (axis) {
  case tile::Axis::Batches:
    return offsetof(ViewArgument, batches);
  case tile::Axis::Heads:
    return offsetof(ViewArgument, heads);
  case tile::Axis::Rows:
    return offsetof(ViewArgument, rows);
  }
  llvm_unreachable("unknown axis");
}

Value readExtent(ImplicitLocOpBuilder &at, const KernelFrame &frame, Value view, tile::Axis axis) {
  Value extent = readI64(at, frame, frame.argumentOf(view), fieldOf(axis));
  return arith::TruncIOp::create(at, at.getI32Type(), extent);
}

struct LowerExtent : FramePattern<tile::ExtentOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::ExtentOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, readExtent(at, frame, op.getView(), op.getAxis()));
    return success();
  }
};

// Of views whose sequences are as long as they are: others are arithmetic already.
struct LowerLength : FramePattern<tile::LengthOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::LengthOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, readExtent(at, frame, op.getView(), tile::Axis::Rows));
    return success();
  }
};

/// How far behind the first element a sequence begins, `start` rows behind the first of its
/// batch.
Value offsetOf(ImplicitLocOpBuilder &at, const KernelFrame &frame, const Argument &view,
               Value batch, Value head, Value start, Value rowStride) {
  Value offset = add(
      at, mul(at, wide(at, batch), readI64(at, frame, view, offsetof(ViewArgument, batchStride))),
      mul(at, wide(at, head), readI64(at, frame, view, offsetof(ViewArgument, headStride))));
  return start ? add(at, offset, mul(at, wide(at, start), rowStride)) : offset;
}

struct LowerLocate : FramePattern<sm::LocateOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::LocateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const Argument &view = frame.argumentOf(op.getView());
    sm::PlaceType type = op.getPlace().getType();
    Value rowStride = readI64(at, frame, view, offsetof(ViewArgument, rowStride));
    Value offset = offsetOf(at, frame, view, adaptor.getBatch(), adaptor.getHead(),
                            adaptor.getStart(), rowStride);
    Value limit = adaptor.getLength() ? adaptor.getLength()
                                      : readExtent(at, frame, op.getView(), tile::Axis::Rows);
    if (Value part = adaptor.getColumns())
      offset = add(at, offset, wide(at, mul(at, part, constantI32(at, type.getColumns()))));
    Place place{elementAt(at, dataOf(at, frame, view), type.getElement(), offset), rowStride,
                mul(at, adaptor.getTile(), constantI32(at, type.getRows())), limit};
    rewriter.replaceOp(op, place.pack(at));
    return success();
  }
};

/// Through shared memory: each group writes its rows there in the swizzled form of the copy
/// engine, and one of its threads has them copied out.
void copyOut(ImplicitLocOpBuilder &at, const KernelFrame &frame, tile::StoreOp op, Value pairs,
             Value tile, Value head, Value batch) {
  RankedTensorType type = op.getValue().getType();
  int64_t width = type.getDimSize(1), chunkColumns = 64;
  auto i32 = [&](int64_t value) { return constantI32(at, value); };
  Value consumer = arith::SubIOp::create(at, frame.group, i32(1));
  int64_t groupBytes = llvm::divideCeil(width, chunkColumns) * stagedChunkBytes;
  Value buffer =
      add(at, add(at, frame.shared, i32(*frame.staging)), mul(at, consumer, i32(groupBytes)));
  Value barrier = frame.groupBarrier(at);

  // What was there before has been read.
  if (!frame.stagingIsFree.contains(op)) {
    frame.onFirstOfGroup(at, [&] { ptx::waitForStores(at, /*onlyReads=*/true); });
    ptx::syncThreads(at, barrier, groupThreads);
  }
  // Matrices of 16 columns: a lane names a row, and which half of the columns.
  Value row =
      add(at, mul(at, frame.warp, i32(16)), arith::RemUIOp::create(at, frame.lane, i32(16)));
  Value half = arith::DivUIOp::create(at, frame.lane, i32(16));
  Value pattern = arith::RemUIOp::create(at, frame.lane, i32(8));
  Value rowAddress = add(at, buffer, mul(at, row, i32(chunkRowBytes)));
  for (int64_t block = 0; block < width / 16; ++block) {
    Value place = arith::XOrIOp::create(at, add(at, half, i32(block % 4 * 2)), pattern);
    Value address =
        add(at, add(at, rowAddress, i32(block / 4 * stagedChunkBytes)), mul(at, place, i32(16)));
    SmallVector<Value> matrices;
    for (int64_t i = 0; i < 4; ++i)
      matrices.push_back(vector::ExtractOp::create(at, pairs, block * 4 + i));
    ptx::storeMatrices(at, address, matrices);
  }
  ptx::fenceSharedForCopies(at);
  ptx::syncThreads(at, barrier, groupThreads);
  frame.onFirstOfGroup(at, [&] {
    Value firstRow =
        add(at, mul(at, tile, i32(type.getDimSize(0))), mul(at, consumer, i32(groupRows)));
    Value map = frame.mapOf(op.getView(), groupRows);
    for (int64_t chunk = 0; chunk * chunkColumns < width; ++chunk)
      ptx::storeBox(at, map, {i32(chunk * chunkColumns), firstRow, head, batch},
                    add(at, buffer, i32(chunk * stagedChunkBytes)));
    ptx::commitStores(at);
  });
}

/// Columns that four lanes of a row hold in four blocks of eight: 16 bytes for each lane once
/// they are exchanged.
constexpr int64_t exchangeColumns = 32;

/// Exchanges pairs between the four lanes of a row, so that lane q holds the four pairs of
/// block q instead of its own pair of each block: a 4 x 4 transposition.
void exchangePairs(ImplicitLocOpBuilder &at, const KernelFrame &frame,
                   MutableArrayRef<Value> pairs) {
  for (int64_t distance : {1, 2}) {
    Value bit = arith::AndIOp::create(at, frame.lane, constantI32(at, distance));
    Value isUpper = arith::CmpIOp::create(at, arith::CmpIPredicate::ne, bit, constantI32(at, 0));
    for (int64_t i = 0; i < 4; ++i) {
      if (i & distance)
        continue;
      Value &low = pairs[i], &high = pairs[i + distance];
      Value sent = arith::SelectOp::create(at, isUpper, low, high);
      Value received = NVVM::ShflOp::create(at, at.getI32Type(), constantI32(at, -1), sent,
                                            constantI32(at, distance), constantI32(at, 31),
                                            NVVM::ShflKind::bfly, UnitAttr());
      low = arith::SelectOp::create(at, isUpper, received, low);
      high = arith::SelectOp::create(at, isUpper, high, received);
    }
  }
}

/// Elements i and i + 1 of a fragment, neighbours in a row.
Value pairAt(ImplicitLocOpBuilder &at, RankedTensorType tile, Value fragment, int64_t i) {
  if (isPacked(tile))
    return vector::ExtractOp::create(at, fragment, i / 2);
  return vector::FromElementsOp::create(at, VectorType::get(2, tile.getElementType()),
                                        ValueRange{vector::ExtractOp::create(at, fragment, i),
                                                   vector::ExtractOp::create(at, fragment, i + 1)});
}

// Each thread writes what it holds, neighbours together. Rows past the end are left out.
struct LowerStore : FramePattern<tile::StoreOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(tile::StoreOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getPages())
      return op.emitOpError("goes through pages, which this target cannot do yet");
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    if (frame.staging && canCopyOut(op)) {
      copyOut(at, frame, op, adaptor.getValue(), adaptor.getTile(), adaptor.getHead(),
              adaptor.getBatch());
      rewriter.eraseOp(op);
      return success();
    }
    RankedTensorType tile = op.getValue().getType();
    Type element = tile.getElementType();
    const Argument &view = frame.argumentOf(op.getView());
    Value data = dataOf(at, frame, view);
    Value rowStride = readI64(at, frame, view, offsetof(ViewArgument, rowStride));
    Value base = offsetOf(at, frame, view, adaptor.getBatch(), adaptor.getHead(),
                          adaptor.getStart(), rowStride);
    Value limit = adaptor.getLength() ? adaptor.getLength()
                                      : readExtent(at, frame, op.getView(), tile::Axis::Rows);
    Value first = add(at, mul(at, adaptor.getTile(), constantI32(at, tile.getDimSize(0))),
                      frame.firstRow(at));
    bool isColumn = tile.getDimSize(1) == 1;
    for (int64_t row = 0; row < rowsOfThread; ++row) {
      // 16 bytes at a time where rows are wide enough; all lanes take part.
      SmallVector<Value> exchanged;
      int64_t wide32 = isPacked(tile) ? tile.getDimSize(1) / exchangeColumns : 0;
      for (int64_t group = 0; group < wide32; ++group) {
        Value pairs[4];
        for (int64_t i = 0; i < 4; ++i)
          pairs[i] = pairAt(at, tile, adaptor.getValue(), 4 * (4 * group + i) + 2 * row);
        exchangePairs(at, frame, pairs);
        exchanged.push_back(vector::FromElementsOp::create(at, VectorType::get(4, at.getI32Type()),
                                                           ValueRange(pairs)));
      }
      Value number = add(at, first, constantI32(at, 8 * row));
      Value isInside = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, number, limit);
      // Of a column, the first of the lanes that share a row.
      if (isColumn)
        isInside =
            arith::AndIOp::create(at, isInside,
                                  arith::CmpIOp::create(at, arith::CmpIPredicate::eq,
                                                        frame.firstColumn(at), constantI32(at, 0)));
      auto branch = scf::IfOp::create(at, isInside);
      OpBuilder::InsertionGuard guard(at);
      at.setInsertionPointToStart(branch.thenBlock());
      Value offset = add(at, base, mul(at, wide(at, number), rowStride));
      if (isColumn) {
        LLVM::StoreOp::create(at, vector::ExtractOp::create(at, adaptor.getValue(), row),
                              elementAt(at, data, element, offset));
        continue;
      }
      // Lane q of a row has columns 8q on of what was exchanged, and 2q on of the rest.
      auto addressFrom = [&](Value column) {
        return elementAt(at, data, element, add(at, offset, wide(at, column)));
      };
      Value firstColumn = frame.firstColumn(at);
      Value block = addressFrom(mul(at, firstColumn, constantI32(at, 4)));
      for (auto [group, vector] : llvm::enumerate(exchanged))
        LLVM::StoreOp::create(at, vector,
                              LLVM::GEPOp::create(at, block.getType(), element, block,
                                                  ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(
                                                      group * exchangeColumns)}),
                              /*alignment=*/16);
      Value address = addressFrom(firstColumn);
      for (int64_t i = 0; i < fragmentSize(tile); i += 2) {
        if (rowOfElement(i) != row || columnOfElement(i) < wide32 * exchangeColumns)
          continue;
        Value pair = pairAt(at, tile, adaptor.getValue(), i);
        Value place =
            LLVM::GEPOp::create(at, address.getType(), element, address,
                                ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(columnOfElement(i))});
        LLVM::StoreOp::create(at, pair, place, 2 * element.getIntOrFloatBitWidth() / 8);
      }
    }
    ptx::syncWarp(at); // rows end in the middle of a warp
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateViewPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                          const KernelFrame &frame) {
  patterns.add<LowerExtent, LowerLength, LowerLocate, LowerStore>(types, patterns.getContext(),
                                                                  frame);
}

} // namespace tessera
