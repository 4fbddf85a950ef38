"""How many alarms a day a calibrated camera raises on nothing: autocorrelated scores over many days.

    python benchmarks/false_alarms.py --cameras 8 --days 11

Each camera's score is max(0, 2 + x), x a first-order autoregressive process of unit variance that forgets
within `--memory` seconds, observed twice a second. With `--heavy` it is exp(x / 2), whose tail is heavier
than the exponential one that a young calibration expects. Nothing unusual ever happens: every alarm is a
false one. Printed are alarms per camera-day, their 90th percentile, and the first day apart.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from pipeline.alarm import DAY_S, Alarm, AlarmPhase, AlarmSettings

FPS = 2


def scores(rng: np.random.Generator, *, memory_s: float, seconds: float, heavy: bool) -> NDArray[np.float64]:
    """Return the scores of one camera, FPS a second."""
    keep = np.exp(-1 / (memory_s * FPS))
    noise = rng.standard_normal(int(seconds * FPS)) * np.sqrt(1 - keep**2)
    values, state = np.empty_like(noise), 0.0
    for i, step in enumerate(noise.tolist()):
        state = keep * state + step
        values[i] = state
    return np.exp(values / 2) if heavy else np.maximum(values + 2, 0)


def alarms_by_day(values: NDArray[np.float64], budget_per_day: float) -> NDArray[np.int64]:
    """Run the alarm over one camera's scores; return how many opened on each day."""
    alarm = Alarm(AlarmSettings(budget_per_day=budget_per_day))
    opened = np.zeros(int(len(values) / FPS // DAY_S), np.int64)
    for i, score in enumerate(values.tolist()):
        change = alarm.update(i / FPS, score)
        if change is not None and change.phase is AlarmPhase.OPENED:
            opened[int(change.time_s // DAY_S)] += 1
    return opened


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--days", type=int, default=11, help="the first is reported apart (default: 11)")
    parser.add_argument("--budget", type=float, default=1.0, help="alarms per camera and day (default: 1)")
    parser.add_argument("--memory", type=float, default=2.0, help="seconds (default: 2)")
    parser.add_argument("--heavy", action="store_true", help="a tail heavier than exponential")
    options = parser.parse_args()
    counts = []
    for seed in range(options.cameras):
        rng = np.random.default_rng(seed)
        values = scores(rng, memory_s=options.memory, seconds=options.days * DAY_S, heavy=options.heavy)
        counts.append(alarms_by_day(values, options.budget))
    table = np.array(counts)  # (cameras, days)
    later = table[:, 1:]
    print(f"budget {options.budget:g} a day, {options.cameras} cameras, {options.days} days")
    print(f"first day: mean {table[:, 0].mean():.2f}, 90th percentile {np.percentile(table[:, 0], 90):.1f}")
    print(f"later: mean {later.mean():.2f}, 90th percentile {np.percentile(later, 90):.1f} per camera-day,")
    print(f"       {np.percentile(later.mean(axis=1), 90):.2f} of the cameras' means")


if __name__ == "__main__":
    main()
