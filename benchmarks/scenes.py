"""Two scenes learned empty: is each visitor to a room an event, and the bag that is left behind, where it is?

    python -m benchmarks.scenes ../shared/data/video --pictures PICTURES

The empty part of a video is looped, `--learn` seconds long, and learned; then each part is played after
another minute of the empty scene. A loop of a few seconds is a camera that is frozen, and rightly reported as
one, so light that flickers and a sensor's noise are added to every frame. Printed are the alarms, and whether
what is to be found was: an alarm began in time, or its place moved there, and the middle of its region lies
on what is to be found. For people that is whatever differs from the empty scene, for the bag a box that was
drawn by hand. Look at PICTURES.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import av
import cv2
import numpy as np

from models.checkpoint import DEFAULT_DIR
from models.runtime import open_encoder
from models.sampler import Sampler
from pipeline.replay import Player, ReplayResult, ReplaySettings, taught
from pipeline.types import EventKind, EventPhase, Region
from training.anomaly_folder import Clip
from training.anomaly_pictures import Moment, write_pictures
from training.anomaly_scores import ClipScores, clip_scores

# What is played before each part, and by how much alarms may be late or early for what is to be found.
EMPTY_S, LATE_S, EARLY_S = 60.0, 3.0, 0.5
# A pixel differs from the scene by so many grey levels; regions are coarse, a twentieth beside is there.
LEVELS, NEAR_RATIO = 30, 0.05
# Deviation of a pixel, and of the whole picture's brightness from frame to frame.
NOISE_LEVELS, FLICKER_RATIO = 2.0, 0.004
FPS = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found between two times of a video; `box` is where, else what differs from the scene."""

    name: str
    start_s: float
    end_s: float
    box: Region | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the video."""

    start_s: float
    end_s: float
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A video, its empty part, and the parts in which something happens."""

    file: str
    empty: tuple[float, float]
    parts: tuple[Part, ...]


def _visit(number: int, start_s: float, end_s: float, *, comes_s: float) -> Part:
    return Part(start_s, end_s, (Wanted(f"visitor {number}", comes_s, comes_s + LATE_S),))


