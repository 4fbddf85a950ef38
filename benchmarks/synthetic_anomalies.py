"""Held-out normal clips in, a test set with made-up anomalies out: choices need no look at true test labels.

    python -m benchmarks.synthetic_anomalies ../shared/data/ped2/train --holdout 11 12 13 14 15 16 --out MADE
    videobert-train anomaly --train MADE/0/train --test MADE/0/test --fps 10 --json report.json

Things that walk through another held-out clip are cut out and pasted in: faster, larger, wider, gliding in
one pose, with another texture. As controls, which are labelled normal, some are pasted as they are, or at a
height of the picture where they did not walk. All fade in and out; what is half there counts as there. Each
round N is a data set of its own, OUT/N/train and OUT/N/test, with frame_labels.json (clip → 0/1 per frame)
and kinds.json (clip → the kind that was pasted into each frame, or ""). All frames are lossless, whether
something was pasted or not. What each kind is worth: `python -m benchmarks.kinds`.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np

from benchmarks.things import U8, Sight, Thing, find_things
from pipeline.image_folder import list_images

# Frames without anything between two pasted things, and before the first.
PAUSE_FRAMES, SHORTEST_FRAMES, LONGEST_FRAMES = 12, 20, 50
# Nothing appears or vanishes at once: to pop up would be unusual whatever it is.
FADE_FRAMES = 8
CHECK_PX = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """How a thing is changed: times its speed, width and height, downwards by a share of the picture."""

    is_anomaly: bool
    speed: float = 1.0
    width: float = 1.0
    height: float = 1.0
    down: float = 0.0
    glides: bool = False
    is_textured: bool = False


KINDS = {
    "fast 1.7": Kind(is_anomaly=True, speed=1.7),
    "same": Kind(is_anomaly=False),
    "fast 2": Kind(is_anomaly=True, speed=2.0),
    "large": Kind(is_anomaly=True, width=1.6, height=1.6),
    "wide": Kind(is_anomaly=True, speed=1.3, width=2.2),
    "elsewhere": Kind(is_anomaly=False, down=0.15),
    "glides": Kind(is_anomaly=True, speed=1.2, glides=True),
    "texture": Kind(is_anomaly=True, is_textured=True),
}


@dataclass(frozen=True, slots=True)
class Pasted:
    """A clip with things pasted in: its frames (H, W, 3), and for each frame the kind, or ""."""

    frames: tuple[U8, ...]
    kinds: tuple[str, ...]

    @property
    def labels(self) -> list[int]:
        """Return 1 for each frame with an anomaly, else 0."""
        return [int(bool(kind) and KINDS[kind].is_anomaly) for kind in self.kinds]


def performance(thing: Thing, kind: Kind) -> Iterator[Sight]:
    """Yield a thing's sights at the kind's speed, unscaled, at the places where they belong.

    A thing at x = 0, 1, 2, 3 is at 0, 1.7, and no more at 3.4 if it goes 1.7 times as fast.
    """
    path = thing.path()
    pose = thing.sights[len(thing.sights) // 2] if kind.glides else None
    for time in np.arange(0, len(thing.sights) - 1 + 1e-9, kind.speed):
        index = min(int(time), len(path) - 2)
        middle = path[index] + (time - index) * (path[index + 1] - path[index])
        sight = pose or thing.sights[index]
        height, width = sight.alpha.shape
        yield Sight(sight.picture, sight.alpha, float(middle[0]) - width / 2, float(middle[1]) - height / 2)


def paste(frame: U8, sight: Sight, kind: Kind, *, strength: float = 1.0) -> U8:
    """Return the frame with the sight in it, grown by the kind's factors from the middle of its feet.

    `strength` is 1 where it hides what is behind it, 0 where it is not there.
    """
    height_px, width_px = frame.shape[:2]
    rows, columns = sight.alpha.shape
    x_px = sight.x_px + columns * (1 - kind.width) / 2
    y_px = sight.y_px + rows * (1 - kind.height) + kind.down * height_px
    place = np.array([[kind.width, 0, x_px], [0, kind.height, y_px]], np.float32)
    picture = _checked(sight.picture) if kind.is_textured else sight.picture
    layer = cv2.warpAffine(picture, place, (width_px, height_px), borderMode=cv2.BORDER_REPLICATE)
    alpha = strength * cv2.warpAffine(sight.alpha, place, (width_px, height_px))[..., None]
    return np.asarray(np.rint(frame + alpha * (layer.astype(np.float32) - frame)), np.uint8)


def paste_into(frames: Sequence[U8], things: Sequence[Thing], kinds: Iterator[str], first: int) -> Pasted:
    """Paste one thing after another, each as the next kind, from frame `first` on until the clip is over."""
    made, named = list(frames), [""] * len(frames)
    for thing in things:
        name = next(kinds)
        if first + SHORTEST_FRAMES > len(frames):
            break
        sights = list(performance(thing, KINDS[name]))[: min(LONGEST_FRAMES, len(frames) - first)]
        for shown, sight in enumerate(sights):
            strength = min(1.0, (shown + 1) / FADE_FRAMES, (len(sights) - shown) / FADE_FRAMES)
            made[first + shown] = paste(made[first + shown], sight, KINDS[name], strength=strength)
            named[first + shown] = name if strength >= 0.5 else ""
        first += len(sights) + PAUSE_FRAMES
    return Pasted(tuple(made), tuple(named))


def _checked(picture: U8) -> U8:
    """Return a chequered pattern of the picture's own brightness: no clothes look like it."""
    rows, columns = np.indices(picture.shape[:2]) // CHECK_PX
    level = int(picture.mean())
    pattern = np.where((rows + columns) % 2, max(level - 45, 0), min(level + 45, 255))
    return np.repeat(pattern[..., None], 3, axis=2).astype(np.uint8)


