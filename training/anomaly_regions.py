"""What was said of sampled frames in, a JSON file with region and sentence of each out, for the eye."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.anomaly_scores import ClipScores, Judged


def write_regions(clips: Sequence[ClipScores], file: Path) -> None:
    """Write clip → one object for each sampled frame; regions are shares of the picture."""
    said = {one.clip.name: [_record(judged) for judged in one.judged] for one in clips}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(said) + "\n", encoding="utf-8")


def _record(judged: Judged) -> dict[str, Any]:
    return {
        "frame": judged.frame,
        "time_s": round(judged.time_s, 3),
        "score": None if math.isnan(judged.score) else round(judged.score, 4),
        "parts": {
            name: None if math.isnan(value) else round(value, 4) for name, value in judged.rarities.items()
        },
        "level": round(judged.level, 4),
        "region": {name: round(value, 4) for name, value in asdict(judged.region).items()},
        "words": judged.words,
    }
