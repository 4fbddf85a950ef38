"""A settings file's text and a camera before and after a change in, the text with that change out.

Only what differs is written: every comment, every other setting and the order of all stay as they were. A
file that says something in a form which is not foreseen here comes out as text that means something else, or
nothing: whoever writes it must read it again first, as `daemon.editing.desk` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any

from daemon.config import CameraTable
from daemon.editing.blocks import Block, Path, insert, join, new_block, remove, split, with_values
from daemon.zone_tables import RuleTable, ZoneTable

# What a new zone need not say.
_UNSAID: dict[str, Any] = {
    name: field.default for name, field in ZoneTable.model_fields.items() if not field.is_required()
}


def change_camera(text: str, name: str, before: CameraTable, *, after: CameraTable) -> str:
    """Return the file's text in which the camera `name` has the settings of `after`.

    Raises:
        ValueError: The text is not TOML, or the camera's tables are not tables of their own.
    """
    is_dos = "\r\n" in text and text.count("\r\n") == text.count("\n")
    document = Document(text.replace("\r\n", "\n") if is_dos else text, ("cameras", name))
    own = {key: value for key, value in _own(after).items() if value != _own(before)[key]}
    if own:
        document.set((), {key: _toml(value) for key, value in own.items()})
    _change_zones(document, before.zones, after.zones)
    _change_rules(document, before.rules, after.rules, path=("cameras", name, "rules"))
    changed = join(document.blocks)
    return changed.replace("\n", "\r\n") if is_dos else changed


def add_camera(text: str, name: str, url: str) -> str:
    """Return the file's text with one more camera, after all else.

    Raises:
        ValueError: The text is not TOML.
    """
    block = new_block(("cameras", name), {"url": url})
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    return f"{ended}\n{block.text}"


def remove_camera(text: str, name: str) -> str:
    """Return the file's text without a camera, its zones and its rules.

    Raises:
        ValueError: The text is not TOML.
    """
    blocks = split(text)
    for place in reversed(range(len(blocks))):
        if blocks[place].path[:2] == ("cameras", name):
            blocks = remove(blocks, place)
    return join(blocks)


class Document:
    """The blocks of a file, of which those below one table are changed; paths begin there."""

    def __init__(self, text: str, table: Path) -> None:
        self.blocks = split(text)
        self._table = table

    def set(self, path: Path, values: Mapping[str, Any]) -> None:
        """Give a table's settings values; a table that is not there yet is put after its kind."""
        places = self._places(path)
        if places:
            self.blocks[places[0]] = with_values(self.blocks[places[0]], values)
        else:
            self.add(new_block(self._table + path, values))

    def add(self, block: Block) -> None:
        """Put a table after those of its kind, or else after all of the camera, or at the end."""
        kind = block.path[: len(self._table) + 1]
        kin = [n for n, each in enumerate(self.blocks) if each.path[: len(self._table)] == self._table]
        close = [n for n in kin if len(kind) > len(self._table) and self.blocks[n].path[: len(kind)] == kind]
        self.blocks = insert(self.blocks, max(close or kin or [len(self.blocks) - 1]) + 1, block)

    def remove(self, path: Path) -> None:
        """Take a table out; where there is none, nothing."""
        for place in self._places(path)[:1]:
            self.blocks = remove(self.blocks, place)

    def rename(self, path: Path, name: str) -> None:
        """Give a table another name; its place and its comments stay."""
        for place in self._places(path)[:1]:
            block = self.blocks[place]
            full = (*block.path[:-1], name)
            _, _, rest = block.body.partition("]")
            self.blocks[place] = replace(block, path=full, body=f"[{'.'.join(full)}]{rest}")

    def items(self, path: Path) -> list[Block]:
        """Return the tables of a list such as the rules."""
        return [self.blocks[place] for place in self._places(path, is_item=True)]

    def put_items(self, path: Path, items: Sequence[Block]) -> None:
        """Put other tables where those of a list are, as many as there are."""
        places = self._places(path, is_item=True)
        for place, item in zip(places, items, strict=False):
            self.blocks[place] = replace(self.blocks[place], lead=item.lead, body=item.body)
        for place in reversed(places[len(items) :]):
            self.blocks = remove(self.blocks, place)
        for item in items[len(places) :]:
            self.add(item)

    def _places(self, path: Path, *, is_item: bool = False) -> list[int]:
        wanted = (self._table + path, is_item)
        return [n for n, block in enumerate(self.blocks) if (block.path, block.is_item) == wanted]


def _change_zones(
    document: Document, before: Mapping[str, ZoneTable], after: Mapping[str, ZoneTable]
) -> None:
    gone = [name for name in before if name not in after]
    for name, zone in after.items():
        known = before[name].model_dump() if name in before else _UNSAID
        twin = next((old for old in gone if name not in before and before[old] == zone), None)
        if twin is not None:
            gone.remove(twin)
            document.rename(("zones", twin), name)
            continue
        changed = {key: _toml(value) for key, value in zone.model_dump().items() if known.get(key) != value}
        if changed:
            document.set(("zones", name), changed)
    for name in gone:
        document.remove(("zones", name))


def _change_rules(
    document: Document, before: Sequence[RuleTable], after: Sequence[RuleTable], *, path: Path
) -> None:
    """Let rules that are as they were take their comments to their new places; then change those left."""
    if before == after:
        return
    known = list(zip(before, document.items(("rules",)), strict=True))
    kept = [_take(known, rule) for rule in after]
    blocks = []
    for rule, same in zip(after, kept, strict=True):
        if same is not None:
            blocks.append(same)
        elif known:
            old, block = known.pop(0)
            blocks.append(with_values(block, _differing(old, rule)))
        else:
            blocks.append(new_block(path, _said(rule), is_item=True))
    document.put_items(("rules",), blocks)


def _take(known: list[tuple[RuleTable, Block]], rule: RuleTable) -> Block | None:
    """Take out the table of a rule, None where it is a new one."""
    for number, (old, block) in enumerate(known):
        if old == rule:
            del known[number]
            return block
    return None


def _own(camera: CameraTable) -> dict[str, Any]:
    return camera.model_dump(exclude={"url", "zones", "rules"})


def _said(rule: RuleTable) -> dict[str, Any]:
    """Return what must be written of a new rule."""
    return {key: _toml(value) for key, value in rule.model_dump(exclude_defaults=True).items()}


def _differing(before: RuleTable, after: RuleTable) -> dict[str, Any]:
    known = before.model_dump()
    return {key: _toml(value) for key, value in after.model_dump().items() if known[key] != value}


def _toml(value: Any) -> Any:
    """Return a value as it is written: 21:00 as "21:00", tuples as lists."""
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second else "minutes")
    if isinstance(value, tuple):
        return [_toml(part) for part in value]
    return str(value) if isinstance(value, str) else value
