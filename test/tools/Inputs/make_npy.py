"""Writes an .npy file of small deterministic numbers, without NumPy.

    make_npy.py FILE TYPE SIZE... [--seed N] [--fill X]

TYPE is f16, bf16, f32, f64 or i32. The numbers are multiples of 1/8 in [-2, 2),
which every one of the floating-point types holds exactly, or all X.
"""

import argparse
import struct

DESCR = {"f16": "<f2", "bf16": "<V2", "f32": "<f4", "f64": "<f8", "i32": "<i4"}


def element(type, number):
    if type == "bf16":  # the upper half of a float
        return struct.pack("<f", number)[2:]
    if type == "i32":
        return struct.pack("<i", int(number))
    return struct.pack({"f16": "<e", "f32": "<f", "f64": "<d"}[type], number)


def numbers(seed):
    """A linear congruential generator; its upper bits are the random ones."""
    state = seed
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield (state >> 26) / 8 - 2


parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("type", choices=DESCR)
parser.add_argument("sizes", type=int, nargs="*")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--fill", type=float)
options = parser.parse_args()

count = 1
for size in options.sizes:
    count *= size
source = numbers(options.seed)
data = b"".join(
    element(options.type, next(source) if options.fill is None else options.fill)
    for _ in range(count)
)
header = str(
    {"descr": DESCR[options.type], "fortran_order": False, "shape": tuple(options.sizes)}
)
header += " " * (-(10 + len(header) + 1) % 64) + "\n"
with open(options.file, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)
