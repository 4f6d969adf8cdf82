"""Tests of the compiler: run tessera-opt or tessera, check what it prints."""

import os
import shutil
import subprocess

import lit.formats

if not hasattr(config, "tessera_src_dir"):
    lit_config.fatal("run lit on the build's test folder, or build the target check-tessera")

config.name = "Tessera"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "kernels", "reference", "Inputs"]
config.test_source_root = os.path.join(config.tessera_src_dir, "test")
config.substitutions.append(("%{src}", config.tessera_src_dir))
config.substitutions.append(("%{obj}", config.tessera_obj_dir))
config.substitutions.append(("%{lib}", os.path.join(config.tessera_obj_dir, "lib")))
# What programs that use the library are compiled with.
config.substitutions.append(("%{cc}", config.cc))
config.substitutions.append(("%{cxx}", config.cxx))
sanitized = config.sanitize == "ON"
if sanitized: # LLVM's own code, which is not instrumented, uses memory that its headers poison
    config.environment["ASAN_OPTIONS"] = "allow_user_poisoning=0"
sanitizer = "-fsanitize=address,undefined" if sanitized else ""
config.substitutions.append(("%{sanitizer}", sanitizer))
config.test_exec_root = os.path.join(config.tessera_obj_dir, "test")

# tessera-opt and tessera; then FileCheck and not; then the Python that has NumPy.
path = [config.tessera_bin_dir, config.llvm_tools_dir, os.path.dirname(config.python)]
path.append(config.environment["PATH"])
if "CUDA_HOME" in os.environ:
    path.append(os.path.join(os.environ["CUDA_HOME"], "bin"))
config.environment["PATH"] = os.pathsep.join(path)

# Tests that assemble PTX say `REQUIRES: ptxas`.
if shutil.which("ptxas", path=config.environment["PATH"]):
    config.available_features.add("ptxas")

# Tests of the Python package say `REQUIRES: torch` and the like. Those of torch compare with what came with 2.1.
find = "import importlib.util as i, sys; sys.exit(any(not i.find_spec(m) for m in sys.argv[1:]))"
for modules in [["ml_dtypes"], ["mypy"], ["pip", "setuptools", "wheel"]]:
    if subprocess.run([config.python, "-c", find, *modules]).returncode == 0:
        config.available_features.add(modules[0])
find = "import importlib.metadata as m; assert [*map(int, m.version('torch').split('.')[:2])] >= [2, 1]"
if subprocess.run([config.python, "-c", find], stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("torch")

# A Python that loads the library: a sanitized one wants its runtime first.
python = f"env TESSERA_LIBRARY={config.tessera_obj_dir}/lib/libtessera.so"
python += f" PYTHONPATH={config.tessera_src_dir}/python PYTHONDONTWRITEBYTECODE=1"
if sanitized:
    command = [config.cxx, "-print-file-name=libasan.so"]
    runtime = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    python += f" LD_PRELOAD={runtime} ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0"
config.substitutions.append(("%{python}", f"{python} {config.python}"))
