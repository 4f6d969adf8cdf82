//===- KernelFrame.cpp - an entry point, before its body is lowered -------===//

#include "passes/nvptx/KernelFrame.h"
#include "passes/nvptx/Fragment.h"
#include "passes/nvptx/Ptx.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

namespace tessera {

/// Bytes of a tensor map, and what the driver aligns it to.
static constexpr int64_t mapBytes = 128, mapAlignment = 64;
/// Swizzled buffers start at a multiple of this (PTX ISA, "Shared Memory Matrix Layout").
static constexpr int64_t bufferAlignment = 1024;
/// Shared memory of a block on sm_90 (CUDA C++ Programming Guide, "Technical Specifications").
static constexpr int64_t maxSharedBytes = 227 * 1024;

Value constantI32(ImplicitLocOpBuilder &at, int64_t value) {
  return arith::ConstantIntOp::create(at, value, 32);
}

Value add(ImplicitLocOpBuilder &at, Value a, Value b) { return arith::AddIOp::create(at, a, b); }
Value mul(ImplicitLocOpBuilder &at, Value a, Value b) { return arith::MulIOp::create(at, a, b); }

Value wordOf(ImplicitLocOpBuilder &at, Value value) {
  Type word = at.getI32Type();
  return value.getType() == word ? value : arith::BitcastOp::create(at, word, value).getResult();
}

Value fromFirstLane(ImplicitLocOpBuilder &at, Value value) {
  return NVVM::ShflOp::create(at, value.getType(), constantI32(at, -1), value, constantI32(at, 0),
                              constantI32(at, warpThreads - 1), NVVM::ShflKind::idx, UnitAttr());
}

Value KernelFrame::sharedAt(ImplicitLocOpBuilder &at, int64_t offset) const {
  return add(at, shared, constantI32(at, offset));
}

Value KernelFrame::bufferAt(ImplicitLocOpBuilder &at, const RingPlace &place, Value slot) const {
  Value offset = mul(at, slot, constantI32(at, place.slotBytes));
  return add(at, sharedAt(at, place.buffers), offset);
}

Value KernelFrame::stripAt(ImplicitLocOpBuilder &at, const RingPlace &place, Value slot) const {
  Value offset = mul(at, slot, constantI32(at, place.stripBytes));
  return add(at, sharedAt(at, place.strips), offset);
}

const Argument &KernelFrame::argumentOf(Value value) const {
  return block.arguments[cast<BlockArgument>(value).getArgNumber()];
}

Value KernelFrame::mapOf(Value view, int64_t rows) const {
  const Argument &argument = argumentOf(view);
  for (auto [map, pointer] : llvm::zip_equal(maps, mapPointers))
    if (map.view == argument.name && map.boxRows == rows)
      return pointer;
  llvm_unreachable("a map for each fill was asked for");
}

Value KernelFrame::readField(ImplicitLocOpBuilder &at, int64_t offset, Type type) const {
  Value address = LLVM::GEPOp::create(at, arguments.getType(), at.getI8Type(), arguments,
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  return LLVM::LoadOp::create(at, type, address, /*alignment=*/0, /*isVolatile=*/false,
                              /*isNonTemporal=*/false, /*isInvariant=*/true);
}

Value KernelFrame::warpRow(ImplicitLocOpBuilder &at) const {
  Value consumer = add(at, group, constantI32(at, -1));
  Value row = mul(at, consumer, constantI32(at, groupRows));
  return add(at, row, mul(at, warp, constantI32(at, groupRows / 4)));
}

Value KernelFrame::firstRow(ImplicitLocOpBuilder &at) const {
  return add(at, warpRow(at), arith::DivUIOp::create(at, lane, constantI32(at, lanesOfRow)));
}

Value KernelFrame::groupBarrier(ImplicitLocOpBuilder &at) const {
  // The whole block meets at barrier 0, all consumers at barrier 1.
  return add(at, group, constantI32(at, 1));
}

void KernelFrame::onFirstOfGroup(ImplicitLocOpBuilder &at, llvm::function_ref<void()> body) const {
  Value number = arith::RemUIOp::create(at, thread, constantI32(at, groupThreads));
  auto branch = scf::IfOp::create(
      at, arith::CmpIOp::create(at, arith::CmpIPredicate::eq, number, constantI32(at, 0)));
  OpBuilder::InsertionGuard guard(at);
  at.setInsertionPointToStart(branch.thenBlock());
  body();
}

Value KernelFrame::firstColumn(ImplicitLocOpBuilder &at) const {
  Value place = arith::RemUIOp::create(at, lane, constantI32(at, lanesOfRow));
  return mul(at, place, constantI32(at, 2));
}

bool canCopyOut(tile::StoreOp store) {
  RankedTensorType tile = store.getValue().getType();
  // A matrix store writes 16 columns.
  return isPacked(tile) && tile.getDimSize(1) % 16 == 0 && !store.getLength() &&
         !store.getStart() && !store.getPages();
}

/// Tensor maps for every fill of a program, and for what is copied out.
static std::vector<TensorMapRequest> mapsOf(func::FuncOp program, const KernelFrame &frame) {
  const ArgumentBlock &block = frame.block;
  std::vector<TensorMapRequest> maps;
  auto ask = [&](TensorMapRequest map) {
    if (!llvm::is_contained(maps, map))
      maps.push_back(std::move(map));
  };
  // Those of outputs also where they are not used: a map promises that rows begin at multiples of
  // 16 bytes, which is what threads write at once.
  program.walk([&](tile::StoreOp store) {
    unsigned number = cast<BlockArgument>(store.getView()).getArgNumber();
    if (isPacked(store.getValue().getType()))
      ask({block.arguments[number].name, chunkRowBytes / 2, groupRows});
  });
  program.walk([&](sm::FillOp fill) {
    sm::RingType ring = fill.getRing().getType();
    int64_t elementBytes = ring.getElement().getIntOrFloatBitWidth() / 8;
    unsigned number = cast<BlockArgument>(fill.getView()).getArgNumber();
    ask({block.arguments[number].name, chunkRowBytes / elementBytes, ring.getRows()});
  });
  return maps;
}

static LLVM::LLVMFuncOp createEntry(OpBuilder &builder, func::FuncOp program,
                                    const KernelFrame &frame) {
  MLIRContext *context = builder.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context);
  SmallVector<Type> parameters(1 + frame.maps.size(), pointer);
  if (frame.tickets)
    parameters.push_back(LLVM::LLVMPointerType::get(context, 1));
  auto entry = LLVM::LLVMFuncOp::create(
      builder, program.getLoc(), program.getName(),
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), parameters));
  auto byValue = [&](unsigned number, int64_t bytes, int64_t alignment) {
    Type type = LLVM::LLVMArrayType::get(builder.getI8Type(), bytes);
    entry.setArgAttr(number, LLVM::LLVMDialect::getByValAttrName(), TypeAttr::get(type));
    entry.setArgAttr(number, LLVM::LLVMDialect::getAlignAttrName(),
                     builder.getI64IntegerAttr(alignment));
    entry.setArgAttr(number, NVVM::NVVMDialect::getGridConstantAttrName(), builder.getUnitAttr());
  };
  byValue(0, std::max<int64_t>(frame.block.bytes, 8), 8);
  for (unsigned i = 0; i < frame.maps.size(); ++i)
    byValue(1 + i, mapBytes, mapAlignment);

  int64_t threads = groupThreads * (frame.groups + 1);
  entry->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), builder.getUnitAttr());
  // Without a bound at entry, setmaxnreg is ignored.
  entry->setAttr(NVVM::NVVMDialect::getMaxntidAttrName(),
                 builder.getDenseI32ArrayAttr({static_cast<int32_t>(threads)}));
  entry->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), builder.getI32IntegerAttr(1));
  entry->setAttr(threadsName, builder.getI64IntegerAttr(threads));
  SmallVector<Attribute> requests;
  for (const TensorMapRequest &map : frame.maps)
    requests.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("view", builder.getStringAttr(map.view)),
         builder.getNamedAttr("columns", builder.getI64IntegerAttr(map.boxColumns)),
         builder.getNamedAttr("rows", builder.getI64IntegerAttr(map.boxRows))}));
  entry->setAttr(mapsName, builder.getArrayAttr(requests));
  if (frame.tickets)
    entry->setAttr(ticketsName, builder.getUnitAttr());
  return entry;
}

