//===- MaskPredicate.h - a mask as alternatives of inequalities -----------===//

#ifndef TESSERA_PASSES_SPECIALIZE_MASKPREDICATE_H
#define TESSERA_PASSES_SPECIALIZE_MASKPREDICATE_H

#include "passes/specialize/LinearForm.h"

namespace tessera {

/// All of `forms` are at least zero.
struct Conjunction {
  llvm::SmallVector<LinearForm, 4> forms;
};

/// One of the alternatives holds: the disjunctive normal form of a mask or of
/// its complement. Parts that are no linear inequality are left out of their
/// conjunction, so the set described can only be too large.
struct Alternatives {
  llvm::SmallVector<Conjunction, 4> conjunctions;
  /// True if a part was left out.
  bool undecided = false;
};

/// Reads a mask (or, with `complement`, what it hides).
Alternatives readPredicate(mlir::Value mask, bool complement, PositionSpace &space);

} // namespace tessera

#endif // TESSERA_PASSES_SPECIALIZE_MASKPREDICATE_H
