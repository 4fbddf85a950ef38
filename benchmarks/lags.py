"""What one picture of three grey differences is worth: to 1/3 s, 1/6 s and 1/12 s ago, as its three channels.

Greys are kept 12 times a second, every second frame is drawn and encoded, in one pass. Logistic regression on
the mean, the deviation and the mean step of the pooled features: accuracy over five folds that keep groups
together, three shuffles, as in `benchmarks/pictures.py`.

    python -m benchmarks.lags ../shared/data/fight ../shared/data/crash
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures import Clip, PooledEncoder, accuracies, read_clips, summarise
from models.checkpoint import DEFAULT_DIR, FRAME_ENCODER_FILE
from models.motion import DIFFERENCE_GAIN, NEUTRAL
from models.sampler import Sampler
from models.scaler import Scaler

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
GREY_FPS = 12.0
TICKS_PER_PICTURE = 2  # 6 pictures a second
PICTURE_PX = 224

# Name → lags of the three channels in ticks of 1/12 s; one lag three times is the plain grey difference.
VARIANTS: dict[str, tuple[int, int, int]] = {
    "1/3, 1/6, 1/12 s": (4, 2, 1),
    "1/12, 1/6, 1/3 s": (1, 2, 4),
    "1/2, 1/3, 1/6 s": (6, 4, 2),
    "1/6 s alone": (2, 2, 2),
    "1/12 s alone": (1, 1, 1),
}


def greys(path: Path) -> Iterator[U8]:
    """Yield a file's grey frames (S, S), 12 a second."""
    sampler, scaler = Sampler(GREY_FPS), Scaler(PICTURE_PX)
    with av.open(path) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and sampler.wants(frame.time):
                yield np.asarray(cv2.cvtColor(scaler.scale(frame).rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def draw(frames: list[U8], tick: int, lags: tuple[int, int, int]) -> U8:
    """Return one picture (S, S, 3); before the first frame stands the first frame.

    Tick 2 with the lags (4, 2, 1) shows frame 2 against the frames 0, 0 and 1.
    """
    now = frames[tick]
    earlier = (frames[max(0, tick - lag)] for lag in lags)
    differences = [cv2.addWeighted(now, DIFFERENCE_GAIN, then, -DIFFERENCE_GAIN, NEUTRAL) for then in earlier]
    return np.asarray(cv2.merge(differences), np.uint8)


def describe(clip: Clip, encoder: PooledEncoder) -> list[F32]:
    """Return one clip's statistics in the order of VARIANTS, the first frame left out: it has no motion."""
    frames = list(greys(clip.path))
    ticks = range(TICKS_PER_PICTURE, len(frames), TICKS_PER_PICTURE)
    return [
        summarise(encoder.encode(np.stack([draw(frames, tick, lags) for tick in ticks])))
        for lags in VARIANTS.values()
    ]


def main() -> int:
    """Print one table per folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders with a labels.csv")
    parser.add_argument("--model", type=Path, default=DEFAULT_DIR / FRAME_ENCODER_FILE, help="frame encoder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    encoder = PooledEncoder(arguments.model)
    for folder in arguments.folders:
        clips = read_clips(folder)
        described = np.stack([np.stack(describe(clip, encoder)) for clip in clips])
        print(f"\n| {folder.name} | accuracy |\n|---|---|")
        for index, name in enumerate(VARIANTS):
            scores = accuracies(described[:, index], clips)
            print(f"| {name} | {np.mean(scores):.3f} ± {np.std(scores):.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
