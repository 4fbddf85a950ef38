"""What each stage of one sampled frame costs, in CPU time of one thread, on real footage.

python -m benchmarks.parts [CHECKPOINT]
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.footage import Footage, prepare
from models.checkpoint import DEFAULT_DIR
from models.gate import Gate, GateSettings
from models.motion import MotionRenderer, MotionSettings, MotionView
from models.movement import Movement, MovementMeter
from models.runtime import ClipBatch, Encoder, FrameFeatures, open_encoder
from models.scaler import Scaled, Scaler
from pipeline.clip_buffer import ClipBuffer
from pipeline.normality import Normality, NormalitySettings

FRAMES = 200
STEP_S = 0.2


def cost_ms(step: Callable[[int], object], count: int = FRAMES) -> float:
    """Return the mean CPU milliseconds of one step, given its number."""
    began_s = time.thread_time()
    for number in range(count):
        step(number)
    return 1000 * (time.thread_time() - began_s) / count


def decoded(path: Path) -> list[av.VideoFrame]:
    """Return the frames of a 10 fps file, of which every second one is sampled and the others glanced at."""
    with av.open(str(path)) as container:
        return list(islice(container.decode(video=0), 2 * FRAMES))


def clip_of(features: Sequence[FrameFeatures], views: Sequence[MotionView], encoder: Encoder) -> ClipBatch:
    """Return the clip that ends with the last frame."""
    checkpoint = encoder.checkpoint
    width = checkpoint.feature_dim * len(checkpoint.pictures)
    buffer = ClipBuffer(checkpoint.num_frames, width, checkpoint.motion_dim)
    for feature, view in zip(features, views, strict=True):
        buffer.append(feature.pooled.reshape(-1), view.descriptor)
    clip = buffer.clip()
    return ClipBatch(clip.features[None], clip.motion[None], clip.mask[None])


def looks_of(features: FrameFeatures) -> NDArray[np.float32] | None:
    """Return the grid of the frame as it is, which is the last of two pictures; None where that is held."""
    return features.grid[1] if len(features.grid) > 1 else None


def costs(video: Sequence[av.VideoFrame], encoder: Encoder) -> Iterable[tuple[str, float]]:
    """Yield each stage's name and its cost, in the order of a frame's journey."""
    checkpoint = encoder.checkpoint
    frames, between = video[::2], video[1::2]
    glanced: list[NDArray[np.uint8]] = []
    scaled: list[Scaled] = []
    views: list[MotionView] = []
    features: list[FrameFeatures] = []
    movements: list[Movement] = []
    scaler, gate = Scaler(checkpoint.picture_px), Gate(GateSettings())
    meter, alone = MovementMeter(), MovementMeter()
    normality = Normality(NormalitySettings())
    renderer = MotionRenderer(MotionSettings(checkpoint.pictures, checkpoint.picture_px))
    yield "scale", cost_ms(lambda i: scaled.append(scaler.scale(frames[i])))
    yield "gate", cost_ms(lambda i: gate.is_still(scaled[i].luma, i * STEP_S))
    yield "motion", cost_ms(lambda i: views.append(renderer.render(scaled[i].rgb, i * STEP_S)))
    yield "frame encoder", cost_ms(lambda i: features.append(encoder.encode(views[i].fresh_pictures)))

    def move(i: int) -> None:
        movements.append(meter.measure(scaler.scale_grey(frames[i]), i * STEP_S))
        meter.glance(glanced[i], (i + 0.5) * STEP_S)

    yield (
        "movement, nothing glanced at",
        cost_ms(lambda i: alone.measure(scaler.scale_grey(frames[i]), i * STEP_S)),
    )
    yield "glance", cost_ms(lambda i: glanced.append(scaler.scale_grey(between[i])))
    yield "movement", cost_ms(move)
    yield (
        "normality",
        cost_ms(lambda i: normality.observe(looks_of(features[i]), movements[i], i * STEP_S, learn=True)),
    )
    clip = clip_of(features, views, encoder)
    yield "temporal model, once a second", cost_ms(lambda _: encoder.understand(clip))


def main() -> None:
    """Print the table for the busy scene."""
    cv2.setNumThreads(1)
    checkpoint = Path(sys.argv[1]) if sys.argv[1:] else DEFAULT_DIR
    encoder = open_encoder(checkpoint, device="cpu", threads=1)
    encoder.warm_up()
    for name, milliseconds in costs(decoded(prepare(Footage("plaza", 640, 360, 10))), encoder):
        print(f"{name:32}{milliseconds:8.2f} ms")


if __name__ == "__main__":
    main()
