"""Which single picture per sampled frame shows an ImageNet encoder most of what happens.

Each clip of a labelled folder is drawn in several ways, each drawing goes through the frame encoder once per
frame, and logistic regression on the mean, the deviation and the mean step of the pooled features says how
well the classes can be told apart: accuracy over five folds that keep groups together, three shuffles.

    python benchmarks/pictures.py ../shared/data/fight ../shared/data/crash
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.checkpoint import DEFAULT_DIR, FRAME_ENCODER_FILE
from models.motion import MotionSettings
from models.onnx_runtime import LARGEST_BATCH, open_session
from training.footage import Footage, render_file

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
SAMPLE_FPS = 6.0
DRAWN = ("frame", "difference", "history", "fused")


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of labels.csv."""

    path: Path
    label: str
    group: str


def channels(drawn: U8, order: str) -> U8:
    """Stack grey, difference and history channels in the order of their first letters."""
    grey = cv2.cvtColor(drawn[0], cv2.COLOR_RGB2GRAY)
    named = {"g": grey, "d": drawn[3][..., 0], "h": drawn[2][..., 0]}
    return np.stack([np.asarray(named[letter], dtype=np.uint8) for letter in order], axis=-1)


def faint(drawn: U8, share: float) -> U8:
    """Let the frame shine through the colour difference."""
    return np.asarray(cv2.addWeighted(drawn[1], 1, drawn[0], share, -127 * share), dtype=np.uint8)


def moving_only(drawn: U8) -> U8:
    """Show the frame where something moved of late, 127 elsewhere."""
    shown = (drawn[0].astype(np.int16) - 127) * drawn[2].astype(np.int16) // 255 + 127
    return np.asarray(shown, dtype=np.uint8)


# Name → what turns DRAWN, (4, S, S, 3), into the picture that is encoded.
VARIANTS: dict[str, Callable[[U8], U8]] = {
    "frame": lambda drawn: drawn[0],
    "difference": lambda drawn: drawn[1],
    "history": lambda drawn: drawn[2],
    "fused: difference twice, history from 127": lambda drawn: drawn[3],
    "history, difference, grey": lambda drawn: channels(drawn, "hdg"),
    "grey, difference, history": lambda drawn: channels(drawn, "gdh"),
    "difference + 0.15 frame": lambda drawn: faint(drawn, 0.15),
    "frame where it moves": moving_only,
}


class PooledEncoder:
    """The frame encoder of a checkpoint, one thread."""

    def __init__(self, model: Path) -> None:
        self._session = open_session(model, threads=1)

    def encode(self, pictures: U8) -> F32:
        """Return (N, 1280) for (N, S, S, 3)."""
        batches = np.array_split(pictures, range(LARGEST_BATCH, len(pictures), LARGEST_BATCH))
        return np.concatenate([self._session.run(["pooled"], {"pictures": batch})[0] for batch in batches])


def read_clips(folder: Path) -> list[Clip]:
    """Read a data folder's labels.csv."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        return [Clip(folder / row["file"], row["label"], row["group"]) for row in csv.DictReader(file)]


def summarise(features: F32) -> F32:
    """Return mean, deviation and mean absolute step over time: (T, 1280) → (3840,)."""
    step = np.abs(np.diff(features, axis=0)).mean(axis=0) if len(features) > 1 else np.zeros_like(features[0])
    return np.concatenate([features.mean(axis=0), features.std(axis=0), step])


def describe(clip: Clip, encoder: PooledEncoder) -> Iterator[F32]:
    """Yield one clip's statistics in the order of VARIANTS; the first frame has no motion and is left out."""
    footage = Footage(MotionSettings(pictures=DRAWN), sample_fps=SAMPLE_FPS)
    views = [view.pictures for view in render_file(clip.path, footage)]
    for draw in VARIANTS.values():
        pictures = np.stack([np.ascontiguousarray(draw(view)) for view in views[1:]])
        yield summarise(encoder.encode(pictures))


def accuracies(features: F32, clips: list[Clip]) -> list[float]:
    """Return the accuracy of each of 3 x 5 folds."""
    labels, groups = [clip.label for clip in clips], [clip.group for clip in clips]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=300))
    scores: list[float] = []
    for seed in range(3):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        scores.extend(cross_val_score(model, features, labels, groups=groups, cv=folds))
    return scores


def measure(folder: Path, encoder: PooledEncoder) -> dict[str, list[float]]:
    """Return the folds' accuracies of each variant, and of the two passes."""
    clips = read_clips(folder)
    described = np.stack([np.stack(list(describe(clip, encoder))) for clip in clips])
    columns = {name: described[:, index] for index, name in enumerate(VARIANTS)}
    columns["difference + history, two passes"] = np.hstack([columns["difference"], columns["history"]])
    columns["frame + difference, two passes"] = np.hstack([columns["frame"], columns["difference"]])
    return {name: accuracies(features, clips) for name, features in columns.items()}


def main() -> int:
    """Print one table per folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with a labels.csv")
    parser.add_argument("--model", type=Path, default=DEFAULT_DIR / FRAME_ENCODER_FILE, help="frame encoder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    encoder = PooledEncoder(arguments.model)
    for folder in arguments.folders:
        print(f"\n| {folder.name} | accuracy |\n|---|---|")
        for name, scores in measure(folder, encoder).items():
            print(f"| {name} | {np.mean(scores):.3f} ± {np.std(scores):.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
