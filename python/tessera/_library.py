"""Finds and loads libtessera.so, and keeps the process's engine."""

import ctypes
import os
import threading
from ctypes import POINTER, c_char_p, c_int, c_void_p
from typing import Any, Dict, List, Optional

from .errors import Error, from_status

_NAME = "libtessera.so"


def _candidates() -> List[str]:
    """Where the library may be, in the order of looking."""
    package = os.path.dirname(os.path.abspath(__file__))
    return [
        os.path.join(package, "lib", _NAME),
        os.path.normpath(os.path.join(package, "..", "..", "build", "lib", _NAME)),
    ]


def _open() -> ctypes.CDLL:
    """Raises ImportError, which names every place and what was wrong there."""
    given = os.environ.get("TESSERA_LIBRARY")
    if given:  # and nowhere else: another library than the one asked for would be a surprise
        try:
            return ctypes.CDLL(given)
        except OSError as error:
            raise ImportError(f"TESSERA_LIBRARY names no usable library: {error}") from None
    looked = ["TESSERA_LIBRARY: not set"]
    for path in _candidates():
        if not os.path.exists(path):
            looked.append(f"{path}: no such file")
            continue
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            looked.append(str(error))
    try:
        return ctypes.CDLL(_NAME)
    except OSError as error:
        looked.append(f"the system's loader: {error}")
    raise ImportError(f"{_NAME} was not found. Looked at\n  " + "\n  ".join(looked))


def _declare(library: ctypes.CDLL) -> None:
    """Gives the functions their types."""
    failing: Dict[str, List[Any]] = {  # name: arguments before `tessera_error **error`
        "engine_create": [POINTER(c_void_p)],
        "attention_run": [c_void_p, c_void_p],
        "attention_prepare": [c_void_p, c_void_p, POINTER(c_void_p)],
        "launch": [c_void_p, c_void_p],
        "append_run": [c_void_p, c_void_p],
        "supports": [c_char_p, POINTER(c_void_p)],
        "attention_explain": [c_void_p, c_void_p, POINTER(c_void_p)],
        "compile": [c_void_p, c_char_p, c_char_p, POINTER(c_void_p)],
    }
    for name, arguments in failing.items():
        function = getattr(library, "tessera_" + name)
        function.restype = c_int
        function.argtypes = [*arguments, POINTER(c_void_p)]
    library.tessera_prepared_destroy.restype = None
    library.tessera_prepared_destroy.argtypes = [c_void_p]
    library.tessera_version.restype = c_char_p
    library.tessera_version.argtypes = []
    library.tessera_error_destroy.restype = None
    library.tessera_error_destroy.argtypes = [c_void_p]
    for part in ("message", "subject", "found", "expected", "nearest"):
        function = getattr(library, "tessera_error_" + part)
        function.restype = c_char_p
        function.argtypes = [c_void_p]
    library.tessera_text_str.restype = c_char_p
    library.tessera_text_str.argtypes = [c_void_p]
    library.tessera_text_destroy.restype = None
    library.tessera_text_destroy.argtypes = [c_void_p]


def _load() -> ctypes.CDLL:
    library = _open()
    try:
        _declare(library)
    except AttributeError as error:
        raise ImportError(f"not the library this package was made for: {error}") from None
    return library


# A ctypes.CDLL: its calls release the interpreter's lock.
lib = _load()


def _text(value: Optional[bytes]) -> str:
    return value.decode("utf-8", "replace") if value else ""


def version() -> str:
    return _text(lib.tessera_version())


def to_exception(status: int, error: c_void_p) -> Error:
    """Turns the description of a failure into an exception, and frees it."""
    if not error:
        return from_status(status, f"libtessera failed with status {status}")
    try:
        return from_status(
            status,
            _text(lib.tessera_error_message(error)),
            _text(lib.tessera_error_subject(error)),
            _text(lib.tessera_error_found(error)),
            _text(lib.tessera_error_expected(error)),
            _text(lib.tessera_error_nearest(error)),
        )
    finally:
        lib.tessera_error_destroy(error)


def ask(function: Any, *arguments: Any) -> str:
    """Calls a function that answers with a text."""
    text, error = c_void_p(), c_void_p()
    status = function(*arguments, ctypes.byref(text), ctypes.byref(error))
    if status:
        raise to_exception(status, error)
    return take_text(text)


def take_text(text: c_void_p) -> str:
    """What a text of the library's says; frees it."""
    try:
        return _text(lib.tessera_text_str(text))
    finally:
        lib.tessera_text_destroy(text)


_engine: Optional[c_void_p] = None
_engine_lock = threading.Lock()


def engine() -> c_void_p:
    """The engine of this process, made when it is first needed and kept to the end."""
    return _engine or _create_engine()


def _create_engine() -> c_void_p:
    global _engine
    with _engine_lock:
        if _engine is None:
            created, error = c_void_p(), c_void_p()
            status = lib.tessera_engine_create(ctypes.byref(created), ctypes.byref(error))
            if status:
                raise to_exception(status, error)
            _engine = created
        return _engine


def _forget_engine() -> None:
    """After a fork: the engine's threads stayed in the parent."""
    global _engine, _engine_lock
    _engine = None
    _engine_lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_engine)
