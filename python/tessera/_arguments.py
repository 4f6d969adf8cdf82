"""Arguments that are no tensors."""

import operator
from typing import Any

from .errors import Error, Status, refusal

_INT64_MAX = 2**63 - 1


def integer(name: str, value: Any) -> int:
    """An int64; anything with __index__ will do."""
    try:
        number = operator.index(value)
    except TypeError:
        raise refusal(Status.INVALID_VALUE, name, f"{value!r}", "an integer") from None
    if not -_INT64_MAX <= number <= _INT64_MAX:
        raise refusal(Status.INVALID_VALUE, name, f"{number}", "an integer of 64 bits")
    return number


def real(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise refusal(Status.INVALID_VALUE, name, f"{value!r}", "a number") from None


def wrong_choice(name: str, value: Any, *choices: str) -> Error:
    expected = " or ".join(f'"{choice}"' for choice in choices)
    return refusal(Status.INVALID_VALUE, name, f"{value!r}", expected)


def is_hnd(page_layout: str) -> int:
    if page_layout == "NHD":
        return 0
    if page_layout == "HND":
        return 1
    raise wrong_choice("page_layout", page_layout, "NHD", "HND")


def stream_handle(stream: Any) -> int:
    """The address of a stream: an integer, or an object like torch.cuda.Stream."""
    return integer("stream", getattr(stream, "cuda_stream", stream))


def text(name: str, value: Any) -> bytes:
    if isinstance(value, str) and "\0" not in value:
        return value.encode("utf-8", "replace")
    raise refusal(Status.INVALID_VALUE, name, f"{value!r}", "a text")
