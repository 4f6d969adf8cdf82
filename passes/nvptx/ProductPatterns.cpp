//===- ProductPatterns.cpp - warp group matrix products -------------------===//
//
// PTX ISA, "Asynchronous warpgroup level matrix instructions". One block of
// inline PTX for a whole product: fence, one instruction for each 16 columns of
// the left operand, commit. Accumulators are tied to the results, so that they
// stay where they are.
//
//===----------------------------------------------------------------------===//

#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Patterns.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

/// Columns of the left operand in one instruction, for 16-bit types.
static constexpr int64_t depth = 16;
/// Columns in a row of a chunk, of 16-bit types.
static constexpr int64_t chunkColumns = 64;
/// In front of a product, and behind it.
static constexpr const char *fence = "wgmma.fence.sync.aligned;\n",
                            *commit = "wgmma.commit_group.sync.aligned;\n";
/// Eight rows of a chunk: one pattern of the swizzle.
static constexpr int64_t patternBytes = 1024;

namespace {

/// "Matrix Descriptor Format": addresses and strides in units of 16 bytes;
/// swizzle by 128 bytes. `leading`: from one chunk to the next, for operands
/// whose contraction runs along rows.
Value descriptor(ImplicitLocOpBuilder &at, Value address, int64_t leading) {
  constexpr uint64_t swizzle128 = uint64_t(1) << 62;
  uint64_t fixed = swizzle128 | uint64_t(patternBytes / 16) << 32 | uint64_t(leading / 16) << 16;
  Value low = arith::AndIOp::create(at, address, constantI32(at, 0x3FFFF));
  low = arith::ShRUIOp::create(at, low, constantI32(at, 4));
  Value wide = arith::ExtUIOp::create(at, at.getI64Type(), low);
  Value high = arith::ConstantIntOp::create(at, static_cast<int64_t>(fixed), 64);
  return arith::OrIOp::create(at, wide, high);
}

SmallVector<Value> elementsOf(ImplicitLocOpBuilder &at, Value vector) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < cast<VectorType>(vector.getType()).getNumElements(); ++i)
    elements.push_back(vector::ExtractOp::create(at, vector, i));
  return elements;
}

std::string repeat(StringRef constraint, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (text.empty() ? "" : ",") + constraint.str();
  return text;
}

/// `$first, $first+1, ...` in braces.
std::string registers(int64_t first, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += fmt::format("{}${}", i ? "," : "", first + i);
  return "{" + text + "}";
}

/// Constraints that tie `count` operands to the results of the same number.
std::string tied(int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += fmt::format("{}{}", i ? "," : "", i);
  return text;
}

