"""A YAML file from elsewhere in, plain values out; what is too large, too deep or no table is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import SettingsError

# The largest configurations have some hundred lines for each of some dozen cameras.
MAX_BYTES = 1_000_000
MAX_VALUES = 100_000


def read_yaml(path: Path) -> Mapping[str, Any]:
    """Return the file's top table.

    Raises:
        SettingsError: it cannot be read, is not YAML, is no table, or is larger than any configuration.
    """
    try:
        node = yaml.compose(_read_text(path), Loader=yaml.SafeLoader)
        if node is not None:
            _check_size(path, node)
        values = yaml.SafeLoader("").construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date such as 2026-99-99
        raise SettingsError(f"{path}: is not valid YAML: {_place(error)}") from error
    except RecursionError as error:
        raise SettingsError(f"{path}: its values are nested too deeply") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: is no Frigate configuration: it holds no table")
    return values


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(
                f"{path}: is larger than {MAX_BYTES / 1e6:g} MB: is it a Frigate configuration?"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text") from error


def _check_size(path: Path, root: yaml.Node) -> None:
    """Refuse a file whose aliases stand for more than a configuration can hold, before they are followed."""
    sizes: dict[int, int | None] = {}  # by node; None while it is being counted

    def size_of(node: yaml.Node) -> int:
        if id(node) in sizes:
            size = sizes[id(node)]
            if size is None:
                raise SettingsError(f"{path}: a value contains itself")
            return size
        sizes[id(node)] = None
        sizes[id(node)] = total = 1 + sum(map(size_of, _children(node)))
        return total

    if size_of(root) > MAX_VALUES:
        raise SettingsError(f"{path}: holds more than {MAX_VALUES} values: is it a Frigate configuration?")


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _place(error: Exception) -> str:
    """Return where the mistake is, without the text around it, which may hold a password."""
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f" in line {mark.line + 1}"
    return f"{getattr(error, 'problem', None) or 'a value cannot be read'}{where}"
