"""How the library is found, and what is said where it is not; life without numpy."""

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

import tessera

PACKAGE = os.path.dirname(tessera.__file__)
LIBRARY = os.path.realpath(tessera._library.lib._name)
HERE = os.path.dirname(os.path.abspath(__file__))


def run(code, path, **environment):
    """Runs Python code; gives its status, output and errors."""
    env = {n: v for n, v in os.environ.items() if n not in ("TESSERA_LIBRARY", "LD_LIBRARY_PATH")}
    env.update(environment, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=env, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


class FindTest(unittest.TestCase):
    """A copy of the package in a folder of its own, at the depth it has in the tree."""

    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.path = os.path.join(self.root, "python")
        self.package = os.path.join(self.path, "tessera")
        shutil.copytree(PACKAGE, self.package, ignore=shutil.ignore_patterns("__pycache__", "lib"))

    def find(self, **environment):
        status, out, err = run(
            "import tessera; print(tessera._library.lib._name)", self.path, **environment
        )
        self.assertEqual(status, 0, err)
        return out.strip()

    def link(self, *parts):
        where = os.path.join(self.root, *parts, "libtessera.so")
        os.makedirs(os.path.dirname(where), exist_ok=True)
        os.symlink(LIBRARY, where)
        return where

    def test_order(self):
        self.assertEqual(self.find(TESSERA_LIBRARY=LIBRARY), LIBRARY)
        system = self.link("system")
        self.assertEqual(self.find(LD_LIBRARY_PATH=os.path.dirname(system)), "libtessera.so")
        build = self.link("build", "lib")
        self.assertEqual(self.find(), os.path.realpath(self.root) + build[len(self.root) :])
        inside = self.link("python", "tessera", "lib")
        self.assertEqual(self.find(), os.path.realpath(self.root) + inside[len(self.root) :])
        self.assertEqual(self.find(TESSERA_LIBRARY=LIBRARY), LIBRARY)

    def test_nowhere(self):
        status, _, err = run("import tessera", self.path)
        self.assertEqual(status, 1)
        self.assertIn("ImportError: libtessera.so was not found. Looked at", err)
        for place in ("TESSERA_LIBRARY: not set", "python/tessera/lib/libtessera.so: no such file",
                      "build/lib/libtessera.so: no such file", "the system's loader: "):  # fmt: skip
            self.assertIn(place, err)

    def test_the_one_that_is_named_or_none(self):
        self.link("build", "lib")
        status, _, err = run("import tessera", self.path, TESSERA_LIBRARY="/nowhere/libtessera.so")
        self.assertEqual(status, 1)
        self.assertIn(
            "ImportError: TESSERA_LIBRARY names no usable library: /nowhere/libtessera.so", err
        )

    def test_another_library(self):
        import ctypes.util

        libc = ctypes.util.find_library("c")
        status, _, err = run("import tessera", self.path, TESSERA_LIBRARY=libc)
        self.assertEqual(status, 1)
        self.assertIn("ImportError: not the library this package was made for", err)


class WithoutNumpyTest(unittest.TestCase):
    def test_import_and_call(self):
        """numpy cannot be imported; memory comes from ctypes."""
        status, out, err = run(
            """
            import ctypes, sys
            sys.modules["numpy"] = None
            import tessera
            from producer import Producer

            class Array:  # what Producer asks of an array
                ndim, itemsize, shape, strides = 4, 4, (1, 2, 1, 8), (64, 32, 32, 4)
                def __init__(self, value):
                    self.memory = (ctypes.c_float * 16)(*[value] * 16)
                    self.ctypes = type("", (), {"data": ctypes.addressof(self.memory)})

            x, out = Array(1.5), Array(0)
            p, o = Producer(x, "float32"), Producer(out, "float32")
            assert tessera.attention(p, p, p, out=o) is o
            assert list(out.memory) == [1.5] * 16, list(out.memory)
            try:
                tessera.attention(p, p, p)
            except tessera.errors.MissingTensorError as error:
                print(error)
            """,
            os.pathsep.join([os.path.dirname(PACKAGE), HERE]),
            TESSERA_LIBRARY=LIBRARY,
        )
        self.assertEqual(status, 0, err)
        expected = (
            "out is not given, and numpy is not installed, expected an array of float32 to write to"
        )
        self.assertEqual(out.strip(), expected)


if __name__ == "__main__":
    unittest.main()
