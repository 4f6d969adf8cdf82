//===- RingPatterns.cpp - roles, rings and copies -------------------------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/GlobalMemory.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tessera {

static constexpr int64_t vectorBytes = 16;

namespace {

Value equals(ImplicitLocOpBuilder &at, Value a, int64_t b) {
  return arith::CmpIOp::create(at, arith::CmpIPredicate::eq, a, constantI32(at, b));
}

/// Where a role is in a ring: the buffer's number, and the parity of the round.
struct Turn {
  Value slot, parity;
};

/// Takes the next turn of a role, if a condition holds; null: in any case.
Turn nextTurn(ImplicitLocOpBuilder &at, Value counter, int64_t stages, Value condition = {}) {
  Value turn = LLVM::LoadOp::create(at, at.getI32Type(), counter);
  Value taken = constantI32(at, 1);
  if (condition)
    taken = arith::ExtUIOp::create(at, at.getI32Type(), condition);
  LLVM::StoreOp::create(at, add(at, turn, taken), counter);
  Value count = constantI32(at, stages);
  Value round = arith::DivUIOp::create(at, turn, count);
  return {arith::RemUIOp::create(at, turn, count),
          arith::AndIOp::create(at, round, constantI32(at, 1))};
}

Value barrierAt(ImplicitLocOpBuilder &at, const KernelFrame &frame, int64_t first, Value slot) {
  Value offset = mul(at, slot, constantI32(at, barrierBytes));
  return add(at, frame.sharedAt(at, first), offset);
}

/// The parity of the round before: of the first round everything is free.
Value parityBefore(ImplicitLocOpBuilder &at, const Turn &turn) {
  return arith::XOrIOp::create(at, turn.parity, constantI32(at, 1));
}

/// Waits until consumers have given a buffer back.
void waitUntilEmpty(ImplicitLocOpBuilder &at, const KernelFrame &frame, const RingPlace &place,
                    const Turn &turn) {
  Value before = parityBefore(at, turn);
  ptx::waitBarrier(at, barrierAt(at, frame, place.empty, turn.slot), before);
}

// A branch for each role; one thread is the producer, another warp of its group gathers.
struct LowerRoles : FramePattern<sm::RolesOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::RolesOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    auto roles = scf::IfOp::create(at, equals(at, frame.group, 0), /*withElseRegion=*/true);

    at.setInsertionPointToStart(roles.thenBlock());
    ptx::setRegisters(at, op.getProducerRegisters(), /*more=*/false);
    Value warp = fromFirstLane(at, frame.warp);
    auto isFirstWarp = scf::IfOp::create(at, equals(at, warp, 0));
    for (Region &gatherer : op.getGatherer()) {
      auto isSecondWarp = scf::IfOp::create(at, equals(at, warp, 1));
      rewriter.inlineBlockBefore(&gatherer.front(), isSecondWarp.thenBlock()->getTerminator());
    }
    at.setInsertionPointToStart(isFirstWarp.thenBlock());
    auto elected = scf::IfOp::create(at, NVVM::ElectSyncOp::create(at, at.getI1Type(), Value()));
    rewriter.inlineBlockBefore(&op.getProducer().front(), elected.thenBlock()->getTerminator());
    if (frame.tickets) {
      at.setInsertionPoint(elected.thenBlock()->getTerminator());
      resetTickets(at);
    }

