"""The package's structs and numbers are those of tessera.h.

test_abi.py path/to/tessera.h
"""

import ctypes
import os
import re
import sys
import unittest

import tessera
from tessera import _abi, _memory

HEADER = sys.argv.pop() if sys.argv[-1].endswith(".h") else os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../../runtime/include/tessera.h"
)  # fmt: skip
with open(HEADER) as file:
    TEXT = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)

TYPES = {
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "float": ctypes.c_float,
    "const char *": ctypes.c_char_p,
}


def fields(struct):
    """[(name, type)] of a struct; pointers but those to text are void pointers."""
    body = re.search(rf"typedef struct {struct} {{(.*?)}} {struct};", TEXT, re.DOTALL)[1]
    for line in filter(None, map(str.strip, body.split(";"))):
        type_, name = re.fullmatch(r"(.*?)(\w+)", line, re.DOTALL).groups()
        known = TYPES.get(type_.strip())
        yield name, known or (ctypes.c_void_p if "*" in type_ else type_)


def enum(name):
    body = re.search(rf"typedef enum {name} {{(.*?)}} {name};", TEXT, re.DOTALL)[1]
    return {n: int(v) for n, v in re.findall(r"TESSERA_(\w+) = (\d+)", body)}


class AbiTest(unittest.TestCase):
    def test_structs(self):
        for name, struct in (
            ("tessera_tensor", _abi.Tensor),
            ("tessera_attention", _abi.Attention),
            ("tessera_variant_argument", _abi.VariantArgument),
            ("tessera_append", _abi.Append),
        ):
            with self.subTest(name):
                self.assertEqual(list(struct._fields_), list(fields(name)))

    def test_status(self):
        self.assertEqual({s.name: int(s) for s in tessera.Status}, enum("tessera_status"))

    def test_dtypes(self):
        self.assertEqual(
            {n: getattr(_abi, n) for n in enum("tessera_dtype")}, enum("tessera_dtype")
        )
        names = {
            _abi.F32: "float32",
            _abi.BF16: "bfloat16",
            _abi.E5M2: "float8_e5m2",
            _abi.I32: "int32",
        }
        for code, name in names.items():
            self.assertEqual(_abi.DTYPE_NAMES[code], name)
        self.assertEqual(len(_abi.DTYPE_NAMES), len(_abi.DTYPE_SIZES))

    def test_row_major(self):
        self.assertEqual(_memory.row_major((2, 3, 4)), [12, 4, 1])
        self.assertEqual(_memory.row_major(()), [])


if __name__ == "__main__":
    unittest.main()
