//===- Trace.h - the module a program is recorded in ----------------------===//
//
// What is behind the handles of dsl/Values.h. For compilers; programs never
// include it.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_DSL_TRACE_H
#define TESSERA_DSL_TRACE_H

#include "dsl/Key.h"
#include "dsl/Program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <source_location>

namespace tessera {

/// A finished program: a module with one function, and the context it lives in.
struct TracedProgram {
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Ends a program. Returns its module (stage `generic`), or the first mistake
/// made in it as `file:line:column: error: message`.
llvm::Expected<TracedProgram> finish(Program program);

/// The operations recorded so far, and the first mistake.
class Trace {
public:
  explicit Trace(llvm::StringRef name);
  ~Trace();

  /// The program this thread is tracing. There must be one.
  static Trace &current();

  mlir::OpBuilder &at(std::source_location where);
  mlir::Location location() const { return lastLocation; }
  /// An argument with a name; the one there is, if it has that name and type.
  mlir::Value addArgument(llvm::StringRef name, mlir::Type type, std::source_location where,
                          llvm::StringRef sequences = "");
  mlir::Type elementType(DType type);

  /// Keeps the first mistake. Always returns a null value.
  mlir::Value fail(std::source_location where, const std::string &message);
  mlir::Value fail(mlir::Location where, const std::string &message);
  bool failed() const { return mistake.has_value(); }

  llvm::Expected<TracedProgram> finish();

  KeyFlags flags;

private:
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  mlir::Location lastLocation;
  std::optional<std::string> mistake;
  Trace *outer; // the program this one interrupts in its thread
};

/// "96 x 64 of bf16", for messages.
std::string describe(mlir::Type tile);

/// The IR behind a handle, and back.
inline mlir::Value unwrap(Value value) { return mlir::Value::getFromOpaquePointer(value.opaque()); }
template <class Handle>
Handle wrap(mlir::Value value) {
  return Handle(value.getAsOpaquePointer());
}

} // namespace tessera

#endif // TESSERA_DSL_TRACE_H