    at.setInsertionPointToStart(roles.elseBlock());
    ptx::setRegisters(at, op.getConsumerRegisters(), /*more=*/true);
    rewriter.inlineBlockBefore(&op.getConsumer().front(), roles.elseBlock()->getTerminator());
    if (frame.staging) {
      // Shared memory stays until it has been copied out.
      at.setInsertionPoint(roles.elseBlock()->getTerminator());
      ptx::waitForStores(at, /*onlyReads=*/false);
    }
    rewriter.eraseOp(op);
    return success();
  }

  /// The last block that is done leaves the counters as it found them: zero.
  void resetTickets(ImplicitLocOpBuilder &at) const {
    Value done = LLVM::GEPOp::create(at, frame.ticketCounters.getType(), at.getI32Type(),
                                     frame.ticketCounters, ArrayRef<LLVM::GEPArg>{1});
    // After this block's last ticket, and before what the last block does.
    ptx::emit(at, "fence.acq_rel.gpu;", "~{memory}", {});
    Value before = LLVM::AtomicRMWOp::create(at, LLVM::AtomicBinOp::add, done, constantI32(at, 1),
                                             LLVM::AtomicOrdering::monotonic);
    ptx::emit(at, "fence.acq_rel.gpu;", "~{memory}", {});
    Value last = arith::SubIOp::create(at, NVVM::GridDimXOp::create(at, at.getI32Type()),
                                       constantI32(at, 1));
    auto isLast =
        scf::IfOp::create(at, arith::CmpIOp::create(at, arith::CmpIPredicate::eq, before, last));
    at.setInsertionPointToStart(isLast.thenBlock());
    LLVM::StoreOp::create(at, constantI32(at, 0), frame.ticketCounters);
    LLVM::StoreOp::create(at, constantI32(at, 0), done);
  }
};

struct LowerBranchOnly : OpConversionPattern<sm::BranchOnlyOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::BranchOnlyOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    ptx::emit(at, "", "", {}); // of which nothing is known but that it has an effect
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerBlockId : OpConversionPattern<sm::BlockIdOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::BlockIdOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::BlockIdXOp>(op, rewriter.getI32Type());
    return success();
  }
};

struct LowerBlockCount : OpConversionPattern<sm::BlockCountOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::BlockCountOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<NVVM::GridDimXOp>(op, rewriter.getI32Type());
    return success();
  }
};

// tile * height + 64 * group, min(that + 64, length) - 1
struct LowerGroupRowSpan : FramePattern<sm::GroupRowSpanOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::GroupRowSpanOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value rows = constantI32(at, groupRows), minusOne = constantI32(at, -1);
    Value first = add(at, mul(at, adaptor.getTile(), constantI32(at, op.getHeight())),
                      mul(at, add(at, frame.group, minusOne), rows));
    Value end = arith::MinSIOp::create(at, add(at, first, rows), adaptor.getLength());
    rewriter.replaceOp(op, {first, add(at, end, minusOne)});
    return success();
  }
};

struct LowerTakeTicket : FramePattern<sm::TakeTicketOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::TakeTicketOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    Value taken = LLVM::AtomicRMWOp::create(at, LLVM::AtomicBinOp::add, frame.ticketCounters,
                                            constantI32(at, 1), LLVM::AtomicOrdering::monotonic);
    rewriter.replaceOp(op, add(at, taken, NVVM::GridDimXOp::create(at, at.getI32Type())));
    return success();
  }
};

// Wait until the consumers have read what was there; write; let them know.
struct LowerTell : FramePattern<sm::TellOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::TellOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const ChannelPlace &place = frame.channels.find(op.getChannel())->second;
    Turn turn = nextTurn(at, place.told, 1);
    ptx::waitBarrier(at, frame.sharedAt(at, place.empty), parityBefore(at, turn));
    for (auto [i, value] : llvm::enumerate(adaptor.getValues()))
      ptx::emit(at, "st.shared.b32 [$0], $1;", "r,r,~{memory}",
                {frame.sharedAt(at, place.numbers + 4 * i), value});
    ptx::arrive(at, frame.sharedAt(at, place.full));
    rewriter.replaceOp(op, adaptor.getValues());
    return success();
  }
};

struct LowerHear : FramePattern<sm::HearOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::HearOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const ChannelPlace &place = frame.channels.find(op.getChannel())->second;
    Turn turn = nextTurn(at, place.heard, 1);
    ptx::waitBarrier(at, frame.sharedAt(at, place.full), turn.parity);
    // The lane that gives the place back is the one that reads.
    Value isFirst = equals(at, frame.lane, 0);
    SmallVector<Value> numbers;
    for (unsigned i = 0; i < op.getNumResults(); ++i) {
      Value address = frame.sharedAt(at, place.numbers + 4 * i);
      Value number = ptx::emit(at, "{\nmov.b32 $0, 0;\n@$2 ld.shared.b32 $0, [$1];\n}",
                               "=&r,r,b,~{memory}", {address, isFirst}, at.getI32Type(), 1)
                         .front();
      numbers.push_back(fromFirstLane(at, number));
    }
    ptx::arriveIf(at, frame.sharedAt(at, place.empty), isFirst);
    rewriter.replaceOp(op, numbers);
    return success();
  }
};

