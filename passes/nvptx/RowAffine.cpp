//===- RowAffine.cpp - positions as constants and numbers of a thread -----===//

#include "passes/nvptx/RowAffine.h"
#include "passes/nvptx/Fragment.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

void RowAffine::add(const RowAffine &other, int sign) {
  for (auto [mine, theirs] : llvm::zip_equal(constants, other.constants))
    mine += sign * theirs;
  for (auto [value, own] : other.rows)
    rows.push_back({value, sign * own});
}

bool repeatsRows(vector::ShuffleOp shuffle) {
  auto source = cast<VectorType>(shuffle.getV1().getType());
  if (source.getNumElements() != rowsOfThread)
    return false;
  for (auto [i, from] : llvm::enumerate(shuffle.getMask()))
    if (from % rowsOfThread != rowOfElement(i))
      return false;
  return true;
}

namespace {
/// Whether numbers that differ between the rows may stay vectors.
enum class Numbers { ofRows, ofThread };
} // namespace

static std::optional<RowAffine> match(Value value, Numbers numbers);

/// Scalars that are one of them plus constants.
static std::optional<RowAffine> matchScalars(ValueRange elements) {
  RowAffine affine;
  for (Value element : elements) {
    int64_t constant = 0;
    APInt addend;
    if (auto sum = element.getDefiningOp<arith::AddIOp>();
        sum && matchPattern(sum.getRhs(), m_ConstantInt(&addend))) {
      // The first one may be a sum itself.
      if (affine.rows.empty() || affine.rows.front().first != element) {
        element = sum.getLhs();
        constant = addend.getSExtValue();
      }
    }
    if (affine.rows.empty())
      affine.rows.push_back({element, 1});
    if (affine.rows.front().first != element)
      return std::nullopt;
    affine.constants.push_back(constant);
  }
  return affine;
}

/// Reads each element of a source that is one vector.
static std::optional<RowAffine> matchShuffle(vector::ShuffleOp shuffle, Numbers numbers) {
  if (numbers == Numbers::ofRows && repeatsRows(shuffle))
    return RowAffine{SmallVector<int64_t>(shuffle.getMask().size(), 0), {{shuffle.getV1(), 1}}};
  // The same scalars, other constants.
  std::optional<RowAffine> source = match(shuffle.getV1(), numbers);
  if (!source ||
      llvm::any_of(source->rows, [](auto &row) { return isa<VectorType>(row.first.getType()); }))
    return std::nullopt;
  RowAffine affine{{}, source->rows};
  for (int64_t from : shuffle.getMask())
    affine.constants.push_back(source->constants[from % source->constants.size()]);
  return affine;
}

static std::optional<RowAffine> match(Value value, Numbers numbers) {
  DenseIntElementsAttr constant;
  if (matchPattern(value, m_Constant(&constant))) {
    RowAffine affine;
    for (const APInt &element : constant.getValues<APInt>())
      affine.constants.push_back(element.getSExtValue());
    return affine;
  }
  int64_t count = cast<VectorType>(value.getType()).getNumElements();
  Operation *op = value.getDefiningOp();
  if (auto broadcast = dyn_cast_or_null<vector::BroadcastOp>(op);
      broadcast && broadcast.getSource().getType().isInteger(32))
    return RowAffine{SmallVector<int64_t>(count, 0), {{broadcast.getSource(), 1}}};
  if (auto elements = dyn_cast_or_null<vector::FromElementsOp>(op);
      elements && numbers == Numbers::ofThread)
    return matchScalars(elements.getElements());
  if (auto shuffle = dyn_cast_or_null<vector::ShuffleOp>(op);
      shuffle && shuffle.getV1() == shuffle.getV2())
    return matchShuffle(shuffle, numbers);
  if (isa_and_present<arith::AddIOp, arith::SubIOp>(op)) {
    std::optional<RowAffine> left = match(op->getOperand(0), numbers);
    std::optional<RowAffine> right = left ? match(op->getOperand(1), numbers) : std::nullopt;
    if (!right)
      return std::nullopt;
    left->add(*right, isa<arith::AddIOp>(op) ? 1 : -1);
    return left;
  }
  return std::nullopt;
}

std::optional<RowAffine> matchRowAffine(Value value) { return match(value, Numbers::ofRows); }

std::optional<RowAffine> matchThreadAffine(Value value) { return match(value, Numbers::ofThread); }

Value buildRows(ImplicitLocOpBuilder &at, const RowAffine &affine) {
  bool isVector =
      llvm::any_of(affine.rows, [](auto &row) { return isa<VectorType>(row.first.getType()); });
  Type type = at.getI32Type();
  if (isVector)
    type = VectorType::get(rowsOfThread, type);
  Value sum = arith::ConstantOp::create(at, at.getZeroAttr(type));
  for (auto [value, sign] : affine.rows) {
    Value row = value;
    if (row.getType() != type)
      row = vector::BroadcastOp::create(at, type, row);
    sum = sign > 0 ? arith::AddIOp::create(at, sum, row).getResult()
                   : arith::SubIOp::create(at, sum, row).getResult();
  }
  return sum;
}

} // namespace tessera
