"""What the readers of arrays have in common."""

from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from ._abi import DTYPE_NAMES, DTYPE_SIZES, I32
from .errors import Error, Status, refusal

HOST = -1
"""Where memory lies that the host reads; other devices are numbers of CUDA's."""

# Address, tessera_dtype, shape, strides in elements (None: contiguous), device.
Memory = Tuple[int, int, Sequence[int], Optional[Sequence[int]], int]


class Framework(NamedTuple):
    """How arrays of one kind are read and made.

    read(name, array, written, held, stream): raises what `name` may not be; `written` says
        that the call writes to it. `held` receives what is called after the call. Memory of a
        GPU is ready for work on `stream` (None: the default stream).
    empty(name, like, dtype, shape, stream): a new contiguous array beside `like`, for work on
        `stream` (None: the current one), and the address of its elements.
    stream(device): the address of the stream that the framework works on now, 0 being the
        default stream.
    """

    read: Callable[[str, Any, bool, List[Callable[[], None]], Optional[int]], Memory]
    empty: Callable[[str, Any, int, Sequence[int], Optional[int]], Tuple[Any, int]]
    stream: Callable[[int], int]


class View:
    """Memory that is passed on as a tensor of its own.

    like: the array whose kind new outputs have
    owner: keeps the memory alive
    """

    __slots__ = ("like", "memory", "owner")

    def __init__(self, like: Any, memory: Memory, owner: Any = None) -> None:
        self.like = like
        self.memory = memory
        self.owner = owner


def row_major(shape: Sequence[int]) -> List[int]:
    """The strides of a contiguous array."""
    strides, stride = [0] * len(shape), 1
    for i in range(len(shape) - 1, -1, -1):
        strides[i] = stride
        stride *= shape[i]
    return strides


def in_elements(name: str, strides: Sequence[int], dtype: int) -> List[int]:
    """Strides in elements, of strides in bytes."""
    size = DTYPE_SIZES[dtype]
    for i, stride in enumerate(strides):
        if stride % size:
            raise refusal(
                Status.INVALID_STRIDE,
                f"{name}.strides[{i}]",
                f"{stride} bytes",
                f"a multiple of the {size} bytes of an element",
            )
    return [stride // size for stride in strides]


def no_tensor(name: str, found: Any) -> Error:
    expected = "a numpy array, a torch tensor or an object with __dlpack__"
    return refusal(Status.UNSUPPORTED_DTYPE, name, f"a {type(found).__name__}", expected)


def no_such_dtype(name: str, found: str) -> Error:
    expected = ", ".join(DTYPE_NAMES[1:I32]) + " or " + DTYPE_NAMES[I32]
    return refusal(Status.UNSUPPORTED_DTYPE, f"{name}.dtype", found, expected)


def not_writable(name: str) -> Error:
    return refusal(Status.INVALID_VALUE, name, "read-only", "an array that can be written")


def device_name(device: int) -> str:
    return "cpu" if device == HOST else f"cuda:{device}"


def not_here(name: str, found: str, expected: str = "cpu or cuda") -> Error:
    """No kernel reaches there, and nothing is copied behind the caller's back."""
    return refusal(Status.UNSUPPORTED_TARGET, f"{name}.device", found, expected)


def default_stream(device: int) -> int:
    """Of arrays whose library has no current stream, or does not say."""
    return 0
