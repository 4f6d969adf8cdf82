"""The package, installed by pip from a copy of its source, works from there.

test_install.py path/to/source work-folder
"""

import os
import shutil
import subprocess
import sys

source, work = sys.argv[1:]
copy, target = os.path.join(work, "source"), os.path.join(work, "target")
shutil.copytree(
    source, copy, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "lib")
)
library = os.environ.get("TESSERA_LIBRARY") or os.path.join(source, "../build/lib/libtessera.so")
environment = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
environment["PYTHONPATH"] = target
environment["TESSERA_LIBRARY"] = os.path.abspath(library)

subprocess.run(
    [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index",
     "--disable-pip-version-check", "--quiet", "--target", target, copy],
    check=True, env=environment, cwd=work,
)  # fmt: skip

CHECK = """
import importlib.metadata, os, sys
import tessera
from tessera.flash_attn import flash_attn_func
folder = os.path.dirname(tessera.__file__)
assert os.path.samefile(os.path.dirname(folder), sys.argv[1]), folder
assert os.path.exists(os.path.join(folder, "py.typed"))
assert importlib.metadata.version("tessera") == tessera.version.split("-")[0]
import numpy as np
x = np.ones((1, 2, 1, 8), np.float32)
np.testing.assert_allclose(tessera.attention(x, x, x), x, 1e-6)
print("installed", tessera.version)
"""
subprocess.run([sys.executable, "-c", CHECK, target], check=True, env=environment, cwd=work)

# With the library inside, nothing points to it.
shutil.copytree(copy, copy + "2", ignore=shutil.ignore_patterns("build", "*.egg-info"))
os.makedirs(os.path.join(copy + "2", "tessera", "lib"))
shutil.copy(library, os.path.join(copy + "2", "tessera", "lib"))
del environment["TESSERA_LIBRARY"]
subprocess.run(
    [sys.executable, "-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index",
     "--disable-pip-version-check", "--quiet", "--target", target + "2", copy + "2"],
    check=True, env=environment, cwd=work,
)  # fmt: skip
environment["PYTHONPATH"] = target + "2"
subprocess.run([sys.executable, "-c", CHECK, target + "2"], check=True, env=environment, cwd=work)
