"""How many alarms a day a calibrated camera raises on nothing, over many days, beside a 3-sigma threshold.

    python -m benchmarks.false_alarms                      # simulated scores, a minute
    python -m benchmarks.false_alarms --footage FILE.npz   # real ones, from benchmarks/normal_scores.py

Simulated: x is a first-order autoregressive process of unit variance, observed twice a second; scores are
max(0, 2 + x), or exp(x / 2), whose tail is heavier than the exponential one that a young calibration expects.
`day and night`: both level and spread follow the time of day, three times as high at noon as at midnight.
`drifting`: both rise by a tenth a day. `three`: as many such processes that know nothing of one another, one
for each chart (`pipeline.finding`). Real: blocks of `--block` seconds, drawn at random from the
scores of normal footage, one clip a camera. Nothing unusual ever happens: every alarm is a false one.

The 3-sigma threshold is mean + 3 deviations of the first day, of each chart its own; what exceeds it is
merged like our alarms are.
"""

import argparse
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.alarm import ONE_CHART, Alarm, AlarmPhase, AlarmSettings
from pipeline.control_chart import DAY_S, ChartSettings
from pipeline.finding import CHARTS
from pipeline.sustained import WINDOW, Sustained

F64 = NDArray[np.float64]

FPS = 2
# Stretches that are taken at once: the finest blocks of the calibration.
STRETCH_S = 5.0
STRETCH = int(STRETCH_S * FPS)
SETTINGS = AlarmSettings()
MERGE_S = SETTINGS.hold_s + SETTINGS.cooldown_s


@dataclass(frozen=True, slots=True)
class Weather:
    """How simulated scores vary: `memory_s`, a heavy tail, with the time of day, and from day to day.

    `charts` are those that judge them, each its own.
    """

    name: str
    memory_s: float = 2.0
    heavy: bool = False
    diurnal: bool = False
    drift_per_day: float = 0.0
    charts: Mapping[str, ChartSettings] = field(default_factory=lambda: ONE_CHART)

    def scores(self, rng: np.random.Generator, days: int) -> F64:
        """Return (charts, N): the scores of one camera, FPS a second."""
        return np.stack([self._of_chart(rng, days) for _ in self.charts])

    def _of_chart(self, rng: np.random.Generator, days: int) -> F64:
        keep = np.exp(-1 / (self.memory_s * FPS))
        noise = rng.standard_normal(int(days * DAY_S * FPS)) * np.sqrt(1 - keep**2)
        values = lfilter([1.0], [1.0, -keep], noise)
        scores = np.exp(values / 2) if self.heavy else np.maximum(values + 2, 0)
        day = np.arange(len(scores)) / (DAY_S * FPS)
        shape = 1 - 0.5 * np.cos(2 * np.pi * day) if self.diurnal else 1.0
        return np.asarray(scores * shape * (1 + self.drift_per_day * day))


WEATHERS = (
    Weather("Gaussian, memory 2 s"),
    Weather("Gaussian, memory 20 s", memory_s=20.0),
    Weather("log-normal, memory 2 s", heavy=True),
    Weather("log-normal, memory 20 s", memory_s=20.0, heavy=True),
    Weather("Gaussian, memory 20 s, day and night", memory_s=20.0, diurnal=True),
    Weather("log-normal, memory 20 s, day and night", memory_s=20.0, heavy=True, diurnal=True),
    Weather("Gaussian, memory 20 s, drifting", memory_s=20.0, drift_per_day=0.1),
    Weather("three log-normal, memory 2 s", heavy=True, charts=CHARTS),
    Weather("three log-normal, memory 20 s", memory_s=20.0, heavy=True, charts=CHARTS),
)


def resampled(scores: F64, rng: np.random.Generator, *, days: int, block_s: float) -> F64:
    """Return days of (charts, N) scores, of random blocks of a clip; a block may run over the clip's end."""
    length, total = int(block_s * FPS), scores.shape[1]
    starts = rng.integers(0, total, int(np.ceil(days * DAY_S * FPS / length)))
    places = (starts[:, None] + np.arange(length)) % total
    return scores[:, places.reshape(-1)[: int(days * DAY_S * FPS)]]


