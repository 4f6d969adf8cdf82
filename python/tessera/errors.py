"""What can go wrong.

Every refusal is an :class:`Error`. Its class says what kind of mistake was found and
also derives from the built-in exception that fits, so both of these work::

    except tessera.errors.InvalidShapeError as error: ...
    except ValueError as error: ...

A call that is refused has written nothing.
"""

from enum import IntEnum
from typing import Dict, Tuple, Type


class Status(IntEnum):
    """What kind of mistake was found; the numbers are those of the C interface."""

    OK = 0
    INVALID_KEY = 1
    UNSUPPORTED_DTYPE = 2
    UNSUPPORTED_HEAD_DIM = 3
    INVALID_RANK = 4
    INVALID_SHAPE = 5
    INVALID_STRIDE = 6
    MISALIGNED = 7
    MISSING_TENSOR = 8
    INVALID_VALUE = 9
    INVALID_LENGTHS = 10
    INVALID_PAGES = 11
    OVERLAP = 12
    UNKNOWN_VARIANT = 13
    UNSUPPORTED_TARGET = 14
    INTERNAL_ERROR = 15


class Error(Exception):
    """A refusal.

    status: what kind of mistake
    message: all of it in one line, which is also ``str(error)``
    subject: what is wrong, ``q.shape[3]``
    found: the offending value, ``12``
    expected: what it should have been
    nearest: the nearest supported value or key; empty where there is none
    """

    def __init__(
        self,
        status: Status,
        message: str,
        subject: str = "",
        found: str = "",
        expected: str = "",
        nearest: str = "",
    ) -> None:
        # All of them are arguments of the exception, so that it can be pickled.
        super().__init__(status, message, subject, found, expected, nearest)
        self.status = status
        self.message = message
        self.subject = subject
        self.found = found
        self.expected = expected
        self.nearest = nearest

    def __str__(self) -> str:
        return self.message


class InvalidKeyError(Error, ValueError):
    """A key's text or fields contradict each other."""


class UnsupportedDTypeError(Error, TypeError):
    """A type, or a mix of types, that no kernel has; something that is no tensor."""


class UnsupportedHeadDimError(Error, NotImplementedError):
    """A width that no kernel has."""


class InvalidRankError(Error, ValueError):
    """Too many or too few dimensions."""


class InvalidShapeError(Error, ValueError):
    """An extent that does not fit the other tensors."""


class InvalidStrideError(Error, ValueError):
    """Rows that are not contiguous, output elements that share memory."""


class MisalignedError(Error, ValueError):
    """An address that is no multiple of the element's size."""


class MissingTensorError(Error, ValueError):
    """No data, or one of two tensors that belong together."""


class InvalidValueError(Error, ValueError):
    """A value outside of its range."""


class UnsupportedArgumentError(InvalidValueError, NotImplementedError):
    """A value that means something, which is not there."""


class InvalidLengthsError(Error, ValueError):
    """cu_seqlens that decrease, lengths beyond the cache."""


class InvalidPagesError(Error, ValueError):
    """Page size, page table or page numbers."""


class OverlapError(Error, ValueError):
    """An output that shares memory with another tensor."""


class UnknownVariantError(Error, ValueError):
    """A variant that is not registered."""


class UnsupportedTargetError(Error, NotImplementedError):
    """A machine there are no kernels for; a tensor on a device the target does not reach."""


class InternalError(Error, RuntimeError):
    """Not the caller's mistake."""


_CLASSES: Dict[Status, Type[Error]] = {
    Status.INVALID_KEY: InvalidKeyError,
    Status.UNSUPPORTED_DTYPE: UnsupportedDTypeError,
    Status.UNSUPPORTED_HEAD_DIM: UnsupportedHeadDimError,
    Status.INVALID_RANK: InvalidRankError,
    Status.INVALID_SHAPE: InvalidShapeError,
    Status.INVALID_STRIDE: InvalidStrideError,
    Status.MISALIGNED: MisalignedError,
    Status.MISSING_TENSOR: MissingTensorError,
    Status.INVALID_VALUE: InvalidValueError,
    Status.INVALID_LENGTHS: InvalidLengthsError,
    Status.INVALID_PAGES: InvalidPagesError,
    Status.OVERLAP: OverlapError,
    Status.UNKNOWN_VARIANT: UnknownVariantError,
    Status.UNSUPPORTED_TARGET: UnsupportedTargetError,
    Status.INTERNAL_ERROR: InternalError,
}


def from_status(status: int, message: str, *details: str) -> Error:
    """The exception of a status; `details`: subject, found, expected, nearest."""
    try:
        kind = Status(status)
    except ValueError:  # of a newer library
        kind = Status.INTERNAL_ERROR
    return _CLASSES.get(kind, InternalError)(kind, message, *details)


def _worded(subject: str, found: str, expected: str) -> Tuple[str, str, str, str]:
    return f"{subject} is {found}, expected {expected}", subject, found, expected


def refusal(status: Status, subject: str, found: str, expected: str) -> Error:
    """A refusal that is found before the library is asked, worded as it would."""
    return _CLASSES[status](status, *_worded(subject, found, expected))


def unsupported(subject: str, found: str, expected: str) -> Error:
    """The refusal of an argument whose meaning is not there."""
    return UnsupportedArgumentError(Status.INVALID_VALUE, *_worded(subject, found, expected))
