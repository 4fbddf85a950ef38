"""Reports in, the same as JSON on the screen and in a file out, and how their numbers are shown."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel


def show(report: Mapping[str, Any], file: Path | None) -> None:
    """Print a report, and write it into `file` where one is given."""
    print(to_json(report))
    if file:
        write_json(file, report)


def write_json(file: Path, report: Mapping[str, Any]) -> None:
    """Write a report; folders are made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(to_json(report) + "\n", encoding="utf-8")


def to_json(report: Mapping[str, Any]) -> str:
    """Return a report as JSON, with null for what is no number."""
    return json.dumps(_finite(report), indent=2, ensure_ascii=False)


def schema_of(report: type[BaseModel], title: str) -> dict[str, Any]:
    """Return a report's JSON Schema (draft 2020-12)."""
    schema = report.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def shown(value: float | None) -> str:
    """Return a number for people, a dash for what is none."""
    return "–" if value is None else f"{value:.3f}"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
