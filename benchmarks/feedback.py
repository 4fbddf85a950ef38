"""What "not an alarm" costs: after twenty words on other things, which anomalies are still told?

    python -m benchmarks.feedback
    python -m benchmarks.feedback --made MADE/4/test MADE/5/test

Ped2: learned from training clips 01–10; the twenty strongest moments of the held-out clips 11–16, which are
normal, are dismissed as a user would who finds them in the list; the test clips then say what is still found.
Home: learned from the recordings without a fall; dismissed are the twenty strongest moments outside of falls
in the first half of the others; the falls of the second half say what is still found.

A moment is everything at least as high as the twentieth peak, within 2 s around its own peak. That height is
the threshold of everything below; heights are those that the alarm judges (`pipeline.control_chart`), for
which an excused frame is a new beginning. Scores are the same before and after, so that only the feedback
makes a difference.
"""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.checkpoint import DEFAULT_DIR
from models.runtime import Encoder, open_encoder
from pipeline.feedback import Lesson, Lessons, Sights, Verdict
from pipeline.finding import CHARTS
from pipeline.replay import ReplayResult, ReplaySettings, replay
from pipeline.sustained import Sustained
from pipeline.types import Sight

WORDS = 20
AROUND_S = 2.0
MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What one frame said: its clip and second, how high it is alone and with those before, what it showed.

    `heights` are those of the control charts, as multiples of the thresholds, and so is `lasting`, the
    highest of what they come to with those before.
    """

    clip: str
    time_s: float
    heights: tuple[float, ...]
    lasting: float
    sight: Sight

    @property
    def height(self) -> float:
        """Return the highest of the charts'."""
        return max(self.heights)

    def is_high(self, threshold: float) -> bool:
        """Say whether the frame and those before it reach the threshold."""
        return min(self.height, self.lasting) >= threshold


def moments(results: Iterable[ReplayResult]) -> list[Moment]:
    """Return what each judged frame said."""
    said = [
        Moment(Path(r.source).name, r.time_s, r.anomaly.heights, 0.0, r.anomaly.sight)
        for r in results
        if r.anomaly is not None and not np.isnan(r.anomaly.normality.score)
    ]
    return after(Lessons(), said, threshold=np.inf)


def after(lessons: Lessons, said: Iterable[Moment], *, threshold: float) -> list[Moment]:
    """Return the moments, each with what it comes to with those before it; those excused come to nothing."""
    judged: list[Moment] = []
    nothing = tuple(Sustained(mean_s=chart.mean_s) for chart in CHARTS.values())
    sustained = nothing
    for moment in said:
        before = judged[-1] if judged and judged[-1].clip == moment.clip else None
        is_excused = moment.height >= threshold and lessons.excuse(moment.sight)
        if is_excused or before is None:
            sustained = nothing
        if not is_excused:
            step_s = 0.0 if before is None else moment.time_s - before.time_s
            pairs = zip(sustained, moment.heights, strict=True)
            sustained = tuple(one.then(height, step_s) for one, height in pairs)
        judged.append(replace(moment, lasting=max(one.level for one in sustained)))
    return judged


def near(one: Moment, other: Moment) -> bool:
    """Say whether two moments are one event."""
    return one.clip == other.clip and abs(one.time_s - other.time_s) <= AROUND_S


def strongest(normal: list[Moment], count: int) -> list[Moment]:
    """Return the highest peaks, no two within twice AROUND_S."""
    peaks: list[Moment] = []
    for moment in sorted(normal, key=lambda m: -m.lasting):
        apart = all(p.clip != moment.clip or abs(p.time_s - moment.time_s) > 2 * AROUND_S for p in peaks)
        if apart and len(peaks) < count:
            peaks.append(moment)
    return peaks


def dismiss(normal: list[Moment], peaks: list[Moment], threshold: float) -> Lessons:
    """Say of each peak that it was no alarm."""
    lessons = Lessons()
    for number, peak in enumerate(peaks):
        sights = Sights()
        for moment in (m for m in normal if near(m, peak) and m.is_high(threshold)):
            sights.see(moment.sight)
        lessons.take(Lesson(f"{number}", Verdict.NOT_AN_ALARM, peak.time_s, sights.kept))
    return lessons


