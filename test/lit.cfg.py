"""Tests of the compiler: run tessera-opt or tessera, check what it prints."""

import os
import shutil

import lit.formats

if not hasattr(config, "tessera_src_dir"):
    lit_config.fatal("run lit on the build's test folder, or build the target check-tessera")

config.name = "Tessera"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "kernels", "reference", "Inputs"]
config.test_source_root = os.path.join(config.tessera_src_dir, "test")
config.substitutions.append(("%{src}", config.tessera_src_dir))
config.test_exec_root = os.path.join(config.tessera_obj_dir, "test")

# tessera-opt and tessera; then FileCheck and not.
path = [config.tessera_bin_dir, config.llvm_tools_dir, config.environment["PATH"]]
if "CUDA_HOME" in os.environ:
    path.append(os.path.join(os.environ["CUDA_HOME"], "bin"))
config.environment["PATH"] = os.pathsep.join(path)

# Tests that assemble PTX say `REQUIRES: ptxas`.
if shutil.which("ptxas", path=config.environment["PATH"]):
    config.available_features.add("ptxas")