BAG = Region(0.60, 0.72, 0.12, 0.18)
SCENES = (
    Scene(
        "room-visitors.mp4",
        (0.0, 5.8),
        (
            _visit(1, 5.8, 19.0, comes_s=6.0),
            _visit(2, 22.0, 44.0, comes_s=22.7),
            _visit(3, 49.0, 69.0, comes_s=50.2),
            _visit(4, 73.0, 86.0, comes_s=74.5),
            _visit(5, 90.0, 119.0, comes_s=92.1),
            _visit(6, 123.0, 137.0, comes_s=123.5),
        ),
    ),
    Scene(
        "left-luggage.mp4",
        (3.3, 8.3),
        (
            Part(
                8.3,
                38.9,
                (
                    Wanted("man with a bag", 9.5, 13.0),
                    Wanted("bag, put down", 13.0, 22.0, BAG),
                    Wanted("bag, alone", 22.5, 38.9, BAG),
                ),
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Message:
    """What a subscriber hears: at which time of the part, and about which place."""

    time_s: float
    phase: EventPhase
    region: Region | None
    words: str


def frames(source: Path, span: tuple[float, float]) -> list[np.ndarray]:
    """Return what a video shows between two times, FPS a second, (H, W, 3)."""
    sampler = Sampler(FPS)
    with av.open(str(source)) as container:
        wanted = (one for one in container.decode(video=0) if sampler.wants(one.time) and one.time >= span[0])
        return [one.to_ndarray(format="rgb24") for one in takewhile(lambda one: one.time < span[1], wanted)]


def splice(source: Path, spans: Sequence[tuple[float, float]], out: Path) -> None:
    """Write parts of a video one after the other, each frame with noise of its own."""
    shown = {span: frames(source, span) for span in dict.fromkeys(spans)}
    height_px, width_px = shown[spans[0]][0].shape[:2]
    rng = np.random.default_rng(0)
    noises = [rng.normal(0, NOISE_LEVELS, (height_px, width_px, 1)).astype(np.float32) for _ in range(16)]
    with av.open(str(out), "w") as made:
        stream = made.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18", "g": str(FPS)}
        for picture in (picture for span in spans for picture in shown[span]):
            light = np.float32(1 + rng.normal(0, FLICKER_RATIO))
            noisy = np.clip(picture * light + noises[rng.integers(16)], 0, 255).astype(np.uint8)
            made.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
        made.mux(stream.encode(None))


def looped(span: tuple[float, float], seconds: float) -> list[tuple[float, float]]:
    """Return a span often enough to last so long: 6 s for a minute are ten of them."""
    return [span] * max(1, round(seconds / (span[1] - span[0])))


def messages(results: Sequence[ReplayResult]) -> list[Message]:
    """Return what was said of anomalies."""
    return [
        Message(result.time_s, event.phase, event.region, event.explanation)
        for result in results
        for event in result.events
        if event.kind is EventKind.ANOMALY
    ]


def empty_picture(video: Path, seconds: float) -> np.ndarray:
    """Return the median of the first frames, (H, W) grey."""
    frames = []
    with av.open(str(video)) as container:
        for frame in container.decode(video=0):
            if frame.time > seconds:
                break
            frames.append(frame.to_ndarray(format="gray"))
    return np.median(np.stack(frames[::10]), axis=0).astype(np.uint8)


def picture_at(video: Path, time_s: float) -> np.ndarray:
    """Return the frame that is shown then, (H, W) grey."""
    with av.open(str(video)) as container:
        return next(f for f in container.decode(video=0) if f.time >= time_s - 1e-6).to_ndarray(format="gray")


def is_there(region: Region, wanted: Wanted, *, picture: np.ndarray, empty: np.ndarray) -> bool:
    """Say whether the region's middle lies on what is wanted, or beside it."""
    x, y = region.x + region.width / 2, region.y + region.height / 2
    if wanted.box is not None:
        box = wanted.box
        return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height
    height_px, width_px = empty.shape
    differs = cv2.absdiff(picture, empty) > LEVELS
    reach = round(NEAR_RATIO * height_px)
    row, column = min(int(y * height_px), height_px - 1), min(int(x * width_px), width_px - 1)
    near = differs[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    return bool(near.mean() > 0.1)


def judge(wanted: Wanted, shift_s: float, said: Sequence[Message], *, video: Path, empty: np.ndarray) -> str:
    """Return in words when an alarm came, and when it was about the right place.

    `shift_s` makes times of the original video of those of the spliced one.
    """
    in_time = [
        (one, one.region)
        for one in said
        if one.region is not None
        and one.phase is not EventPhase.END
        and wanted.start_s - EARLY_S <= one.time_s + shift_s <= wanted.end_s
    ]
    for message, region in in_time:
        if is_there(region, wanted, picture=picture_at(video, message.time_s), empty=empty):
            first_s, right_s = (one.time_s + shift_s for one in (in_time[0][0], message))
            return f"alarm at {first_s:.1f} s, at its place at {right_s:.1f} s: {message.words}"
    return f"{len(in_time)} messages in time, none about its place" if in_time else "NOT FOUND"


def standing(wanted: Wanted, shift_s: float, scores: ClipScores) -> str:
    """Return how long the detector held what is wanted for unusual, at its very place."""
    seen = [one for one in scores.judged if wanted.start_s <= one.time_s + shift_s <= wanted.end_s]
    blank = np.zeros((2, 2), np.uint8)
    there = [
        one for one in seen if one.level >= 0.5 and is_there(one.region, wanted, picture=blank, empty=blank)
    ]
    return f"above the threshold at its place in {len(there)} of {len(seen)} frames"


def play_part(
    player: Player, scene: Path, part: Part, *, empty: tuple[float, float], pictures: Path | None
) -> None:
    """Play one part after a minute of the empty scene, and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / f"{scene.stem}-{part.start_s:.0f}s.mp4"
        before = looped(empty, EMPTY_S)
        shift_s = part.start_s - len(before) * (empty[1] - empty[0])
        splice(scene, [*before, (part.start_s, part.end_s)], video)
        results = list(player.play(video))
        said, scores = messages(results), clip_scores(Clip(video.name, video), results, image_fps=10.0)
        background = empty_picture(video, empty[1] - empty[0])
        for message in said:
            print(
                f"  {message.time_s + shift_s:6.1f} s {message.phase:6} {message.words}",
                flush=True,
            )
        for wanted in part.wanted:
            print(f"  → {wanted.name}: {judge(wanted, shift_s, said, video=video, empty=background)}")
            if wanted.box is not None:
                print(f"    {standing(wanted, shift_s, scores)}")
        if pictures:
            times = {message.time_s for message in said if message.phase is not EventPhase.END}
            moments = [Moment(one, None) for one in scores.judged if one.time_s in times]
            write_pictures(scores, moments, pictures, image_fps=10.0)


def main() -> int:
    """Play both scenes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--learn", type=float, default=600.0, help="seconds of the empty scene (default: 600)"
    )
    parser.add_argument("--only", default="", help="scenes whose file has this in its name (default: all)")
    parser.add_argument("--fps", type=float, help="sampled frames a second (default: the checkpoint's)")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT_DIR)
    parser.add_argument("--pictures", type=Path, help="folder to draw each message's frame in")
    options = parser.parse_args()
    encoder = open_encoder(options.checkpoint, device="cpu")
    for scene in (one for one in SCENES if options.only in one.file):
        source = options.folder / scene.file
        with tempfile.TemporaryDirectory() as folder:
            lesson = Path(folder) / "lesson.mp4"
            splice(source, looped(scene.empty, options.learn), lesson)
            player = taught([lesson], encoder=encoder, settings=ReplaySettings(sample_fps=options.fps))
        print(f"{scene.file}: {options.learn:.0f} s of the empty scene learned")
        for part in scene.parts:
            play_part(player, source, part, empty=scene.empty, pictures=options.pictures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