/// Whether a group votes in front of a store, and copies nothing in between.
static bool standsBehindVote(tile::StoreOp store) {
  for (Operation *op = store->getPrevNode(); op; op = op->getPrevNode()) {
    auto before = dyn_cast<tile::StoreOp>(op);
    if (isa<sm::GroupAnyOp>(op))
      return true;
    if (op->getNumRegions() || (before && canCopyOut(before)))
      return false;
  }
  return false;
}

/// Strips, barriers and numbers, from `bytes` on. Returns where they end.
static int64_t placeSmallThings(func::FuncOp program, KernelFrame &frame, int64_t bytes) {
  for (auto ring : program.getOps<sm::MakeRingOp>()) {
    int64_t stages = ring.getType().getStages();
    RingPlace &place = frame.rings[ring.getResult()];
    place.strips = bytes;
    place.full = place.strips + stages * place.stripBytes;
    place.empty = place.full + stages * barrierBytes;
    bytes = place.empty + stages * barrierBytes;
  }
  program.walk([&](sm::TellOp tell) {
    ChannelPlace &place = frame.channels[tell.getChannel()];
    place.full = bytes;
    place.empty = place.full + barrierBytes;
    place.numbers = place.empty + barrierBytes;
    bytes += 2 * barrierBytes + llvm::alignTo(tell.getValues().size() * 4, barrierBytes);
  });
  return bytes;
}

