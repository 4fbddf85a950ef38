"""Falls as anomalies: a room learned from recordings without a fall; is a fall unusual, and how much else is?

    python -m benchmarks.falls ../shared/data/home

A recording in which somebody falls, or lies where he fell, is for testing; all others of the room are
learned. Each of those is scored, too, by a detector that learned the others: what they say is false. Falling
and lying there is one fall, and so are two less than 5 s apart; it is found if an alarm begins in it,
or up to 2 s before: that far off the labels may be. Printed are the live alarm with a budget of one an hour,
the share of falls that the best single threshold finds at so many false alarms an hour (it is chosen on these
labels, so this is an upper bound), and how well each part alone ranks the frames.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.checkpoint import DEFAULT_DIR
from models.runtime import Encoder, open_encoder
from pipeline.finding import PARTS
from pipeline.replay import ReplaySettings
from training.anomaly_folder import Clip, Truth, load_clips, load_truth
from training.anomaly_measures import ClipEvents, Labelled, Span, match, measure_frames, share_found_at
from training.anomaly_report import label
from training.anomaly_scores import F64, ClipScores, score_clips
from training.data_folder import load_data_folder

ABNORMAL = ("falling", "falled")
EARLY_S, PER_HOUR = 2.0, (1.0, 2.0, 6.0, 60.0)


def rooms(folder: Path, by: str) -> dict[str, list[Clip]]:
    """Return the recordings of each room; `by` names the column of segments.csv that says which it is."""
    data = load_data_folder(folder, group_by=by)
    found: dict[str, list[Clip]] = {}
    for clip in load_clips(folder):
        found.setdefault(data.segments_of(clip.name)[0].group, []).append(clip)
    return found


def judge_room(
    clips: Sequence[Clip], truth: Truth, *, encoder: Encoder, settings: ReplaySettings
) -> Iterator[ClipScores]:
    """Yield the scores of every recording of a room, none of them by a detector that has learned it."""
    normal = [clip for clip in clips if not truth.spans[clip.name]]
    others = [clip for clip in clips if truth.spans[clip.name]]
    yield from score_clips(normal, others, encoder=encoder, settings=settings).clips
    for clip in normal:
        lessons = [other for other in normal if other is not clip]
        if lessons:
            yield from score_clips(lessons, [clip], encoder=encoder, settings=settings).clips


def line(found: ClipEvents) -> str:
    """Return one recording's row."""
    delays = ["missed" if one.delay_s is None else f"{one.delay_s:.1f} s" for one in found.events]
    name, falls = Path(found.name).stem[:15], ", ".join(delays) or "–"
    return f"{name}  false alarms {len(found.false_alarms)}  falls: {falls}"


def by_part(labelled: Sequence[Labelled], parts: Mapping[str, Sequence[F64]]) -> str:
    """Return the AUC that the frames would have by each part alone."""
    found = []
    for part, scores in parts.items():
        alone = [replace(one, scores=values) for one, values in zip(labelled, scores, strict=True)]
        found.append(f"{part} {measure_frames(alone, sigma_frames=0).auc:.3f}")
    return f"AUC by part: {', '.join(found)}"


def summary(labelled: Sequence[Labelled], matched: Sequence[ClipEvents]) -> str:
    """Return what all recordings together say."""
    events = [event for one in matched for event in one.events]
    hours = sum(one.normal_s for one in matched) / 3600
    false = sum(len(one.false_alarms) for one in matched)
    found = sum(event.delay_s is not None for event in events)
    frames = measure_frames(labelled, sigma_frames=0)
    lines = [
        f"live alarm: {found} of {len(events)} falls, {false} false alarms in {hours:.2f} h",
        f"frames: AUC {frames.auc:.3f}, AP {frames.ap:.3f}",
    ]
    for rate, best in share_found_at(labelled, PER_HOUR, early_s=EARLY_S).items():
        allowed = f"at most {rate:g} an hour ({int(rate * hours)} here)"
        lines.append(f"{allowed}: {best.share:.2f} found, score {best.threshold:.2f}")
    return "\n".join(lines)


def main() -> int:
    """Print a row for each recording, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--room-by", default="room", help="column of segments.csv that names the camera")
    parser.add_argument("--fps", type=float, help="sampled frames a second (default: the checkpoint's)")
    parser.add_argument("--budget", type=float, default=24.0, help="accepted alarms a day (default: 24)")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_DIR)
    options = parser.parse_args()
    encoder = open_encoder(options.checkpoint, device="cpu")
    settings = ReplaySettings(sample_fps=options.fps, budget_per_day=options.budget)
    labelled, matched = [], []
    parts: dict[str, list[F64]] = {part: [] for part in PARTS}
    for room, clips in rooms(options.folder, options.room_by).items():
        truth = load_truth(options.folder, clips, abnormal=ABNORMAL)
        assert truth is not None
        print(f"room {room}", flush=True)
        for scores in judge_room(clips, truth, encoder=encoder, settings=settings):
            labelled.append(label(scores, truth))
            for part, values in parts.items():
                values.append(scores.of_part(part))
            alarms = [Span(one.start_s, one.end_s) for one in scores.alarms]
            matched.append(match(labelled[-1], alarms, early_s=EARLY_S))
            print(f"  {line(matched[-1])}  highest score {np.max(scores.scores):.1f}", flush=True)
    print(summary(labelled, matched))
    print(by_part(labelled, parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
