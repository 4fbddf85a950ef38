"""Decoded frames of a stream in, its sampled ones with their motion drawn out: the steps before the encoder.

`pipeline.camera.Camera` takes the same steps, with a camera's health and connection between them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from models.flow import MOTION_DIM
from models.gate import Gate, GateSettings
from models.motion import MotionRenderer, MotionSettings
from models.movement import NO_MOVEMENT, Movement, MovementMeter
from models.runtime import FrameFeatures
from models.sampler import Sampler
from models.scaler import Scaler

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
FrameEncoder = Callable[[U8], FrameFeatures]

NO_MOTION = np.zeros(MOTION_DIM, np.float32)
NO_MOTION.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame that the sampler chose, (S, S, 3) `rgb` of stream time `time_s`, and what was drawn of it.

    `pictures` are (P, S, S, 3), without the last where that is held (`models.motion.Picture`). `still` says
    that the frame looks like the one before: `pictures` are empty then, (0, S, S, 3). `movement` is what the
    observer was asked to measure, and the flow descriptor `motion` (F,) that of `models.flow`; both are zeros
    where it is still. `begins` says that the stream was interrupted before it.
    """

    time_s: float
    rgb: U8
    pictures: U8
    movement: Movement
    motion: F32
    still: bool
    begins: bool


class Observer:
    """Looks at the frames of one stream; call `observe` once for each, in order of time.

    `movement` asks for what neither features nor descriptor need, and where things are.
    """

    def __init__(self, motion: MotionSettings, *, sample_fps: float, movement: bool = False) -> None:
        self._movement = MovementMeter() if movement else None
        self._sampler = Sampler(sample_fps)
        self._scaler = Scaler(motion.picture_px)
        self._gate = Gate(GateSettings())
        self._renderer = MotionRenderer(motion)
        self._no_pictures = np.zeros((0, motion.picture_px, motion.picture_px, 3), np.uint8)

    def observe(self, frame: av.VideoFrame, time_s: float) -> Observation | None:
        """Return what there is to see in a frame; None where it was not sampled, at most glanced at."""
        if self._sampler.wants(time_s):
            return self._draw(frame, time_s)
        if self._sampler.is_glance:
            self._glance(frame, time_s)
        return None

    def _glance(self, frame: av.VideoFrame, time_s: float) -> None:
        if self._renderer.glances:
            self._renderer.glance(self._scaler.scale_rgb(frame), time_s)
        if self._movement is not None:
            self._movement.glance(self._scaler.scale_grey(frame), time_s)

    def _draw(self, frame: av.VideoFrame, time_s: float) -> Observation:
        begins = self._sampler.begins
        if begins:
            self._gate.reset()
            self._renderer.reset()
        scaled = self._scaler.scale(frame)
        if self._gate.is_still(scaled.luma, time_s):
            self._renderer.skip(scaled.rgb, time_s)
            return Observation(
                time_s, scaled.rgb, self._no_pictures, NO_MOVEMENT, NO_MOTION, still=True, begins=begins
            )
        view, movement = self._renderer.render(scaled.rgb, time_s), NO_MOVEMENT
        if self._movement is not None:
            movement = self._movement.measure(self._scaler.scale_grey(frame), time_s)
        return Observation(
            time_s,
            scaled.rgb,
            view.fresh_pictures,
            movement,
            view.descriptor,
            still=False,
            begins=begins,
        )


def encode_observed(
    frames: Sequence[Observation], encode: FrameEncoder, before: F32 | None = None
) -> Iterator[F32]:
    """Yield the features (P * 1280,) of each frame; a still one has those of the frame before it.

    So have the pictures of a frame that are held, which are the last ones of a frame that brings fewer.
    `before` are the features of the frame before the first.
    """
    moving = [frame.pictures for frame in frames if not frame.still]
    pooled = encode(np.concatenate(moving)).pooled if moving else np.zeros((0, 0), np.float32)
    row = 0
    for frame in frames:
        if frame.still and before is not None:  # the gate marks no first frame as still
            yield before
            continue
        fresh = pooled[row : row + len(frame.pictures)].reshape(-1)  # (fresh * 1280,)
        row += len(frame.pictures)
        before = fresh if before is None else np.concatenate([fresh, before[len(fresh) :]])
        yield before


def newest(frames: Iterable[Observation], count: int) -> list[Observation]:
    """Return the newest `count` frames since the last interruption, and before them what they repeat.

    M brings all pictures, s is still. Of M M s s M the newest 2 are M s s M: the second of the still ones
    repeats what the M shows. A frame with fewer pictures than the first repeats some of its.
    """
    kept: list[Observation] = []
    for frame in frames:
        if frame.begins:
            kept.clear()
        kept.append(frame)
        start = max(0, len(kept) - count)
        while len(kept[start].pictures) < len(kept[0].pictures):
            start -= 1
        del kept[:start]
    return kept