def alarms_by_day(
    values: F64, budget_per_day: float, charts: Mapping[str, ChartSettings]
) -> NDArray[np.int64]:
    """Run the alarm over one camera's (charts, N) scores; return how many opened on each day."""
    alarm = Alarm(AlarmSettings(budget_per_day=budget_per_day), charts)
    opened = np.zeros(int(values.shape[1] / FPS // DAY_S), np.int64)
    stretches = cut(values)
    levels = cut(all_sustained(values, charts))
    for i, highest in enumerate(levels.max(axis=2).tolist()):
        newest = [
            Sustained(tuple(scores[-WINDOW:].tolist()), float(level[-1]), chart.mean_s)
            for scores, level, chart in zip(stretches[i], levels[i], charts.values(), strict=True)
        ]
        if alarm.pass_calm((i + 1) * STRETCH_S, highest, newest=newest, duration_s=STRETCH_S):
            continue
        for j, scores in enumerate(stretches[i].T.tolist(), start=1):
            change = alarm.update(i * STRETCH_S + j / FPS, scores)
            if change is not None and change.phase is AlarmPhase.OPENED:
                opened[min(int(change.time_s // DAY_S), len(opened) - 1)] += 1
    return opened


def cut(values: F64) -> F64:
    """Return (stretches, charts, STRETCH) of (charts, N) values."""
    return values.reshape(len(values), -1, STRETCH).swapaxes(0, 1)


def all_sustained(values: F64, charts: Mapping[str, ChartSettings]) -> F64:
    """Return (charts, N): what each chart's scores come to."""
    rows = zip(values, charts.values(), strict=True)
    return np.stack([sustained(row, chart.mean_s) for row, chart in rows])


def sustained(values: F64, mean_s: float) -> F64:
    """Return what each score and those before it come to, as the alarm judges them (`pipeline.sustained`)."""
    before = np.concatenate([np.zeros(2), values])
    lasting = np.sort(np.stack([before[2:], before[1:-1], before[:-2]]), axis=0)[1]
    kept = np.exp(-1 / (FPS * mean_s))
    return np.asarray(lfilter([1 - kept], [1.0, -kept], lasting))


def sigma_alarms_a_day(values: F64, charts: Mapping[str, ChartSettings]) -> float:
    """Return how often a day a threshold of mean + 3 deviations of the first day is exceeded, after it."""
    levels, day = all_sustained(values, charts), int(DAY_S * FPS)
    first = levels[:, :day]
    limits = first.mean(axis=1, keepdims=True) + 3 * first.std(axis=1, keepdims=True)
    high = np.flatnonzero((levels[:, day:] >= limits).any(axis=0))
    begun = 1 + int((np.diff(high) > MERGE_S * FPS).sum()) if len(high) else 0
    return begun / (levels.shape[1] / day - 1)


def streams(weather: Weather, options: argparse.Namespace) -> Iterator[F64]:
    """Yield the simulated scores of each camera."""
    for seed in range(options.first_seed, options.first_seed + options.cameras):
        yield weather.scores(np.random.default_rng(seed), options.days)


def clips(file: Path, options: argparse.Namespace) -> Iterator[tuple[str, Iterator[F64]]]:
    """Yield each clip's name and its resampled cameras."""
    with np.load(file) as stored:
        for name in stored.files:
            scores = stored[name].astype(np.float64)  # (charts, N)
            seeds = range(options.first_seed, options.first_seed + options.cameras)
            yield (
                f"{name} ({scores.shape[1] / FPS:.0f} s)",
                (
                    resampled(scores, np.random.default_rng(s), days=options.days, block_s=options.block)
                    for s in seeds
                ),
            )


def report(name: str, cameras: Iterator[F64], budget: float, charts: Mapping[str, ChartSettings]) -> None:
    """Print one line of the table."""
    table, floors = [], []
    for values in cameras:
        table.append(alarms_by_day(values, budget, charts))
        floors.append(sigma_alarms_a_day(values, charts))
    first, later = np.array(table)[:, 0], np.array(table)[:, 1:]
    print(
        f"| {name} | {first.mean():.1f} ({first.max()}) | {later.mean():.2f} "
        f"| {np.percentile(later, 90):.0f} | {np.mean(floors):.0f} |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cameras", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=0, help="of the first camera (default: 0)")
    parser.add_argument("--days", type=int, default=8, help="the first is reported apart (default: 8)")
    parser.add_argument("--budget", type=float, default=1.0, help="alarms per camera and day (default: 1)")
    parser.add_argument("--footage", type=Path, help="scores of normal footage, one array a clip")
    parser.add_argument("--block", type=float, default=60.0, help="seconds (default: 60)")
    options = parser.parse_args()
    print(f"budget {options.budget:g} a day, {options.cameras} cameras, {options.days} days")
    print("| scores | first day: mean (most) | later: mean a day | 90th percentile | 3 sigma, a day |")
    print("|---|---|---|---|---|")
    began_s = time.perf_counter()
    if options.footage is None:
        for weather in WEATHERS:
            report(weather.name, streams(weather, options), options.budget, weather.charts)
    else:
        for name, cameras in clips(options.footage, options):
            report(name, cameras, options.budget, CHARTS)
    print(f"{time.perf_counter() - began_s:.0f} s")


if __name__ == "__main__":
    main()
