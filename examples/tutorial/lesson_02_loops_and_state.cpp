//===- Lesson 2: a loop over key tiles ------------------------------------===//
//
// Attention visits keys tile by tile and carries sums from one tile to the
// next. This lesson writes the part of it that is only matrix products,
//
//     o = (q k^T) v,
//
// with a loop whose state is a plain struct. It then makes a mistake on
// purpose, to see where it is reported.
//
//===----------------------------------------------------------------------===//

#include "dsl/Program.h"
#include "dsl/Trace.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/raw_ostream.h"

using namespace tessera;

static constexpr int64_t blockM = 32, blockN = 16, headDim = 64;

// What the loop carries. Any plain struct of one to six tiles will do: the body
// reads its members by name.
struct Sums {
  Tile mass;  // of each row: the sum of its scores, 32 x 1
  Tile value; // of each row: the values weighted by scores, 32 x 64
};

static Program linearAttention() {
  Program p("linear_attention");
  View q = p.view("q", DType::f32, headDim), k = p.view("k", DType::bf16, headDim);
  View v = p.view("v", DType::bf16, headDim), o = p.view("o", DType::f32, headDim);
  auto [i, head, batch] = p.grid(q.tiles(blockM), q.heads(), q.batches());

  // Several query heads may share one head of keys and values. That is index
  // arithmetic, nothing more.
  Index kvHead = head / (q.heads() / k.heads());
  Sequence keys = k(batch, kvHead), values = v(batch, kvHead);

  // Matrix products take any mix of element types and sum in f32. The elements
  // of q are rounded to those of k here, as a kernel for tensor cores would.
  Tile qi = cast(q(batch, head).load(i, blockM), DType::bf16);

  // `loop` calls the lambda once, to record its body; `j` stands for the number
  // of the iteration. The state goes in and comes out by value.
  Sums start{zeros(blockM, 1), zeros(blockM, headDim)};
  auto [mass, value] = loop(keys.tiles(blockN), start, [&](Index j, Sums sums) {
    // Keys past the end would add products with whatever memory holds. With
    // `Padding::zero` the missing rows are zeros, which add nothing.
    Tile s = dot(qi, transpose(keys.load(j, blockN, Padding::zero)));
    Tile vj = values.load(j, blockN, Padding::zero);
    return Sums{sums.mass + rowSum(s),
                // The third operand is what the product is added to.
                dot(s, cast(vj, DType::f32), sums.value)};
  });
  o(batch, head).store(i, value / mass);
  return p;
}

// The same with a slip: the second state of `mass` is as wide as a tile of
// scores, while the loop started with a column.
static Program mistaken() {
  Program p("mistaken");
  View q = p.view("q", DType::f32, headDim), k = p.view("k", DType::f32, headDim);
  auto [i, head, batch] = p.grid(q.tiles(blockM), q.heads(), q.batches());
  Sequence keys = k(batch, head);
  Tile qi = q(batch, head).load(i, blockM);
  Sums start{zeros(blockM, 1), zeros(blockM, headDim)};
  loop(keys.tiles(blockN), start, [&](Index j, Sums sums) {
    Tile s = dot(qi, transpose(keys.load(j, blockN)));
    return Sums{sums.mass + s, sums.value}; // rowSum is missing
  });
  return p;
}

int main() {
  llvm::Expected<TracedProgram> program = finish(linearAttention());
  if (!program) {
    llvm::errs() << toString(program.takeError()) << "\n";
    return 1;
  }
  // A loop of the language is one `scf.for` whose state are tensors.
  program->module->walk([](mlir::scf::ForOp loop) {
    loop.print(llvm::outs(), mlir::OpPrintingFlags().useLocalScope());
    llvm::outs() << "\n";
  });

  // Mistakes do not end the C++ program. The first one is kept, everything that
  // depends on it is swallowed, and `finish` returns it with the line of the
  // kernel at which it was made.
  llvm::Expected<TracedProgram> refused = finish(mistaken());
  llvm::outs() << (refused ? "no mistake found" : toString(refused.takeError())) << "\n";
  return 0;
}
