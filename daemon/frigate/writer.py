"""What was imported in, a settings file with comments out."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from daemon.frigate.cameras import ImportedCamera
from daemon.frigate.remarks import Remark

_HEAD = """\
# Made by `videobertd import-frigate`. Every setting that is not here has its default: docs/configuration.md.
# `videobertd check --config FILE` tries each camera and the broker.
"""


def settings_text(
    broker: Mapping[str, Any], cameras: Iterable[ImportedCamera], remarks: Iterable[Remark]
) -> str:
    """Return the file; what was not taken over stands at its end."""
    parts = [_HEAD, "[mqtt]\n" + _lines(broker)]
    parts += [_camera_text(camera) for camera in cameras]
    left = "".join(f"#   {remark.where}: {remark.words}\n" for remark in remarks)
    return "\n".join([*parts, f"# Not taken over from Frigate:\n{left}" if left else ""]).rstrip("\n") + "\n"


def _camera_text(camera: ImportedCamera) -> str:
    name, content = camera.name, camera.as_table()
    zones, rules = content.pop("zones", {}), content.pop("rules", [])
    text = f"[cameras.{name}]\n{_lines(content)}"
    for zone, fields in zones.items():
        note = "# Frigate ignores movement in a motion mask; here nothing in it is looked at.\n"
        text += f"\n{note if fields.get('mask') else ''}[cameras.{name}.zones.{zone}]\n{_lines(fields)}"
    for rule in rules:
        note = "# An object mask of Frigate's: what happens there is not told.\n"
        text += f"\n{note}[[cameras.{name}.rules]]\n{_lines(rule)}"
    return text


def _lines(fields: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in fields.items())


def _value(value: Any) -> str:
    """Return a value as TOML writes it, which is how JSON does where there is no control character."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)
