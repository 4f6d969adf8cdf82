//===- Ptx.h - instructions that no dialect has in the form we need -------===//
//
// Thin wrappers of inline PTX. Section names are those of the PTX ISA. Shared
// addresses are 32-bit.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES_NVPTX_PTX_H
#define TESSERA_PASSES_NVPTX_PTX_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tessera::ptx {

/// Any instruction; returns its results, all of type `result`. `effects`: it
/// does more than compute its results.
llvm::SmallVector<mlir::Value> emit(mlir::ImplicitLocOpBuilder &at, llvm::StringRef text,
                                    llvm::StringRef constraints, mlir::ValueRange operands,
                                    mlir::Type result = {}, int64_t results = 0,
                                    bool effects = true);

// "Parallel Synchronization and Communication Instructions: mbarrier"
void initBarrier(mlir::ImplicitLocOpBuilder &at, mlir::Value barrier, int64_t arrivals);
void fenceBarrierInit(mlir::ImplicitLocOpBuilder &at);
/// Spins until the phase of this parity is complete.
void waitBarrier(mlir::ImplicitLocOpBuilder &at, mlir::Value barrier, mlir::Value parity);
void arrive(mlir::ImplicitLocOpBuilder &at, mlir::Value barrier);
/// The same where `condition` holds, without a branch.
void arriveIf(mlir::ImplicitLocOpBuilder &at, mlir::Value barrier, mlir::Value condition);
void arriveExpectingBytes(mlir::ImplicitLocOpBuilder &at, mlir::Value barrier, mlir::Value bytes);

// "st.shared"
/// Writes 32 bits where `condition` holds, without a branch.
void writeSharedIf(mlir::ImplicitLocOpBuilder &at, mlir::Value shared, mlir::Value value,
                   mlir::Value condition);

// "cp.async.bulk.tensor"
void prefetchMap(mlir::ImplicitLocOpBuilder &at, mlir::Value map);
void copyBox(mlir::ImplicitLocOpBuilder &at, mlir::Value shared, mlir::Value map,
             mlir::ValueRange coordinates, mlir::Value barrier);

void storeBox(mlir::ImplicitLocOpBuilder &at, mlir::Value map, mlir::ValueRange coordinates,
              mlir::Value shared);
void commitStores(mlir::ImplicitLocOpBuilder &at);
/// Until the stores that were committed have read shared memory, or are done altogether.
void waitForStores(mlir::ImplicitLocOpBuilder &at, bool onlyReads);

// "stmatrix": four 8 x 8 matrices of 16-bit elements, a row of 16 bytes for each lane
void storeMatrices(mlir::ImplicitLocOpBuilder &at, mlir::Value shared, mlir::ValueRange pairs);

// "ld.global.nc"
/// 32 bits that nothing writes while the kernel runs, or zero where `condition` does not hold,
/// without a branch.
mlir::Value readIf(mlir::ImplicitLocOpBuilder &at, mlir::Value address, mlir::Value condition,
                   mlir::Type type);

// "barrier", "fence"
/// The lanes of a warp meet, before instructions that need all of them.
void syncWarp(mlir::ImplicitLocOpBuilder &at);
void syncBlock(mlir::ImplicitLocOpBuilder &at);
/// `threads` threads meet at barrier `id`.
void syncThreads(mlir::ImplicitLocOpBuilder &at, mlir::Value id, int64_t threads);
/// The same, and whether `condition` holds in one of them.
mlir::Value anyThread(mlir::ImplicitLocOpBuilder &at, mlir::Value id, int64_t threads,
                      mlir::Value condition);
/// Orders all memory between the copy engine and threads.
void fenceCopies(mlir::ImplicitLocOpBuilder &at);
void fenceSharedForCopies(mlir::ImplicitLocOpBuilder &at);

// "mov", "fma", "ld.global.nc"
/// The same number, though LLVM does not know.
mlir::Value copy(mlir::ImplicitLocOpBuilder &at, mlir::Value i32);
/// On both elements of a register.
mlir::Value multiplyAddPairs(mlir::ImplicitLocOpBuilder &at, mlir::Type element, mlir::Value a,
                             mlir::Value b, mlir::Value c);
/// Words of memory that does not change, `stride` bytes apart; where `condition` does not hold they
/// are zero, and memory is not touched.
llvm::SmallVector<mlir::Value> loadWordsIf(mlir::ImplicitLocOpBuilder &at, mlir::Value address,
                                           mlir::Value condition, int64_t count, int64_t stride);

/// Two words of it, at a multiple of their size.
llvm::SmallVector<mlir::Value> loadNeighboursIf(mlir::ImplicitLocOpBuilder &at, mlir::Value address,
                                                mlir::Value condition);
/// Writes words `stride` bytes apart where `condition` holds.
void storeWordsIf(mlir::ImplicitLocOpBuilder &at, mlir::Value address, mlir::Value condition,
                  mlir::ValueRange words, int64_t stride);

// "setmaxnreg"
void setRegisters(mlir::ImplicitLocOpBuilder &at, int64_t count, bool more);

} // namespace tessera::ptx

#endif // TESSERA_PASSES_NVPTX_PTX_H