def is_found(event: Iterable[Moment], threshold: float) -> bool:
    """Say whether an alarm would open."""
    return any(moment.lasting >= threshold for moment in event)


def report(name: str, normal: list[Moment], events: Sequence[list[Moment]]) -> None:
    """Print what is found before and after the feedback."""
    peaks = strongest(normal, WORDS)
    threshold = peaks[-1].lasting
    lessons = dismiss(normal, peaks, threshold)
    before = [event for event in events if is_found(event, threshold)]
    kept = [event for event in before if is_found(after(lessons, event, threshold=threshold), threshold)]
    around = [[m for m in normal if near(m, peak)] for peak in peaks]
    once = sum(is_found(moment, threshold) for moment in around)
    again = sum(is_found(after(lessons, moment, threshold=threshold), threshold) for moment in around)
    print(f"{name}: {len(peaks)} dismissed, threshold {threshold:.2f}")
    print(f"  dismissed things that alarm: {once} before, {again} again")
    print(f"  anomalies found: {len(before)} of {len(events)} before, {len(kept)} after", end="")
    print(f" ({len(kept) / max(len(before), 1):.0%} kept)")
    high = [m for event in events for m in event if m.is_high(threshold)]
    stay = [m for m in high if not lessons.excuse(m.sight)]
    print(f"  their frames above the threshold: {len(high)}, not excused {len(stay)}", end="")
    print(f" ({len(stay) / max(len(high), 1):.1%})", flush=True)


def by_clip(all_moments: list[Moment], chosen: Callable[[Moment], bool]) -> list[list[Moment]]:
    """Return the chosen frames as events: one for each run within a clip."""
    events: dict[tuple[str, int], list[Moment]] = defaultdict(list)
    run, last = 0, False
    for moment in all_moments:
        now = chosen(moment)
        run += now and not last
        if now:
            events[moment.clip, run].append(moment)
        last = now
    return list(events.values())


def ped2(encoder: Encoder, data: Path, tests_in: Path) -> None:
    """Measure on the walkway: what is still found in the clips of `tests_in`, its own or made-up ones."""
    clips = sorted((data / "train").iterdir())
    truth = json.loads((tests_in / "frame_labels.json").read_text())
    tests = sorted(path for path in tests_in.iterdir() if path.is_dir())
    results = replay([*clips[10:], *tests], encoder=encoder, settings=ReplaySettings(), learn=clips[:10])
    played = list(results)
    normal = moments(r for r in played if "train" in Path(r.source).parts)
    seen = moments(r for r in played if "test" in Path(r.source).parts)
    report(str(tests_in), normal, by_clip(seen, lambda m: bool(truth[m.clip][round(m.time_s * 10)])))


def home(encoder: Encoder, data: Path) -> None:
    """Measure on the falls at home."""
    falls: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with (data / "segments.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["label"] == "falling":
                times = (float(row["start_s"]) - MARGIN_S, float(row["end_s"]) + MARGIN_S)
                falls[Path(row["file"]).name].append(times)

    def is_fall(moment: Moment) -> bool:
        return any(begin <= moment.time_s <= end for begin, end in falls[moment.clip])

    clips = sorted((data / "video").glob("*.mp4"))
    lessons, others = (
        [c for c in clips if c.name not in falls],
        [c for c in clips if c.name in falls],
    )
    played = moments(replay(others, encoder=encoder, settings=ReplaySettings(), learn=lessons))
    half = {clip.name for clip in others[: len(others) // 2]}
    normal = [m for m in played if m.clip in half and not is_fall(m)]
    report("home", normal, by_clip([m for m in played if m.clip not in half], is_fall))


def main() -> None:
    """Measure on both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--made", type=Path, nargs="+", default=[], help="test folders of made-up anomalies alone"
    )
    options = parser.parse_args()
    encoder = open_encoder(DEFAULT_DIR, device="cpu")
    for tests_in in options.made or [options.data / "ped2/test"]:
        ped2(encoder, options.data / "ped2", tests_in)
    if not options.made:
        home(encoder, options.data / "home")


if __name__ == "__main__":
    main()
