"""Questions about keys."""

from . import _library
from ._arguments import text
from .errors import Error, InternalError


def check(key: str) -> str:
    """The key as the library writes it, ``fwd,host,bf16,d128,causal``.

    Raises a subclass of :class:`tessera.Error` if there is no kernel for it; its `nearest` is
    a key or value that there is.
    """
    return _library.ask(_library.lib.tessera_supports, text("key", key))


def supports(key: str) -> bool:
    """Whether there is a kernel for a key."""
    argument = text("key", key)
    try:
        _library.ask(_library.lib.tessera_supports, argument)
    except InternalError:
        raise
    except Error:
        return False
    return True


def compile(key: str, stage: str) -> str:
    """The text of a key's kernel at a stage of its compilation: ``generic``, ``specialized``,
    ``vector``, ``llvm`` or ``asm``."""
    arguments = text("key", key), text("stage", stage)
    return _library.ask(_library.lib.tessera_compile, _library.engine(), *arguments)
