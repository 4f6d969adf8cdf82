//===- Passes.td - to one thread's instructions ------------*- tablegen -*-===//
//
// In the order in which a program meets them. passes/Pipelines.cpp tells why.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_NVPTX
#define TESSERA_PASSES_NVPTX

include "mlir/Pass/PassBase.td"

def SmToNvvmPass : Pass<"sm-to-nvvm", "::mlir::ModuleOp"> {
  let summary = "Lower one block's program to what each of its threads does.";
  let description = [{
    Tiles become vectors of the elements that a thread holds (`passes/nvptx/Fragment.h`), rings
    shared memory with barriers, fills copies by tensor maps, products warp group
    instructions. The function becomes an entry point whose parameters are the argument block and
    the tensor maps (`passes/nvptx/CudaProgram.h`), and carries what a launch needs to know
    (`sm.threads`, `sm.shared_bytes`, `sm.maps`). Leaves `arith`, `math`, `scf` and `vector` on
    vectors, and the llvm and nvvm dialects.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect", "::mlir::NVVM::NVVMDialect"
  ];
}

def FoldPositionsPass : Pass<"nvptx-fold-positions", "::mlir::ModuleOp"> {
  let summary = "Compare and convert positions as a constant plus a number of the row.";
  let description = [{
    On vectors with the layout of a fragment:

    ```mlir
    cmpi sle, columns + %first, repeat(%rows)   ->  cmpi sle, constant, repeat(%rows - %first)
    cmpi sle, c, repeat(%a) and cmpi slt, c, repeat(%b)
                                                ->  cmpi sle, c, repeat(min(%a, %b - 1))
    sitofp(|repeat(%rows) - columns|)           ->  |repeat(sitofp(%rows)) - constant|
    ```

    One comparison an element for a mask, however many bounds it has, and one
    addition for a distance; where rows of a thread differ by a constant, for two of them together.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

#endif // TESSERA_PASSES_NVPTX
