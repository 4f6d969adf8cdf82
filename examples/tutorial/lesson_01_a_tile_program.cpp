//===- Lesson 1: a tile program -------------------------------------------===//
//
// A kernel in Tessera is a C++ function that computes on tiles: small matrices
// of fixed size. Running the function does not compute numbers. It records what
// is to be computed, as a module of MLIR. This lesson writes the softmax of the
// rows of a matrix and prints what was recorded.
//
//   ninja -C build lesson_01_a_tile_program &&
//   build/bin/lesson_01_a_tile_program
//
//===----------------------------------------------------------------------===//

// The language: Program, View, Tile and the operators on them.
#include "dsl/Program.h"
// `finish`, which ends a program and hands out its module. Programs themselves
// never need this header; whoever compiles them does.
#include "dsl/Trace.h"

#include "llvm/Support/raw_ostream.h"

using namespace tessera;

// Sizes of tiles are C++ constants (or arguments of the function): the types of
// tiles are static. Here a tile has 16 rows, and rows are 64 elements wide.
static constexpr int64_t rows = 16, width = 64;

static Program rowSoftmax() {
  Program p("row_softmax");

  // A view is memory that a call of the kernel binds, by name. It consists of
  // sequences of rows, one for each batch and head. The element type and the
  // width are part of the program; how many rows, heads and batches there are,
  // and with which strides, is up to the call.
  View x = p.view("x", DType::f32, width);
  View y = p.view("y", DType::f32, width);

  // A scalar argument: one f32, the same for the whole call.
  Scalar temperature = p.scalar("temperature");

  // The kernel runs once for each point of a grid. Points are independent of
  // each other: they run at the same time and in any order.
  auto [i, head, batch] = p.grid(x.tiles(rows), x.heads(), x.batches());

  // Tile i of one sequence: its rows 16 i to 16 i + 15. If the sequence ends
  // before that, memory behind it is not touched; what the missing rows hold is
  // unspecified, and they will not be stored either.
  Tile scores = x(batch, head).load(i, rows) / temperature;

  // Operands with one row or column are repeated to the shape of the other:
  // rowMax gives 16 x 1, the difference is 16 x 64 again. Exponentials are to
  // the base of two, which is what machines have.
  constexpr float log2e = 1.44269504f;
  Tile e = exp2((scores - rowMax(scores)) * log2e);

  y(batch, head).store(i, e / rowSum(e));
  return p;
}

int main() {
  // What came out is a module with one function. The stage is called `generic`.
  llvm::Expected<TracedProgram> program = finish(rowSoftmax());
  if (!program) {
    llvm::errs() << toString(program.takeError()) << "\n";
    return 1;
  }

  // Arithmetic on tiles are ops of the dialects `arith` and `math` on tensors.
  // What these cannot say (views, reductions of rows, the grid) are ops of the
  // dialect `tile`; docs/tile-dialect.md describes each.
  program->module->print(llvm::outs());
  return 0;
}
