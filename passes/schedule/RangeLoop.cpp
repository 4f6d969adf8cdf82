//===- RangeLoop.cpp - loops over lists of ranges -------------------------===//

#include "passes/schedule/RangeLoop.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace tessera {

tile::NthOp nthOf(scf::ForOp loop) {
  Value counter = loop.getInductionVar();
  auto count = loop.getUpperBound().getDefiningOp<tile::CountOp>();
  auto nth = counter.hasOneUse() ? dyn_cast<tile::NthOp>(*counter.user_begin()) : tile::NthOp();
  bool isList = nth && count && nth.getN() == counter &&
                matchPattern(loop.getLowerBound(), m_Zero()) &&
                matchPattern(loop.getStep(), m_One()) && count.getStarts() == nth.getStarts() &&
                count.getEnds() == nth.getEnds();
  return isList ? nth : tile::NthOp();
}

scf::ForOp nextOf(scf::ForOp loop) {
  if (loop->use_empty())
    return {};
  auto next = dyn_cast<scf::ForOp>(*loop->user_begin());
  bool continues = next && next->getBlock() == loop->getBlock() &&
                   llvm::equal(next.getInitArgs(), loop->getResults()) &&
                   llvm::all_of(loop->getUsers(), [&](Operation *user) { return user == next; });
  return continues ? next : scf::ForOp();
}

bool continuesLoop(scf::ForOp loop) {
  return !loop.getInitArgs().empty() &&
         isa_and_present<scf::ForOp>(loop.getInitArgs().front().getDefiningOp());
}

SmallVector<scf::ForOp> chainFrom(scf::ForOp first) {
  SmallVector<scf::ForOp> chain;
  for (scf::ForOp loop = first; loop; loop = nextOf(loop))
    chain.push_back(loop);
  return chain;
}

} // namespace tessera
