"""Anomaly scores on UCSD Ped2, by the stages and settings that run live.

    python benchmarks/ped2.py --fps 5

Learns from the folders in DATA/train and scores those in DATA/test. Printed is the frame AUC, pooled over all
test frames, on raw scores that use no future frame and no normalisation by clip; frames between two sampled
ones keep the score of the last. Learning goes on during the test, as it does live. The floor, the largest
local difference of two frames without any learning, has 0.937 on the full test set, of which this is a part.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.runtime import Encoder, open_encoder
from pipeline.finding import PARTS
from pipeline.image_folder import list_images
from pipeline.replay import ReplayResult, ReplaySettings, clips_of, replay

IMAGE_FPS = 10.0
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
    for part in PARTS:
        alone = [per_frame(results[clip.name], len(labels[clip.name]), part=part) for clip in clips]
        print(f"{part} alone: {auc(np.concatenate(alone), np.concatenate(list(labels.values()))):.3f}")
    print(f"{fps:g} fps, {encoder.name}: pooled raw frame AUC {pooled:.3f}, {took_s:.0f} s in all")


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
