"""What a test of this suite is."""

import dataclasses
import re
from typing import Any, Callable


class Failed(Exception):
    """Something is not as it should be."""


class Skipped(Exception):
    """Nothing was found out, and why."""


@dataclasses.dataclass
class Test:
    """`run(device)` returns, or raises Failed or Skipped.

    name: "group/what"
    alone: while no other test runs
    limit: seconds until it counts as hung
    """

    name: str
    run: Callable[[str], Any]
    alone: bool = False
    limit: float = 60
    again: str = ""  # the arguments that run it alone; else its name does

    @property
    def group(self):
        return self.name.split("/")[0]

    @property
    def arguments(self):
        return self.again or f"--only '{self.name}'"


def check(condition, message):
    if not condition:
        raise Failed(message)


def refusal(error):
    """What a tessera.Error says if it is a refusal; else None: something broke."""
    from tessera import errors

    text = str(error)
    if error.status == errors.Status.INTERNAL_ERROR and "cannot do yet" not in text:
        return None
    return text.strip().splitlines()[-1]


def asking(function, *arguments, **options):
    """A call of the library that may be refused: then the test is skipped."""
    import tessera

    try:
        return function(*arguments, **options)
    except tessera.Error as error:
        why = refusal(error)
        if why is None:
            raise Failed(f"{type(error).__name__}: {error}") from None
        raise Skipped(why) from None


def kind_of(message):
    """Messages that differ in numbers alone are of one kind."""
    return re.sub(r"0x[0-9a-f]+|\d+", "N", message)
