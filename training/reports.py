"""A command's report in, the same as JSON on the screen and in a file out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def show(report: Mapping[str, Any], file: Path | None) -> None:
    """Print a report, and write it into `file` where one is given."""
    text = json.dumps(report, indent=2, ensure_ascii=False)
    print(text)
    if file:
        file.write_text(text + "\n", encoding="utf-8")
