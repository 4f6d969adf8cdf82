//===- Machine.h - which machine computes ---------------------------------===//

#ifndef TESSERA_TOOLS_TESSERA_MACHINE_H
#define TESSERA_TOOLS_TESSERA_MACHINE_H

#include "runtime/cuda/Device.h"

namespace tessera {

/// This CPU, or a GPU.
struct Machine {
  Target target = Target::host;
  std::string name; ///< "sapphirerapids", "NVIDIA H100 80GB HBM3"
  cuda::Site site;  ///< of a GPU
};

/// The machine of a target by its name, as in the C interface: `host`, `sm90a`,
/// or `cuda` for what the GPU here is. Refuses one that is not here.
llvm::Expected<Machine> findMachine(const std::string &target);

} // namespace tessera

#endif // TESSERA_TOOLS_TESSERA_MACHINE_H