struct LowerMakeRing : OpConversionPattern<sm::MakeRingOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::MakeRingOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    // All that is known of it stands in the frame.
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    rewriter.replaceOp(op, constantI32(at, 0));
    return success();
  }
};

// Wait until the buffer is free; one copy for each chunk of 128 bytes of the rows.
struct LowerFill : FramePattern<sm::FillOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::FillOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    sm::RingType type = op.getRing().getType();
    const RingPlace &place = frame.rings.at(op.getRing());
    Turn turn = nextTurn(at, place.filled, type.getStages());
    waitUntilEmpty(at, frame, place, turn);
    Value full = barrierAt(at, frame, place.full, turn.slot);
    ptx::arriveExpectingBytes(at, full, constantI32(at, place.slotBytes));

    Value buffer = frame.bufferAt(at, place, turn.slot);
    Value row = mul(at, adaptor.getTile(), constantI32(at, type.getRows()));
    if (Value start = adaptor.getStart())
      row = add(at, row, start);
    Value map = frame.mapOf(op.getView(), type.getRows());
    int64_t chunkColumns = chunkRowBytes * 8 / type.getElement().getIntOrFloatBitWidth();
    for (int64_t chunk = 0; chunk * place.chunkBytes < place.slotBytes; ++chunk)
      ptx::copyBox(
          at, add(at, buffer, constantI32(at, chunk * place.chunkBytes)), map,
          {constantI32(at, chunk * chunkColumns), row, adaptor.getHead(), adaptor.getBatch()},
          full);
    rewriter.eraseOp(op);
    return success();
  }
};

// Read the numbers; wait until the buffer is free; write them; arrive where the tile arrives.
struct LowerFillStrip : FramePattern<sm::FillStripOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::FillStripOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    sm::RingType type = op.getRing().getType();
    const RingPlace &place = frame.rings.at(op.getRing());
    Turn turn = nextTurn(at, place.filled, type.getStages());
    SmallVector<Value> numbers;
    if (Value table = op.getTable()) {
      auto along = static_cast<size_t>(*op.getAlong());
      SmallVector<Value> coordinates = llvm::to_vector(adaptor.getCoordinates());
      TableLine line = TableLine::of(at, frame, table, coordinates, along);
      Value moved = mul(at, adaptor.getTile(), constantI32(at, *op.getStep()));
      Value first = add(at, add(at, coordinates[along], moved), frame.lane);
      numbers =
          line.readEvery(at, warpThreads, first, llvm::divideCeil(type.getStrip(), warpThreads));
    }
    waitUntilEmpty(at, frame, place, turn);
    if (Value factor = adaptor.getFactor())
      for (Value &number : numbers)
        number = arith::MulFOp::create(at, number, factor);
    write(at, numbers, frame.stripAt(at, place, turn.slot), type.getStrip());
    ptx::syncWarp(at); // lanes waited unequally long
    // Each lane for what it wrote.
    ptx::arrive(at, barrierAt(at, frame, place.full, turn.slot));
    rewriter.eraseOp(op);
    return success();
  }

private:
  void write(ImplicitLocOpBuilder &at, ArrayRef<Value> numbers, Value strip, int64_t length) const {
    Value address = add(at, strip, mul(at, frame.lane, constantI32(at, stripWordBytes)));
    for (auto [i, number] : llvm::enumerate(numbers)) {
      int64_t begin = static_cast<int64_t>(i) * warpThreads;
      Value isInside = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, frame.lane,
                                             constantI32(at, length - begin));
      ptx::writeSharedIf(at, add(at, address, constantI32(at, begin * stripWordBytes)), number,
                         isInside);
    }
  }
};