/// Buffers first, each at a multiple of its alignment, then what is small. Returns
/// the bytes in all.
static int64_t placeRings(func::FuncOp program, KernelFrame &frame) {
  int64_t bytes = 0;
  for (auto ring : program.getOps<sm::MakeRingOp>()) {
    sm::RingType type = ring.getType();
    int64_t rowBytes = type.getColumns() * type.getElement().getIntOrFloatBitWidth() / 8;
    RingPlace place;
    place.chunkBytes = type.getRows() * chunkRowBytes;
    place.slotBytes = llvm::divideCeil(rowBytes, chunkRowBytes) * place.chunkBytes;
    place.stripBytes = type.getStrip() ? stripBytes(type.getStrip()) : 0;
    place.buffers = bytes;
    bytes += type.getStages() * place.slotBytes;
    frame.rings[ring.getResult()] = place;
  }
  int64_t staged = 0;
  program.walk([&](tile::StoreOp store) {
    if (canCopyOut(store))
      staged =
          std::max<int64_t>(staged, frame.groups * stagedChunkBytes *
                                        llvm::divideCeil(store.getValue().getType().getDimSize(1),
                                                         chunkRowBytes / 2));
  });
  program.walk([&](tile::StoreOp store) {
    if (canCopyOut(store) && standsBehindVote(store))
      frame.stagingIsFree.insert(store);
  });
  if (staged && placeSmallThings(program, frame, bytes + staged) <= maxSharedBytes) {
    frame.staging = bytes;
    bytes += staged;
  }
  program.walk([&](sm::TakeTicketOp) { frame.tickets = true; });
  return placeSmallThings(program, frame, bytes);
}

static void initBarriers(ImplicitLocOpBuilder &at, func::FuncOp program, KernelFrame &frame) {
  Value isFirst =
      arith::CmpIOp::create(at, arith::CmpIPredicate::eq, frame.thread, constantI32(at, 0));
  auto branch = scf::IfOp::create(at, isFirst);
  {
    OpBuilder::InsertionGuard guard(at);
    at.setInsertionPointToStart(branch.thenBlock());
    // One arrival for each warp of the consumers.
    int64_t releases = frame.groups * groupThreads / warpThreads;
    for (auto &[number, place] : frame.channels) {
      ptx::initBarrier(at, frame.sharedAt(at, place.full), 1);
      ptx::initBarrier(at, frame.sharedAt(at, place.empty), releases + frame.gathers);
    }
    for (auto ring : program.getOps<sm::MakeRingOp>()) {
      const RingPlace &place = frame.rings[ring.getResult()];
      for (int64_t stage = 0; stage < ring.getType().getStages(); ++stage) {
        auto barrier = [&](int64_t first) {
          return frame.sharedAt(at, first + stage * barrierBytes);
        };
        // Whoever fills: the producer for the copy engine, and each lane that gathers.
        ptx::initBarrier(at, barrier(place.full), place.stripBytes ? 1 + warpThreads : 1);
        ptx::initBarrier(at, barrier(place.empty), releases);
      }
    }
    ptx::fenceBarrierInit(at);
    for (Value map : frame.mapPointers)
      ptx::prefetchMap(at, map);
  }
  ptx::syncBlock(at);
}

