//===- Assembler.h - from PTX to machine code -----------------------------===//

#ifndef TESSERA_RUNTIME_CUDA_ASSEMBLER_H
#define TESSERA_RUNTIME_CUDA_ASSEMBLER_H

#include "runtime/Config.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tessera::cuda {

/// What became of PTX.
struct Assembled {
  std::string image;   ///< a cubin; without a program the PTX itself, ending in a NUL
  std::string log;     ///< what the program said; empty without one
  int registers = -1;  ///< of a thread, the most of any kernel; -1: not known
  int spillBytes = -1; ///< of a thread, stored and loaded; -1: not known
};

/// The ptxas program, or the driver's own compiler where there is none.
class Assembler {
public:
  /// The program that `config` names, else the first one there is in its CUDA
  /// folders, in $PATH, where CUDA is installed and among the Python packages.
  /// Fails if the named one does not work.
  static llvm::Expected<Assembler> find(const Config &config);

  /// `chip`: "sm_90a". What ptxas complains about is the error. A performance
  /// defect (C75xx: instructions that are serialised or ignored) is a warning.
  llvm::Expected<Assembled> assemble(llvm::StringRef ptx, llvm::StringRef chip) const;

  /// "ptxas 13.0.88", "driver 13.0", or "no assembler": part of what names a
  /// kernel, since each makes other code.
  const std::string &identity() const { return identityText; }
  /// Empty: the driver compiles.
  const std::string &program() const { return path; }

private:
  Assembler(std::string path, std::string identity)
      : path(std::move(path)), identityText(std::move(identity)) {}

  std::string path, identityText;
};

/// The assembler that the environment of the process names, found once.
llvm::Expected<const Assembler &> processAssembler();

/// `Assembler::assemble` of it.
llvm::Expected<Assembled> assemble(llvm::StringRef ptx, llvm::StringRef chip);

/// `Assembler::identity` of it; "no assembler" where it cannot be used.
std::string assemblerIdentity();

/// What `ptxas -v` said in numbers, and its performance defects, each a line.
struct AssemblerReport {
  int registers = -1, spillBytes = -1;
  std::vector<std::string> defects;
};
AssemblerReport readAssemblerLog(llvm::StringRef log);

} // namespace tessera::cuda

#endif // TESSERA_RUNTIME_CUDA_ASSEMBLER_H
