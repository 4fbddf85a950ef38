"""A model card's Markdown in, blocks that a template shows out: headings, paragraphs, lists and tables."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

Kind = Literal["heading", "paragraph", "list", "table"]

_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_HEADING = re.compile(r"^(#+ .*)$", re.MULTILINE)
_GAP = re.compile(r"\n\s*\n")
_RULE = re.compile(r"\|[\s:|-]*-[\s:|-]*\|")
_ITEM = re.compile(r"[-*] +")


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of cells, of which all but tables have one each; a table's first row is its head."""

    kind: Kind
    rows: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The only cell of a heading or a paragraph."""
        return self.rows[0][0]


def read_card(text: str) -> tuple[Block, ...]:
    """Return the blocks of a card; what we do not know of Markdown stays as it was typed."""
    apart = _HEADING.sub(r"\n\1\n", _FRONT.sub("", text))
    return tuple(_block(chunk.strip().splitlines()) for chunk in _GAP.split(apart) if chunk.strip())


def inline(text: str) -> Markup:
    """Return a piece of text as HTML: escaped, then its emphasis and code marked; of a link the words."""
    safe = str(escape(_LINK.sub(r"\1", text)))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", safe))  # noqa: S704 - escaped above


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first.startswith("#"):
        return Block("heading", ((first.lstrip("#").strip(),),))
    if first.startswith("|"):
        rows = [line for line in lines if not _RULE.fullmatch(line.strip())]
        return Block("table", tuple(map(_cells, rows)))
    if _ITEM.match(first):
        return Block("list", tuple((item,) for item in _items(lines)))
    return Block("paragraph", ((" ".join(line.strip() for line in lines),),))


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip().strip("|").split("|"))


def _items(lines: Iterable[str]) -> list[str]:
    """Return the items of a list; a line that begins none goes on with the one before."""
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(_ITEM.sub("", line, count=1).strip())
        else:
            items[-1] += f" {line.strip()}"
    return items
