"""What the import has to tell of a file, collected while it is read; and how foreign values are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Remark:
    """A place in the Frigate file, and what did not become of it; never with a value that could be secret."""

    where: str
    words: str


@dataclass(slots=True)
class Remarks:
    """The list that a run of the import fills."""

    items: list[Remark] = field(default_factory=list)

    def add(self, where: str, words: str) -> None:
        """Note something about a place; names from the file may hold anything, and are put on one line."""
        line = "".join(letter if letter.isprintable() else " " for letter in where)
        self.items.append(Remark(line, words))


def table(value: Any, *keys: str) -> Mapping[str, Any]:
    """Return the table that lies under `keys`; an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """Return a value of a foreign file as text; empty for none and for tables and lists."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def is_off(value: Any) -> bool:
    """Say whether a switch was turned off; one that is not there was not."""
    return value is False or text(value).lower() in {"false", "off", "no"}
