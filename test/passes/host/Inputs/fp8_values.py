"""Writes a program that counts wrong conversions from and to fp8.

What is right comes from the definition of the formats: from fp8, all 256 codes;
to fp8, numbers on and beside each code, on and beside each middle of two codes,
beyond the greatest, and random bits.
"""

import bisect
import math
import random
import struct


class Format:
    def __init__(self, name, mantissa_bits, bias, infinity):
        self.name, self.mantissa_bits, self.bias = name, mantissa_bits, bias
        # The first code that is no finite number; magnitudes only.
        self.limit = 0x7C if infinity else 0x7F
        self.infinity = infinity
        # The limit counts as the number it would be, so that rounding can reach it.
        self.numbers = [self.finite(code) for code in range(self.limit + 1)]

    def finite(self, code):
        exponent = code >> self.mantissa_bits
        mantissa = code & ((1 << self.mantissa_bits) - 1)
        if exponent:
            mantissa += 1 << self.mantissa_bits
        return math.ldexp(mantissa, max(exponent, 1) - self.bias - self.mantissa_bits)

    def value(self, code):
        """The number that a code of eight bits stands for."""
        magnitude = code & 0x7F
        if magnitude < self.limit:
            number = self.numbers[magnitude]
        else:
            number = math.inf if self.infinity and magnitude == self.limit else math.nan
        return -number if code & 0x80 else number

    def code(self, number):
        """The code nearest to a number, ties to the even one."""
        sign = 0x80 if math.copysign(1, number) < 0 else 0
        number = abs(number)
        if math.isnan(number):
            return sign | 0x7F
        if number >= self.numbers[-1]:
            return sign | self.limit
        above = bisect.bisect_right(self.numbers, number)
        low, high = number - self.numbers[above - 1], self.numbers[above] - number
        # The distances are exact: both are multiples of the float's last bit.
        down = low < high or (low == high and (above - 1) % 2 == 0)
        return sign | (above - 1 if down else above)


FORMATS = [Format("f8E4M3FN", 3, 7, False), Format("f8E5M2", 2, 15, True)]
WIDTH = 16
NAN = 0x7FC00000  # one NaN for all of them


def bits_of(number):
    if math.isnan(number):
        return NAN
    return struct.unpack("<I", struct.pack("<f", number))[0]


def number_of(bits):
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def interesting(format, count):
    """Bits of f32 where rounding may go wrong, then random ones."""
    numbers = format.numbers
    exact = numbers + [(a + b) / 2 for a, b in zip(numbers, numbers[1:])]
    near = {0, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000}
    near |= {0x7F800001, 0x7FC00000, 0x7FFFFFFF}  # NaN
    near |= {max(bits_of(number) + step, 0) for number in exact for step in (-2, -1, 0, 1, 2)}
    both = sorted(near) + [bits | 0x80000000 for bits in sorted(near)]
    generator = random.Random(8)
    # Half of the random ones have an exponent that fp8 has, too.
    for _ in range(count // 2):
        both.append(generator.getrandbits(32))
        exponent = 127 - format.bias + generator.randrange(-4, 2 * format.bias + 4)
        both.append(generator.getrandbits(1) << 31 | exponent << 23 | generator.getrandbits(23))
    return both + [0] * (-len(both) % WIDTH)


def typed(width, element):
    return element if width == 1 else f"vector<{width}x{element}>"


def check(name, width, source, convert, inputs, wanted):
    """Globals and a function that counts the inputs that become something else."""
    size = 1 if source == "i8" else 4
    given = b"".join(value.to_bytes(size, "little") for value in inputs).hex()
    right = b"".join(bits_of(value).to_bytes(4, "little") for value in wanted).hex()
    count = len(inputs)
    i1, i32, f32 = (typed(width, element) for element in ("i1", "i32", "f32"))
    condition = "" if width == 1 else f"{i1}, "
    nan = NAN if width == 1 else f"dense<{NAN}>"
    total = "%n" if width == 1 else "%sum"
    reduce = "" if width == 1 else f"%sum = vector.reduction <add>, %n : {i32} into i32"
    return f"""
llvm.mlir.global internal constant @{name}_in(dense<"0x{given}"> : tensor<{count}x{source}>)
    : !llvm.array<{count} x {source}>
llvm.mlir.global internal constant @{name}_out(dense<"0x{right}"> : tensor<{count}xi32>)
    : !llvm.array<{count} x i32>
func.func @{name}() -> i32 {{
  %in = llvm.mlir.addressof @{name}_in : !llvm.ptr
  %out = llvm.mlir.addressof @{name}_out : !llvm.ptr
  %first = arith.constant 0 : index
  %end = arith.constant {count} : index
  %step = arith.constant {width} : index
  %none = arith.constant 0 : i32
  %wrong = scf.for %i = %first to %end step %step iter_args(%so_far = %none) -> (i32) {{
    %at = arith.index_cast %i : index to i64
    %from = llvm.getelementptr %in[%at] : (!llvm.ptr, i64) -> !llvm.ptr, {source}
    %want = llvm.getelementptr %out[%at] : (!llvm.ptr, i64) -> !llvm.ptr, i32
    %x = llvm.load %from {{alignment = 1 : i64}} : !llvm.ptr -> {typed(width, source)}
    %right = llvm.load %want {{alignment = 4 : i64}} : !llvm.ptr -> {i32}
    {convert}
    %is_nan = arith.cmpf uno, %have, %have : {f32}
    %nan = arith.constant {nan} : {i32}
    %all_bits = arith.bitcast %have : {f32} to {i32}
    %bits = arith.select %is_nan, %nan, %all_bits : {condition}{i32}
    %is_wrong = arith.cmpi ne, %bits, %right : {i32}
    %n = arith.extui %is_wrong : {i1} to {i32}
    {reduce}
    %next = arith.addi %so_far, {total} : i32
    scf.yield %next : i32
  }}
  return %wrong : i32
}}"""


def main():
    checks, functions = [], []
    for format in FORMATS:
        codes = list(range(256))
        numbers = interesting(format, 4000)
        for width in (1, WIDTH):
            f8, i8, f32 = (typed(width, element) for element in (format.name, "i8", "f32"))
            widen = f"%have = arith.extf %f8 : {f8} to {f32}"
            name = f"from_{format.name}_{width}"
            convert = f"%f8 = arith.bitcast %x : {i8} to {f8}\n    {widen}"
            wanted = [format.value(code) for code in codes]
            functions.append(check(name, width, "i8", convert, codes, wanted))
            checks.append(name)

            name = f"to_{format.name}_{width}"
            convert = f"%f8 = arith.truncf %x : {f32} to {f8}\n    {widen}"
            wanted = [format.value(format.code(number_of(bits))) for bits in numbers]
            functions.append(check(name, width, "f32", convert, numbers, wanted))
            checks.append(name)

    print("\n".join(functions))
    print("func.func @main() -> i32 {\n  %sum0 = arith.constant 0 : i32")
    for i, name in enumerate(checks):
        print(f"  %wrong{i} = func.call @{name}() : () -> i32")
        print(f"  %sum{i + 1} = arith.addi %sum{i}, %wrong{i} : i32")
    print(f"  return %sum{len(checks)} : i32\n}}")


if __name__ == "__main__":
    main()
