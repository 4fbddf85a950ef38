"""What the live normality says of real normal footage: the scores from which `false_alarms` makes its days.

    python -m benchmarks.normal_scores --out .cache/benchmarks/normal_scores.npz

Each recording is played once through the stages that run live, as one camera; it learns from the beginning,
and only what comes after its learning phase counts: no frame is scored that was learned from before. Of
`home` only the time counts in which nobody does anything: 3 s and more from every labelled segment.
"""

import argparse
import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.false_alarms import FPS
from models.checkpoint import DEFAULT_DIR
from models.runtime import Encoder, open_encoder
from pipeline.anomaly import AnomalySettings
from pipeline.finding import STATISTICS
from pipeline.normality import NormalitySettings
from pipeline.replay import ReplayResult, ReplaySettings, replay

F32 = NDArray[np.float32]

MARGIN_S = 3.0
LEARN_S = {"plaza": 30.0, "ped2": 120.0, "home": 120.0}


def scores_of(results: Iterable[ReplayResult]) -> F32:
    """Return (charts, N), the scores FPS times a second: of each half second the last; NaN are left out."""
    slots: dict[tuple[str, int], tuple[float, ...]] = {}
    for result in results:
        if result.anomaly is not None and not np.isnan(result.anomaly.normality.score):
            slots[result.source, int(result.time_s * FPS)] = result.anomaly.normality.statistics
    return np.array(list(slots.values()), np.float32).T


def played(encoder: Encoder, sources: list[Path], learn_s: float) -> Iterable[ReplayResult]:
    """Play sources as one camera that learns from the beginning."""
    anomaly = AnomalySettings(normality=NormalitySettings(learn_s=learn_s))
    return replay(sources, encoder=encoder, settings=ReplaySettings(sample_fps=5.0, anomaly=anomaly))


def empty_times(results: Iterable[ReplayResult], segments: Path) -> Iterable[ReplayResult]:
    """Leave out what lies within MARGIN_S of a labelled segment."""
    busy: dict[str, list[tuple[float, float]]] = {}
    with segments.open(newline="") as file:
        for row in csv.DictReader(file):
            times = (float(row["start_s"]) - MARGIN_S, float(row["end_s"]) + MARGIN_S)
            busy.setdefault(Path(row["file"]).name, []).append(times)
    for result in results:
        if not any(a <= result.time_s <= b for a, b in busy.get(Path(result.source).name, [])):
            yield result


def main() -> None:
    """Play everything and write the scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path(".cache/benchmarks/normal_scores.npz"))
    options = parser.parse_args()
    encoder, data = open_encoder(DEFAULT_DIR, device="cpu"), options.data
    home = sorted((data / "home/video").glob("*.mp4"))
    streams = {
        "plaza": played(encoder, [data / "video/plaza.mp4"], LEARN_S["plaza"]),
        "ped2": played(encoder, [data / "ped2/train"], LEARN_S["ped2"]),
        "home": empty_times(played(encoder, home, LEARN_S["home"]), data / "home/segments.csv"),
    }
    scores = {name: scores_of(results) for name, results in streams.items()}
    for name, values in scores.items():
        most = zip(STATISTICS, values.max(axis=1), strict=True)
        highest = ", ".join(f"{statistic} {value:.2f}" for statistic, value in most)
        print(f"{name}: {values.shape[1] / FPS:.0f} s, most {highest}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(options.out, **scores)


if __name__ == "__main__":
    main()
