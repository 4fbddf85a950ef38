"""The text of a TOML file in, its tables as pieces of text out; joined again they are the same text.

A block is a table's header with all up to the next one. What stands around the settings goes with the table
that it is about, so that one which comes or goes takes no other's comment along:

    # the porch                    lead    comments right above the header
    [cameras.porch]                body    the header, settings, and comments among them
    url = "rtsp://192.0.2.7/x"     body
                                   tail    from the first empty line after the last setting
    # ---- the garden ----         tail
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import tomlkit

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One table of the file; `is_item` says that it is one of several of that path: `[[path]]`.

    What stands before the first header is a block with an empty path.
    """

    path: Path
    lead: str
    body: str
    tail: str = ""
    is_item: bool = False

    @property
    def text(self) -> str:
        """The block as it stands in the file."""
        return self.lead + self.body + self.tail


def split(text: str) -> list[Block]:
    """Return a file's blocks in order.

    Raises:
        tomllib.TOMLDecodeError: The text is not TOML.
    """
    tomllib.loads(text)
    pieces: list[str] = [""]
    for line in _lines(text):
        if line.lstrip().startswith("[") and _is_complete(pieces[-1]):
            pieces.append("")
        pieces[-1] += line
    blocks = [_block(piece, is_first=not number) for number, piece in enumerate(pieces)]
    return _give_leads(blocks)


def join(blocks: Iterable[Block]) -> str:
    """Return the file's text."""
    return "".join(block.text for block in blocks)


def insert(blocks: list[Block], position: int, block: Block) -> list[Block]:
    """Return the blocks with one more, an empty line before it; what ends the one before ends it now."""
    before = blocks[position - 1]
    ended = replace(before, body=_line_ended(before.body), tail="" if not before.text else "\n")
    return [*blocks[: position - 1], ended, replace(block, tail=before.tail), *blocks[position:]]


def remove(blocks: list[Block], position: int) -> list[Block]:
    """Return the blocks without one; comments that stand apart from it stay."""
    before, gone = blocks[position - 1], blocks[position]
    kept = "" if gone.tail.isspace() else gone.tail.removeprefix("\n")
    tail = before.tail + kept
    if position == len(blocks) - 1 and f"\n{tail}".endswith("\n\n"):
        tail = tail[:-1]  # an empty line that parted the two ends the file no more
    ended = replace(before, tail=tail)
    return [*blocks[: position - 1], ended, *blocks[position + 1 :]]


def with_values(block: Block, values: Mapping[str, Any]) -> Block:
    """Return a block whose settings have these values; comments beside them stay."""
    document = tomlkit.parse(block.body)
    table: Any = document
    for key in block.path:
        table = table[key]
    if block.is_item:
        table = table[0]
    for key, value in values.items():
        table[key] = value
    return replace(block, body=tomlkit.dumps(document))


def new_block(path: Path, values: Mapping[str, Any], *, is_item: bool = False) -> Block:
    """Return a block of a table with these settings."""
    keys = ".".join(path)  # names of cameras and zones need no quotes
    header = f"[[{keys}]]\n" if is_item else f"[{keys}]\n"
    settings = tomlkit.document()
    for key, value in values.items():
        settings[key] = value
    return Block(path, lead="", body=header + tomlkit.dumps(settings), is_item=is_item)


def _is_complete(piece: str) -> bool:
    """Say whether a `[` after this would begin a table: inside of a list or a text it would not."""
    try:
        tomllib.loads(piece)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _block(piece: str, *, is_first: bool) -> Block:
    if is_first:
        return Block((), lead="", body=piece)
    lines = _lines(piece)
    path, is_item = _header(lines[0])
    last = max(number for number, line in enumerate(lines) if not _is_aside(line))
    end = next((n for n in range(last + 1, len(lines)) if not lines[n].strip()), len(lines))
    return Block(path, lead="", body="".join(lines[:end]), tail="".join(lines[end:]), is_item=is_item)


def _give_leads(blocks: list[Block]) -> list[Block]:
    """Let the comments right above a header go with it."""
    given = blocks[:1]
    for block in blocks[1:]:
        before = given.pop()
        lines = _lines(before.tail or before.body)
        start = len(lines)
        while start and lines[start - 1].lstrip().startswith("#"):
            start -= 1
        rest = "".join(lines[:start])
        given.append(replace(before, tail=rest) if before.tail else replace(before, body=rest))
        given.append(replace(block, lead="".join(lines[start:])))
    return given


def _lines(text: str) -> list[str]:
    """Return lines with their ends; TOML, unlike Python, knows no other end than the newline."""
    return re.findall(r".*\n|.+", text)


def _header(line: str) -> tuple[Path, bool]:
    """Return a header's path: `[cameras.porch]` is ("cameras", "porch"); and whether it has two brackets."""
    value: Any = tomllib.loads(line)
    keys: list[str] = []
    while isinstance(value, dict) and value:
        ((key, value),) = value.items()
        keys.append(key)
    return tuple(keys), isinstance(value, list)


def _is_aside(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _line_ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
