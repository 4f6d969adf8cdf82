"""The C memory of one call: its tensors, and what must live until it returns."""

import array
import ctypes
import struct
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from . import _dlpack, _library, _numpy
from ._abi import DTYPE_NAMES, F32, I32, Tensor
from ._arguments import stream_handle, text
from ._memory import HOST, Framework, Memory, View, device_name, no_tensor, not_here
from .errors import Error, Status, refusal

_MAX_RANK = 8  # more than any call has: the library names the one it expects
_MAX_TENSORS = 32  # 14 of the call itself, and the tables of a variant
_HEADER = ctypes.sizeof(Tensor)
_WORD = ctypes.sizeof(ctypes.c_void_p)
_SLOT = _HEADER + 2 * 8 * _MAX_RANK  # the struct, the shape, the strides
# Where in the words of a frame the addresses of its tensors' elements are.
_DATA = [(_SLOT * i + Tensor.data.offset) // _WORD for i in range(_MAX_TENSORS)]
# By rank: the struct and its shape, and the strides behind them.
_DENSE = [struct.Struct(f"@NPiiPP{rank}q") for rank in range(_MAX_RANK + 1)]
_STRIDED = [struct.Struct(f"@NPiiPP{2 * rank}q") for rank in range(_MAX_RANK + 1)]

_frameworks: Dict[type, Framework] = {}


# Who made the array that a view is of is asked for the rest.
_frameworks[View] = _dlpack.framework._replace(
    read=lambda name, view, written, held, stream: view.memory
)


def framework_of(name: str, tensor: Any) -> Framework:
    """Who reads an argument. Raises if it is no tensor."""
    kind = type(tensor)
    return _frameworks.get(kind) or _find_framework(name, kind, tensor)


def origin(array: Any) -> Any:
    """The array that a view is of."""
    while type(array) is View:
        array = array.like
    return array


def _find_framework(name: str, kind: type, tensor: Any) -> Framework:
    found: Optional[Framework] = None
    for base in kind.__mro__:
        if base.__name__ == "ndarray" and base.__module__ == "numpy":
            found = _numpy.framework
        elif base.__name__ == "Tensor" and base.__module__ == "torch":
            from . import _torch

            found = _torch.framework()
    if found is None:
        if not hasattr(kind, "__dlpack__") or not hasattr(kind, "__dlpack_device__"):
            raise no_tensor(name, tensor)
        found = _dlpack.framework
    _frameworks[kind] = found
    return found


def _flatten(name: str, values: Any, flat: List[Any]) -> Tuple[int, ...]:
    """Appends the numbers of nested sequences to `flat` and tells their shape."""
    if not isinstance(values, (list, tuple, range, array.array)):
        flat.append(values)
        return ()
    shapes = {_flatten(name, value, flat) for value in values}
    if len(shapes) > 1:
        raise refusal(Status.INVALID_SHAPE, name, "a ragged list", "rows of one length")
    return (len(values), *(shapes.pop() if shapes else ()))


def _convert(name: str, values: Any, dtype: int) -> Tuple["array.array[Any]", Tuple[int, ...]]:
    flat: List[Any] = []
    shape = _flatten(name, values, flat)
    try:
        return array.array("i" if dtype == I32 else "f", flat), shape
    except TypeError:
        kinds = {type(value).__name__ for value in flat}
        raise refusal(
            Status.UNSUPPORTED_DTYPE, name, f"of {' and '.join(sorted(kinds))}",
            f"an array or list of {DTYPE_NAMES[dtype]}",
        ) from None  # fmt: skip
    except OverflowError:
        found = f"{max(flat, key=abs)}"
        raise refusal(Status.INVALID_VALUE, name, found, f"{DTYPE_NAMES[dtype]} values") from None


class Frame:
    """Slots for the tensors of a call. Take one with `acquire`, give it back with
    `release` when the call has returned.

    device: where the tensors lie, all on the same; None: none has been read
    stream: the address of the stream that the call is for; None: not known yet, or the host
    is_current: that is the stream that the framework of the first tensor works on now
    """

    __slots__ = (
        "_memory", "_words", "_slots", "_forms", "_next", "_first",
        "device", "stream", "is_current", "held", "kept",
    )  # fmt: skip

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(_SLOT * _MAX_TENSORS)
        start = ctypes.addressof(self._memory)
        self._words = memoryview(self._memory).cast("B").cast("P")
        self._slots = [start + _SLOT * i for i in range(_MAX_TENSORS)]
        # The type, shape and strides that are written there: most often those of the next call.
        self._forms: List[Any] = [None] * _MAX_TENSORS
        self._next = 0
        self._first = ""
        self.device: Optional[int] = None
        self.stream: Optional[int] = None
        self.is_current = False
        self.held: List[Callable[[], None]] = []  # called by release
        self.kept: List[Any] = []  # alive until release

    def place(self, name: str, memory: Memory) -> int:
        """Writes a tessera_tensor and gives its address."""
        index = self._next
        if index == _MAX_TENSORS:
            raise refusal(
                Status.INVALID_VALUE, name, f"tensor {index + 1} of a call", f"at most {_MAX_TENSORS}"
            )
        self._next = index + 1
        form = memory[1:4]
        if form != self._forms[index]:
            self._form(name, index, *form)
            self._forms[index] = form
        self._words[_DATA[index]] = memory[0]
        return self._slots[index]

    def _form(
        self,
        name: str,
        index: int,
        dtype: int,
        shape: Sequence[int],
        strides: Optional[Sequence[int]],
    ) -> None:
        """Writes all of a tessera_tensor but the address of its elements."""
        rank = len(shape)
        if rank > _MAX_RANK:
            raise refusal(Status.INVALID_RANK, f"{name}.rank", f"{rank}", f"at most {_MAX_RANK}")
        self._forms[index] = None  # should packing fail halfway
        dims = self._slots[index] + _HEADER
        if strides is None:
            _DENSE[rank].pack_into(
                self._memory, index * _SLOT, _HEADER, 0, dtype, rank, dims, 0, *shape
            )
        else:
            _STRIDED[rank].pack_into(
                self._memory, index * _SLOT, _HEADER, 0, dtype, rank, dims, dims + 8 * rank,
                *shape, *strides,
            )  # fmt: skip

    def read(self, name: str, tensor: Any, written: bool = False) -> Memory:
        """The memory of a tensor, which the caller keeps alive."""
        framework = _frameworks.get(type(tensor)) or framework_of(name, tensor)
        memory = framework.read(name, tensor, written, self.held, self.stream)
        if memory[4] != self.device:
            self._locate(name, memory[4])
        return memory

    def _locate(self, name: str, device: int) -> None:
        """Where the first tensor lies all others must."""
        if self.device is not None:
            raise not_here(name, device_name(device), self._place())
        self.device, self._first = device, name

    def _place(self) -> str:
        return f"{device_name(self.device or 0)}, where {self._first} lies"

    def tensor(self, name: str, tensor: Any, written: bool = False) -> int:
        return self.place(name, self.read(name, tensor, written))

    def read_table(self, name: str, values: Any, dtype: int) -> Memory:
        """The memory of numbers beside the operands: an array of that type, which is not
        converted, or a number or (nested) lists, which are, into the host's memory."""
        if isinstance(values, (list, tuple, range, array.array, int, float)) or (
            not hasattr(values, "__dlpack__") and hasattr(values, "__float__")
        ):
            if self.device is not None and self.device != HOST:
                raise refusal(
                    Status.UNSUPPORTED_TARGET, name, f"a {type(values).__name__}",
                    f"an array of {DTYPE_NAMES[dtype]} on {self._place()}: nothing is copied there",
                )  # fmt: skip
            numbers, shape = _convert(name, values, dtype)
            self.kept.append(numbers)
            return numbers.buffer_info()[0], dtype, shape, None, HOST
        memory = self.read(name, values)
        if memory[1] != dtype:
            found, expected = DTYPE_NAMES[memory[1]], DTYPE_NAMES[dtype]
            raise refusal(Status.UNSUPPORTED_DTYPE, f"{name}.dtype", found, expected)
        return memory

    def table(self, name: str, values: Any, dtype: int) -> int:
        return self.place(name, self.read_table(name, values, dtype))

    def floats(self, name: str, values: Any) -> int:
        return self.table(name, values, F32)

    def ints(self, name: str, values: Any) -> int:
        return self.table(name, values, I32)

    def aim(self, call: Any, first: Any, target: Optional[str], stream: Any) -> None:
        """Says in a call's struct where it runs: where `first`, which has been read, lies."""
        if target is not None:
            call.target = text("target", target)
        if self.device == HOST:
            if target is not None and target != "host":
                raise self._wrong_target(target, '"host"')
            if stream is not None:
                call.stream = self.stream  # which the library refuses
            return
        if target is None:
            call.target = b"cuda"
        elif target == "host":
            raise self._wrong_target(target, '"cuda"')
        if self.stream is None:
            first = origin(first)
            self.stream = framework_of("", first).stream(self.device or 0)
            self.is_current = True
        call.stream = self.stream

    def _wrong_target(self, target: str, expected: str) -> Error:
        expected += f": {self._first} lies on {device_name(self.device or 0)}"
        return refusal(Status.UNSUPPORTED_TARGET, "target", f'"{target}"', expected)

    def empty(
        self, name: str, like: Any, dtype: int, shape: Sequence[int]
    ) -> Tuple[Any, Memory]:
        """A new array for the call, of the kind of `like`, whose memory has been read; and its
        own memory."""
        like = origin(like)
        framework = framework_of(name, like)
        stream = None if self.is_current else self.stream
        array, address = framework.empty(name, like, dtype, shape, stream)
        return array, (address, dtype, shape, None, self.device or 0)

    def keep(self) -> Tuple[List[Callable[[], None]], List[Any]]:
        """Takes from the frame what it would release: `held` and `kept`."""
        taken = self.held, self.kept
        self.held, self.kept = [], []
        return taken

    def release(self) -> None:
        self._next = 0
        self.device = self.stream = None
        self.is_current = False
        if self.kept:
            self.kept.clear()
        if self.held:
            held, self.held = self.held, []
            for call in held:
                call()
        _free.append(self)


def submit(function: Any, *arguments: Any) -> None:
    """Calls a function of the library that can fail."""
    error = ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(error))
    if status:
        raise _library.to_exception(status, error)


# Frames that no call uses. Lists are safe between threads; a thread that finds none makes one.
_free: List[Frame] = []


def acquire() -> Frame:
    try:
        return _free.pop()
    except IndexError:
        return Frame()
