"""What the pictures of an event cost, and what is spent on them beforehand, in CPU time of one thread.

    python -m benchmarks.evidence [VIDEO]

Without a video it takes the busy scene in 1280 x 720. The looks of cells are drawn at random: their number
counts, not what they say.
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.footage import Footage, prepare
from benchmarks.parts import cost_ms, decoded
from pipeline.cells import CELLS, F32, SIDE
from pipeline.clock import SystemClock
from pipeline.evidence import THUMBNAIL_PX, Reason, snapshot
from pipeline.gallery import EVERY_S, MOMENTS_PER_PART, PART_S, PARTS_OF_DAY, NormalGallery
from pipeline.heat import heat_layer
from pipeline.hidden_clip import write_hidden_clip
from pipeline.memory import CHANNELS
from pipeline.privacy import EVERYTHING_SHOWN, Blur, Privacy
from pipeline.recording import Recorder, RecordingSettings
from pipeline.types import Region

ONE_ZONE = Privacy({"window": ((0.1, 0.1), (0.4, 0.1), (0.4, 0.6), (0.1, 0.6))})
REGION = Region(0.25, 0.5, 0.125, 0.25)
FULL = PARTS_OF_DAY * MOMENTS_PER_PART
# Enough moments that each part of the day is full, and some more, each of which takes another one's place.
SHOWN = 2 * FULL
CLIP_FRAMES = 150


def looks(count: int) -> list[F32]:
    """Return the (196, 112) unit vectors of so many frames."""
    cells = np.random.default_rng(0).standard_normal((count, CELLS, CHANNELS), np.float32)
    return list(cells / np.linalg.norm(cells, axis=2, keepdims=True))


def fill(gallery: NormalGallery, frames: Sequence[av.VideoFrame], cells: Sequence[F32]) -> None:
    """Show a gallery a moment every five seconds in each part of the day, until each is full."""
    for part in range(PARTS_OF_DAY):
        for number in range(MOMENTS_PER_PART):
            frame = frames[number % len(frames)]
            utc_s = part * PART_S + number * EVERY_S
            picture = EVERYTHING_SHOWN.picture_of(frame, THUMBNAIL_PX)
            gallery.offer(utc_s, cells[number], lambda picture=picture: picture, settle_s=0.0)


def costs(frames: Sequence[av.VideoFrame]) -> Iterable[tuple[str, float]]:
    """Yield what each thing is called and what it costs."""
    cells, gallery = looks(SHOWN), NormalGallery()
    fill(gallery, frames, cells)
    assert len(gallery) == FULL
    heat = np.abs(cells[0][:, 0].reshape(SIDE, SIDE))
    last_s = PARTS_OF_DAY * PART_S - 2 * SHOWN * EVERY_S

    def offer(number: int) -> None:
        frame = frames[number % len(frames)]
        gallery.offer(
            last_s + number * EVERY_S,
            cells[number],
            lambda: EVERYTHING_SHOWN.picture_of(frame, THUMBNAIL_PX),
        )

    yield "a normal moment, every 5 s", cost_ms(offer, SHOWN)
    yield "the nearest of 64, once an alarm", cost_ms(lambda i: gallery.nearest(cells[i], REGION), SHOWN)

    def take(privacy: Privacy, number: int) -> None:
        layer = heat_layer(heat, privacy.hidden_cells)
        snapshot(privacy.picture_of(frames[number % len(frames)]), Reason(REGION, layer))

    for privacy, words in (
        (EVERYTHING_SHOWN, "all pictures, once an event"),
        (ONE_ZONE, "the same with a private zone"),
        (Privacy(blur=Blur.ALL), "the same, all blurred"),
    ):
        yield words, cost_ms(lambda i, privacy=privacy: take(privacy, i), 30)


def clip_cost_ms(video: Path, privacy: Privacy) -> float:
    """Return what a frame of a clip costs that is encoded anew, with decoding and all threads of FFmpeg."""
    recorder = Recorder(RecordingSettings(pre_roll_s=60.0), SystemClock())
    with av.open(str(video)) as container:
        recorder.begin(container.streams.video[0])
        for packet in islice(container.demux(video=0), CLIP_FRAMES):
            recorder.take(packet)
    recorder.open("", SystemClock().utc_s())
    (recording,) = recorder.collect(everything=True)
    with tempfile.TemporaryDirectory() as folder:
        began_s = time.process_time()
        write_hidden_clip(recording, Path(folder) / "clip.mp4", privacy)
        return 1000 * (time.process_time() - began_s) / len(recording.packets)


def main() -> None:
    """Print the table, and how large a full gallery is."""
    cv2.setNumThreads(1)
    video = Path(sys.argv[1]) if sys.argv[1:] else prepare(Footage("plaza", 1280, 720, 15))
    frames = decoded(video)[::2]
    for name, milliseconds in costs(frames):
        print(f"{name:34}{milliseconds:8.2f} ms")
    gallery = NormalGallery()
    fill(gallery, frames, looks(SHOWN))
    for privacy, words in ((ONE_ZONE, "with a private zone"), (Privacy(blur=Blur.ALL), "all blurred")):
        print(f"{'a clip ' + words + ', a frame':34}{clip_cost_ms(video, privacy):8.2f} ms")
    print(f"a full gallery: {sum(array.nbytes for array in gallery.to_arrays().values()) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