FailureOr<KernelFrame> KernelFrame::create(func::FuncOp program) {
  KernelFrame frame;
  frame.block = ArgumentBlock::of(program);
  sm::RolesOp roles = *program.getOps<sm::RolesOp>().begin();
  frame.groups = roles.getGroups();
  frame.gathers = !roles.getGatherer().empty();
  int64_t bytes = placeRings(program, frame);
  frame.maps = mapsOf(program, frame);
  if (bytes > maxSharedBytes) {
    program.emitError("the schedule needs ")
        << bytes << " bytes of shared memory, a block has " << maxSharedBytes;
    return failure();
  }

  OpBuilder builder(program);
  Location loc = program.getLoc();
  auto shared = LLVM::GlobalOp::create(
      builder, loc, LLVM::LLVMArrayType::get(builder.getI8Type(), 0), /*isConstant=*/false,
      LLVM::Linkage::External, "shared", Attribute(), bufferAlignment, /*addrSpace=*/3);
  if (frame.tickets)
    LLVM::GlobalOp::create(
        builder, loc, LLVM::LLVMArrayType::get(builder.getI64Type(), ticketCounterSlots),
        /*isConstant=*/false, LLVM::Linkage::External, ticketCountersName,
        builder.getZeroAttr(RankedTensorType::get({ticketCounterSlots}, builder.getI64Type())),
        ticketCounterBytes, /*addrSpace=*/1);
  frame.entry = createEntry(builder, program, frame);
  frame.entry->setAttr(sharedBytesName, builder.getI64IntegerAttr(bytes));

  Block *body = frame.entry.addEntryBlock(builder);
  ImplicitLocOpBuilder at = ImplicitLocOpBuilder::atBlockBegin(loc, body);
  frame.arguments = body->getArgument(0);
  for (unsigned i = 0; i < frame.maps.size(); ++i)
    frame.mapPointers.push_back(body->getArgument(1 + i));
  Type i32 = at.getI32Type();
  Value address = LLVM::AddressOfOp::create(at, shared);
  frame.shared = LLVM::PtrToIntOp::create(at, i32, address);
  frame.thread = NVVM::ThreadIdXOp::create(at, i32);
  frame.lane = arith::RemUIOp::create(at, frame.thread, constantI32(at, warpThreads));
  Value number = arith::DivUIOp::create(at, frame.thread, constantI32(at, warpThreads));
  frame.warp = arith::RemUIOp::create(at, number, constantI32(at, groupThreads / warpThreads));
  Value group = arith::DivUIOp::create(at, frame.thread, constantI32(at, groupThreads));
  frame.group = fromFirstLane(at, group);
  // Stack slots become registers only if they stand in the first block.
  SmallVector<Value *> counters;
  for (auto ring : program.getOps<sm::MakeRingOp>()) { // in their order, not that of a map
    RingPlace &place = frame.rings[ring.getResult()];
    counters.append({&place.filled, &place.taken});
  }
  for (auto &[number, place] : frame.channels)
    counters.append({&place.told, &place.heard});
  if (frame.tickets)
    frame.ticketCounters = body->getArgument(1 + frame.maps.size());
  for (Value *counter : counters) {
    *counter = LLVM::AllocaOp::create(at, LLVM::LLVMPointerType::get(at.getContext()), i32,
                                      constantI32(at, 1));
    LLVM::StoreOp::create(at, constantI32(at, 0), *counter);
  }
  initBarriers(at, program, frame);

  // Numbers are read where the program begins.
  for (BlockArgument argument : program.getArguments()) {
    if (argument.use_empty() || isa<tile::ViewType, tile::TableType>(argument.getType()))
      continue;
    bool isIndex = argument.getType().isIndex();
    Value value = frame.readField(at, frame.argumentOf(argument).offset,
                                  isIndex ? at.getI64Type() : argument.getType());
    if (isIndex)
      value = arith::IndexCastOp::create(at, at.getIndexType(), value);
    argument.replaceAllUsesWith(value);
  }

  Block &from = program.getBody().front();
  from.back().erase();
  body->getOperations().splice(body->end(), from.getOperations());
  at.setInsertionPointToEnd(body);
  LLVM::ReturnOp::create(at, ValueRange());
  return frame;
}

} // namespace tessera
