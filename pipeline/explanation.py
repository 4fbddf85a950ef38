"""A clip that became a behaviour's event in, why out: which frames counted, where in the picture, in words.

It runs in the inference thread, once when an event begins: one call of the temporal model for the clip
without each of its frames in turn, 17 clips at most. No picture is encoded again.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.occlusion import Query, frame_importance
from models.runtime import ClipBatch, Encoder
from pipeline.cells import around_peak, region_of
from pipeline.clip_buffer import Clip
from pipeline.recent import RecentFrames
from pipeline.types import Region

F32 = NDArray[np.float32]

MOST_KEY_FRAMES = 3
# The run of frames that is named in words holds this share of all that spoke for the label.
MOSTLY = 0.5
# Cells that reach this share of the hottest one, and hang together with it, are the region.
HOT_SHARE = 0.5
# A single cell says too much: what acts is larger than what moves fastest in it.
BLUR_CELLS = 1.0


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a clip: where it begins on the wall clock, and how long it is."""

    start_utc_s: float
    length_s: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a clip was taken for a label.

    `importance` (N,) is how much the log-odds fall without each of its frames, `heat` (14, 14) where it
    moved in the key frames. `span` is the shortest run of frames that holds most of it, None where no frame
    spoke for it; `region` is None where nothing moved.
    """

    importance: F32
    heat: F32
    key_times_utc_s: tuple[float, ...]
    span: Span | None
    region: Region | None


class Explainer:
    """Asks the model why; of one encoder, for all its cameras."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def explain(self, clip: Clip, recent: RecentFrames, query: Query) -> Reasons:
        """Say why the clip, whose frames `recent` holds, is taken for the label."""
        batch = ClipBatch(clip.features[None], clip.motion[None], clip.mask[None])
        importance = frame_importance(self._encoder, batch, query)
        spoke = importance[clip.mask]  # (N,)
        times_utc_s, key = recent.times_utc_s, key_frames(spoke)
        heat = heat_of(recent.speeds[key])
        return Reasons(
            importance=spoke,
            heat=heat,
            key_times_utc_s=tuple(times_utc_s[key].tolist()),
            span=span_of(spoke, times_utc_s),
            region=region_of_heat(heat),
        )


def key_frames(importance: F32) -> NDArray[np.intp]:
    """Return the up to three frames that count most, in order of time; none that speaks against the label."""
    most = np.argsort(-importance, kind="stable")[:MOST_KEY_FRAMES]
    return np.sort(most[importance[most] > 0])


def span_of(importance: F32, times_utc_s: NDArray[np.float64]) -> Span | None:
    """Return the shortest run of frames with half of what spoke for the label; the first of equal ones.

    A frame lasts until the next. Importances 0, 1, 4, 2, 1, a frame every 0.2 s: 4 is half of 8, so it is the
    third frame alone, 0.4 s to 0.6 s.
    """
    sums = np.concatenate([[0.0], np.cumsum(np.maximum(importance, 0))])
    if sums[-1] <= 0:
        return None
    enough = np.searchsorted(sums, sums + MOSTLY * sums[-1])  # the end of the run that begins at each frame
    starts = np.flatnonzero(enough <= len(importance))
    first = int(starts[np.argmin(enough[starts] - starts)])
    apart_s = float(np.median(np.diff(times_utc_s))) if len(times_utc_s) > 1 else 0.0
    last = int(enough[first]) - 1
    return Span(float(times_utc_s[first]), float(times_utc_s[last] - times_utc_s[first]) + apart_s)


def heat_of(speeds: F32) -> F32:
    """Return where it moved (14, 14) in frames (N, 14, 14), each counting the same; all 0 without a frame."""
    return np.asarray(cv2.GaussianBlur(speeds.sum(axis=0), (0, 0), BLUR_CELLS))


def region_of_heat(heat: F32) -> Region | None:
    """Return the rectangle around the hottest cells, None where all are cold."""
    return region_of(around_peak(heat, share=HOT_SHARE)) if heat.max() > 0 else None
