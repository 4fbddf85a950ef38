"""A command's report in, the same as JSON on the screen and in a file out."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def show(report: Mapping[str, Any], file: Path | None) -> None:
    """Print a report, and write it into `file` where one is given."""
    text = to_json(report)
    print(text)
    if file:
        file.write_text(text + "\n", encoding="utf-8")


def to_json(report: Mapping[str, Any]) -> str:
    """Return a report as JSON, with null for what is no number."""
    return json.dumps(_finite(report), indent=2, ensure_ascii=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