struct LowerAcquire : FramePattern<sm::AcquireOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::AcquireOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const RingPlace &place = frame.rings.at(op.getRing());
    Value condition = adaptor.getCondition();
    Turn turn = nextTurn(at, place.taken, op.getRing().getType().getStages(), condition);
    rewriter.replaceOp(op, turn.slot);
    if (condition) {
      auto branch = scf::IfOp::create(at, condition);
      at.setInsertionPointToStart(branch.thenBlock());
    }
    ptx::waitBarrier(at, barrierAt(at, frame, place.full, turn.slot), turn.parity);
    return success();
  }
};

struct LowerHeld : FramePattern<sm::HeldOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::HeldOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const RingPlace &place = frame.rings.at(op.getRing());
    Value turn = LLVM::LoadOp::create(at, at.getI32Type(), place.taken);
    Value last = add(at, turn, constantI32(at, -1));
    Value count = constantI32(at, op.getRing().getType().getStages());
    rewriter.replaceOp(op, arith::RemUIOp::create(at, last, count));
    return success();
  }
};

// One arrival for each warp.
struct LowerRelease : FramePattern<sm::ReleaseOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::ReleaseOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    const RingPlace &place = frame.rings.at(sm::ringOf(op.getSlot()));
    Value arrives = equals(at, frame.lane, 0);
    if (Value condition = adaptor.getCondition())
      arrives = arith::AndIOp::create(at, arrives, condition);
    ptx::arriveIf(at, barrierAt(at, frame, place.empty, adaptor.getSlot()), arrives);
    rewriter.eraseOp(op);
    return success();
  }
};

// if (the sequence ends in this buffer) { zero its rows, 16 bytes a thread; meet }
struct LowerZeroTail : FramePattern<sm::ZeroTailOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::ZeroTailOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    sm::SlotType type = op.getSlot().getType();
    const RingPlace &place = frame.rings.at(sm::ringOf(op.getSlot()));
    Value rows = constantI32(at, type.getRows());
    Value end = arith::SubIOp::create(at, adaptor.getLength(), mul(at, adaptor.getTile(), rows));
    end = arith::MaxSIOp::create(at, end, constantI32(at, 0));
    Value isShort = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, end, rows);
    auto branch = scf::IfOp::create(at, isShort);

    at.setInsertionPointToStart(branch.thenBlock());
    int64_t threads = frame.groups * groupThreads;
    Value number = arith::SubIOp::create(at, frame.thread, constantI32(at, groupThreads));
    Value buffer = frame.bufferAt(at, place, adaptor.getSlot());
    // Whole rows are zeroed, so the order of their bytes does not matter.
    int64_t vectorsOfRow = chunkRowBytes / vectorBytes;
    Value first = add(at, mul(at, end, constantI32(at, vectorsOfRow)), number);
    auto loop = scf::ForOp::create(at, first, constantI32(at, type.getRows() * vectorsOfRow),
                                   constantI32(at, threads));
    OpBuilder::InsertPoint behind = at.saveInsertionPoint();
    at.setInsertionPointToStart(loop.getBody());
    Value zero = constantI32(at, 0);
    for (int64_t chunk = 0; chunk * place.chunkBytes < place.slotBytes; ++chunk) {
      Value address = add(at, add(at, buffer, constantI32(at, chunk * place.chunkBytes)),
                          mul(at, loop.getInductionVar(), constantI32(at, vectorBytes)));
      ptx::emit(at, "st.shared.v4.b32 [$0], {$1, $1, $1, $1};", "r,r,~{memory}", {address, zero});
    }
    at.restoreInsertionPoint(behind);
    ptx::syncWarp(at); // lanes ran the loop unequally often
    ptx::fenceSharedForCopies(at);
    ptx::syncThreads(at, constantI32(at, 1), threads);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void populateRingPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                          const KernelFrame &frame) {
  patterns.add<LowerBranchOnly, LowerBlockId, LowerBlockCount, LowerMakeRing>(
      types, patterns.getContext());
  patterns.add<LowerRoles, LowerGroupRowSpan, LowerTakeTicket, LowerTell, LowerHear, LowerFill,
               LowerFillStrip, LowerAcquire, LowerHeld, LowerRelease, LowerZeroTail>(
      types, patterns.getContext(), frame);
}

} // namespace tessera
