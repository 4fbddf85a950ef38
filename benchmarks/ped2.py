"""Anomaly scores on UCSD Ped2, by the stages and settings that run live.

    python benchmarks/ped2.py --fps 5

Learns from the folders in DATA/train and scores those in DATA/test. Printed is the frame AUC, pooled over all
test frames, on raw scores that use no future frame and no normalisation by clip; frames between two sampled
ones keep the score of the last. Learning goes on during the test, as it does live. The floor is the largest
local difference of two frames, without any learning.

DATA may be what `benchmarks.synthetic_anomalies` made: then the AUC of each kind that was pasted in is
printed too, against the frames with nothing, or a thing as it was, pasted in.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.runtime import Encoder, open_encoder
from pipeline.finding import PARTS
from pipeline.image_folder import list_images
from pipeline.replay import ReplayResult, ReplaySettings, clips_of, replay

IMAGE_FPS = 10.0
# Nothing, or a thing as it was, pasted into a frame.
USUAL = {"", "same"}
CHECKPOINT = Path(__file__).parents[1] / "models/checkpoints/default"


def auc(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the share of (abnormal, normal) pairs in which the abnormal one scores higher; ties are half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    above = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def per_frame(results: list[ReplayResult], count: int, *, part: str | None = None) -> NDArray[np.float64]:
    """Return a score for each of `count` frames: the last sampled one up to it; of one part, if any."""
    scores = np.zeros(count)
    for result in results:
        normality = result.anomaly.normality if result.anomaly else None
        score = 0.0 if normality is None else normality.rarities[part] if part else normality.score
        scores[round(result.time_s * IMAGE_FPS) :] = np.nan_to_num(score)
    return scores


def evaluate(data: Path, encoder: Encoder, fps: float) -> None:
    """Learn, score, and print one line for each clip and the sum of all."""
    truth = json.loads((data / "test/frame_labels.json").read_text())
    settings = ReplaySettings(sample_fps=fps, image_fps=IMAGE_FPS)
    clips, results = clips_of(data / "test"), defaultdict(list)
    started_s = time.perf_counter()
    for result in replay(clips, encoder=encoder, settings=settings, learn=[data / "train"]):
        results[Path(result.source).name].append(result)
    took_s = time.perf_counter() - started_s
    scores = {clip.name: per_frame(results[clip.name], len(list_images(clip))) for clip in clips}
    labels = {clip.name: np.array(truth[clip.name]) for clip in clips}
    for name, values in scores.items():
        events = [event for result in results[name] for event in result.events if event.phase == "new"]
        begins = ", ".join(f"{event.start_utc_s:.1f} s {event.explanation}" for event in events)
        mean = [
            values[labels[name] == label].mean() if (labels[name] == label).any() else np.nan
            for label in (0, 1)
        ]
        print(f"{name}: mean score normal {mean[0]:.2f}, abnormal {mean[1]:.2f}; events: {begins or 'none'}")
    pooled = auc(np.concatenate(list(scores.values())), np.concatenate(list(labels.values())))
    rows = {"score": np.concatenate(list(scores.values()))}
    for part in PARTS:
        alone = [per_frame(results[clip.name], len(labels[clip.name]), part=part) for clip in clips]
        rows[f"{part} alone"] = np.concatenate(alone)
    rows["floor"] = np.concatenate([largest_differences(clip, fps) for clip in clips])
    kinds = kinds_of(data, clips)
    for name, values in rows.items():
        by_kind = [f"{kind} {against_usual(values, kinds, kind):.3f}" for kind in sorted(set(kinds) - USUAL)]
        print(f"{name}: {auc(values, np.concatenate(list(labels.values()))):.3f}", *by_kind, sep="  ")
    print(f"{fps:g} fps, {encoder.name}: pooled raw frame AUC {pooled:.3f}, {took_s:.0f} s in all")


def largest_differences(clip: Path, fps: float) -> NDArray[np.float64]:
    """Return for each frame the largest mean over 21 x 21 pixels of its change since the last sampled one."""
    step = round(IMAGE_FPS / fps)
    greys = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in list_images(clip)]
    values = np.zeros(len(greys))
    for index in range(step, len(greys), step):
        change = cv2.absdiff(greys[index], greys[index - step]).astype(np.float32)
        values[index : index + step] = cv2.blur(change, (21, 21)).max()
    return values


def kinds_of(data: Path, clips: list[Path]) -> NDArray[np.str_]:
    """Return what was pasted into each frame of all clips; nothing where DATA is real."""
    path = data / "test/kinds.json"
    named = json.loads(path.read_text()) if path.exists() else {}
    return np.array([kind for clip in clips for kind in named.get(clip.name, [])])


def against_usual(values: NDArray[np.float64], kinds: NDArray[np.str_], kind: str) -> float:
    """Return the AUC of the frames of one kind against those with nothing unusual pasted in."""
    counts = np.isin(kinds, [*USUAL, kind])
    return auc(values[counts], (kinds[counts] == kind).astype(np.int64))


def main() -> None:
    """Read the command line and evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ped2"))
    parser.add_argument("--fps", type=float, default=5.0, help="sampled frames a second (default: 5)")
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    options = parser.parse_args()
    evaluate(options.data, open_encoder(options.checkpoint, device="cpu"), options.fps)


if __name__ == "__main__":
    main()