def write_clip(folder: Path, frames: Sequence[U8]) -> None:
    """Write frames as 000.png, 001.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"{index:03}.png"), frame)


def write_round(
    data: Path, clips: dict[str, list[U8]], things: Sequence[Thing], *, out: Path, seed: int
) -> None:
    """Write one data set: `train` are links to the other clips of `data`, `test` is made of `clips`."""
    rng = np.random.default_rng(seed)
    kinds = cycle(np.roll(list(KINDS), seed).tolist())
    made = {}
    for name, frames in clips.items():
        others = [thing for thing in things if thing.clip != name]
        order = [others[index] for index in rng.permutation(len(others))]
        made[name] = paste_into(frames, order, kinds, int(rng.integers(PAUSE_FRAMES, 3 * PAUSE_FRAMES)))
        write_clip(out / "test" / name, made[name].frames)
    labels = {name: clip.labels for name, clip in made.items()}
    (out / "test/frame_labels.json").write_text(json.dumps(labels))
    (out / "test/kinds.json").write_text(json.dumps({name: clip.kinds for name, clip in made.items()}))
    (out / "train").mkdir(exist_ok=True)
    for clip in sorted(path for path in data.iterdir() if path.is_dir() and path.name not in clips):
        link = out / "train" / clip.name
        link.unlink(missing_ok=True)
        link.symlink_to(clip.resolve())


def main() -> int:
    """Write the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder of normal clips, each a folder of images")
    parser.add_argument(
        "--holdout", nargs="+", required=True, help="clips to paste into; the others are learned"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    clips = {
        name: [cv2.imread(str(path)) for path in list_images(options.data / name)] for name in options.holdout
    }
    things = [thing for name, frames in clips.items() for thing in find_things(name, frames)]
    for seed in range(options.rounds):
        write_round(options.data, clips, things, out=options.out / str(seed), seed=seed)
    print(f"{len(things)} things from {len(clips)} clips, {options.rounds} data sets in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
