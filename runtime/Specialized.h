//===- Specialized.h - a program at stage `specialized` -------------------===//

#ifndef TESSERA_RUNTIME_SPECIALIZED_H
#define TESSERA_RUNTIME_SPECIALIZED_H

#include "dsl/Trace.h"
#include "runtime/Compiler.h"

namespace tessera {

struct Compiler::Specialized {
  TracedProgram program;

  mlir::func::FuncOp function() { return *program.module->getOps<mlir::func::FuncOp>().begin(); }
};

} // namespace tessera

#endif // TESSERA_RUNTIME_SPECIALIZED_H
