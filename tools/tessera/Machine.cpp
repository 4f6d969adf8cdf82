//===- Machine.cpp - which machine computes -------------------------------===//

#include "tools/tessera/Machine.h"
#include "passes/host/EmitNative.h"

using namespace llvm;
using namespace tessera;

Expected<Machine> tessera::findMachine(const std::string &target) {
  if (target == str(Target::host))
    return Machine{Target::host, HostTarget::detect().cpu, {}};
  Expected<Target> wanted = target == "cuda" ? cuda::currentTarget() : Target::sm90a;
  if (!wanted)
    return wanted.takeError();
  Expected<cuda::Site> site = cuda::Site::current(*wanted);
  if (!site)
    return site.takeError();
  Expected<std::string> name = site->deviceName();
  if (!name)
    return name.takeError();
  return Machine{*wanted, *name, *site};
}
