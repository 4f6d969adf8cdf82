//===- Trace.cpp - recording a program ------------------------------------===//

#include "dsl/Trace.h"
#include "dsl/ir/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;

namespace tessera {

static thread_local Trace *currentTrace = nullptr;

Trace &Trace::current() {
  if (!currentTrace)
    llvm::report_fatal_error("a tile value was used outside of a program");
  return *currentTrace;
}

/// A context that knows what a program is written in, and starts no threads.
/// Passes load the dialects they lower to: a kernel that is fetched from the
/// cache never needs them.
static std::unique_ptr<MLIRContext> makeContext() {
  auto context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
  context->loadDialect<tile::TileDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect,
                       scf::SCFDialect, tensor::TensorDialect>();
  return context;
}

Trace::Trace(StringRef name)
    : context(makeContext()), module(ModuleOp::create(UnknownLoc::get(context.get()))),
      builder(context.get()), lastLocation(UnknownLoc::get(context.get())),
      outer(std::exchange(currentTrace, this)) {
  builder.setInsertionPointToEnd(module->getBody());
  function = func::FuncOp::create(builder, lastLocation, name, builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
#define TESSERA_KEY_FLAG(name, spelling, help)                                                     \
  flags.name = wrap<Flag>(tile::KeyFlagOp::create(builder, lastLocation, spelling));
#include "dsl/Key.def"
}

Trace::~Trace() {
  if (currentTrace == this)
    currentTrace = outer;
}

OpBuilder &Trace::at(std::source_location where) {
  lastLocation =
      FileLineColLoc::get(context.get(), where.file_name(), where.line(), where.column());
  return builder;
}

mlir::Value Trace::addArgument(StringRef name, Type type, std::source_location where,
                               StringRef sequences) {
  if (failed())
    return {};
  if (name.empty() || !llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return fail(where, fmt::format("an argument's name has letters, digits and underscores, "
                                   "found \"{}\"",
                                   name.str()));
  unsigned number = function.getNumArguments();
  for (unsigned i = 0; i < number; ++i) {
    if (function.getArgAttrOfType<StringAttr>(i, argumentName) != name)
      continue;
    Type known = function.getArgument(i).getType();
    auto rows = function.getArgAttrOfType<StringAttr>(i, sequencesName);
    StringRef knownRows = rows ? rows.getValue() : StringRef();
    if (known == type && knownRows != sequences)
      return fail(where, fmt::format("the rows of \"{}\" are those of \"{}\" already, not of "
                                     "\"{}\"",
                                     name.str(), knownRows.str(), sequences.str()));
    if (known == type)
      return function.getArgument(i);
    return fail(where, fmt::format("the argument \"{}\" is {} already, not {}", name.str(),
                                   describe(known), describe(type)));
  }
  SmallVector<NamedAttribute> attributes{
      builder.getNamedAttr(argumentName, builder.getStringAttr(name))};
  if (!sequences.empty())
    attributes.push_back(builder.getNamedAttr(sequencesName, builder.getStringAttr(sequences)));
  at(where);
  LogicalResult inserted =
      function.insertArgument(number, type, builder.getDictionaryAttr(attributes), lastLocation);
  assert(succeeded(inserted) && "an argument can always be appended");
  (void)inserted;
  return function.getArgument(number);
}

Type Trace::elementType(DType type) {
  switch (type) {
  case DType::f32:
    return builder.getF32Type();
  case DType::f16:
    return builder.getF16Type();
  case DType::bf16:
    return builder.getBF16Type();
  case DType::e4m3:
    return Float8E4M3FNType::get(builder.getContext());
  case DType::e5m2:
    return Float8E5M2Type::get(builder.getContext());
  }
  llvm_unreachable("unknown dtype");
}

mlir::Value Trace::fail(std::source_location where, const std::string &message) {
  at(where);
  return fail(location(), message);
}

mlir::Value Trace::fail(Location where, const std::string &message) {
  if (mistake)
    return {};
  auto place = where->findInstanceOf<FileLineColLoc>();
  if (!place)
    place = cast<FileLineColLoc>(lastLocation);
  mistake = fmt::format("{}:{}:{}: error: {}", place.getFilename().str(), place.getLine(),
                        place.getColumn(), message);
  return {};
}

static llvm::Error programError(const std::string &message) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), message);
}

llvm::Expected<TracedProgram> Trace::finish() {
  if (mistake)
    return programError(*mistake);
  func::ReturnOp::create(builder, lastLocation);
  // Features the program never asks for leave nothing behind.
  for (Operation &op : llvm::make_early_inc_range(function.getBody().front().getOperations()))
    if (isOpTriviallyDead(&op))
      op.erase();

  // What the operators let through is still said at the caller's line.
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    fail(diagnostic.getLocation(), diagnostic.str());
  });
  if (mlir::failed(verify(*module)))
    return programError(mistake.value_or("the program is malformed"));
  return TracedProgram{std::move(context), std::move(module)};
}

llvm::Expected<TracedProgram> finish(Program program) { return program.trace().finish(); }

} // namespace tessera