struct LowerDot : FramePattern<sm::DotOp> {
  using FramePattern::FramePattern;
  LogicalResult matchAndRewrite(sm::DotOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    sm::SlotType rhs = op.getRhs().getType();
    if (!rhs.getElement().isBF16() && !rhs.getElement().isF16())
      return op.emitOpError("multiplies elements of ")
             << rhs.getElement() << ", expected bf16 or f16";
    bool transposed = op.getTransposed();
    int64_t columns = op.getType().getDimSize(1), count = fragmentSize(op.getType());
    int64_t steps = llvm::divideCeil(transposed ? rhs.getColumns() : rhs.getRows(), depth);

    // Operands: results, tied accumulators, the left operand, the right one.
    std::string constraints = repeat("=f", count);
    SmallVector<Value> operands;
    if (Value acc = adaptor.getAcc()) {
      operands = elementsOf(at, acc);
      constraints += "," + tied(count);
    }
    int64_t left = count + operands.size();
    bool isInRegisters = isa<RankedTensorType>(op.getLhs().getType());
    int64_t leftChunk = 0;
    if (isInRegisters) {
      SmallVector<Value> elements = elementsOf(at, adaptor.getLhs());
      constraints += "," + repeat("r", elements.size());
      operands.append(elements);
    } else {
      Value address;
      std::tie(address, leftChunk) = addressOf(at, op.getLhs(), adaptor.getLhs());
      Value row = arith::SubIOp::create(at, frame.group, constantI32(at, 1));
      row = arith::MulIOp::create(at, row, constantI32(at, groupRows * chunkColumns * 2));
      operands.push_back(descriptor(at, arith::AddIOp::create(at, address, row), 16));
      constraints += ",l";
    }
    auto [address, rightChunk] = addressOf(at, op.getRhs(), adaptor.getRhs());
    int64_t right = count + operands.size();
    operands.push_back(descriptor(at, address, transposed ? 16 : rightChunk));
    constraints += ",l";
    int64_t condition = count + operands.size();
    if (Value given = adaptor.getCondition()) {
      operands.push_back(given);
      constraints += ",b";
    }

    // Contraction along a row: 32 bytes a step within a chunk, then the next chunk.
    auto alongRow = [](int64_t step, int64_t chunk) {
      int64_t inChunk = chunkColumns / depth;
      return (step / inChunk * chunk + step % inChunk * depth * 2) / 16;
    };
    std::string kind = rhs.getElement().isBF16() ? "bf16" : "f16";
    std::string text = "{\n.reg .pred more;\n.reg .b64 a, b;\nsetp.ne.b32 more, 0, 0;\n";
    if (adaptor.getCondition())
      text += fmt::format("@!${} bra.uni none;\n", condition);
    text += fence;
    for (int64_t step = 0; step < steps; ++step) {
      int64_t down = step * depth * chunkColumns * 2 / 16; // contraction along a column
      text += fmt::format("add.s64 b, ${}, {};\n", right,
                          transposed ? alongRow(step, rightChunk) : down);
      std::string a = registers(left + 4 * step, 4);
      if (!isInRegisters) {
        text += fmt::format("add.s64 a, ${}, {};\n", left, alongRow(step, leftChunk));
        a = "a";
      }
      bool starts = step == 0 && !adaptor.getAcc();
      text += fmt::format("wgmma.mma_async.sync.aligned.m64n{}k{}.f32.{}.{} {}, {}, b, {}, 1, 1, "
                          "{}{};\n",
                          columns, depth, kind, kind, registers(0, count), a, starts ? "more" : "1",
                          isInRegisters ? "" : "0, ", transposed ? 0 : 1);
    }
    text += commit;
    // What is not issued is a group as well, so that groups are counted alike.
    if (adaptor.getCondition())
      text += fmt::format("bra.uni issued;\nnone:\n{}{}issued:\n", fence, commit);
    text += "}";
    SmallVector<Value> results = ptx::emit(at, text, constraints, operands, at.getF32Type(), count);
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, VectorType::get(count, at.getF32Type()),
                                                        results);
    return success();
  }

  /// The address of a slot's buffer, and the bytes from one chunk to the next.
  std::pair<Value, int64_t> addressOf(ImplicitLocOpBuilder &at, Value slot, Value number) const {
    const RingPlace &place = frame.rings.at(sm::ringOf(slot));
    return {frame.bufferAt(at, place, number), place.chunkBytes};
  }
};

// Tied to what it waits for, so that no reader is moved in front of it.
struct LowerAwait : OpConversionPattern<sm::AwaitOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(sm::AwaitOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder at(op.getLoc(), rewriter);
    SmallVector<Value> elements = elementsOf(at, adaptor.getSource());
    int64_t count = elements.size();
    SmallVector<Value> results =
        ptx::emit(at, fmt::format("wgmma.wait_group.sync.aligned {};", op.getPending()),
                  repeat("=f", count) + "," + tied(count), elements, at.getF32Type(), count);
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(
        op, cast<VectorType>(adaptor.getSource().getType()), results);
    return success();
  }
};

} // namespace

void populateProductPatterns(RewritePatternSet &patterns, const TypeConverter &types,
                             const KernelFrame &frame) {
  patterns.add<LowerDot>(types, patterns.getContext(), frame);
  patterns.add<LowerAwait>(types, patterns.getContext());
}

} // namespace tessera
