"""Sampled frames in, motion made visible out: difference and history pictures, flow per grid cell, a crop.

A frozen image encoder sees nothing of motion in single frames; drawn into pictures, it sees it very well
(docs/decisions/0001-one-picture-per-frame.md). The same code runs live and in training.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from models.flow import CropFollower, FlowMeter, describe
from models.geometry import Region

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

NEUTRAL = 127  # the grey of "no change", which the encoder's normalisation maps to 0
DIFFERENCE_GAIN = 1.5  # grey levels shown per grey level of change over REFERENCE_LAG_S or less
REFERENCE_LAG_S = 0.2  # the distance of two frames at 5 frames per second
LONGEST_LAG_S = 1.0  # two frames further apart have too little in common: the picture starts anew
LAGS_S = (1 / 3, 1 / 6, 1 / 12)  # how long ago the frames were that `lags` compares with, in channel order
HOLD_S = 1.0  # how long `frame` beside another picture stands for what the camera shows
HOLD_SLACK_S = 0.05  # the frame that comes so much early is taken: the next one would be far too late
HISTORY_S = 0.7  # how long a movement stays visible
HISTORY_THRESHOLD = 12  # grey levels of blurred change that count as movement


class Picture(StrEnum):
    """The kinds of picture that can be shown to the frame encoder, each (S, S, 3).

    `fused` has the grey difference twice and the history, from 127 upwards, as its three channels: motion
    alone, where grey beside it costs ten points on fights. `lags` has the grey differences to 1/3, 1/6 and
    1/12 s ago as its channels: fast movement and slow one in different colours. A `…_crop` is the same
    picture cut to where the motion is.

    `frame` as the last of several pictures is held: it is drawn once in HOLD_S, and in between the one drawn
    last stands for it. It is there for postures, which change slowly; every picture costs an encoder pass.
    """

    FRAME = "frame"
    DIFFERENCE = "difference"
    HISTORY = "history"
    FUSED = "fused"
    LAGS = "lags"
    FRAME_CROP = "frame_crop"
    DIFFERENCE_CROP = "difference_crop"
    HISTORY_CROP = "history_crop"


PICTURES = tuple(picture.value for picture in Picture)


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Which pictures to draw, in which order, and how large (S)."""

    pictures: tuple[str, ...] = (Picture.FUSED,)
    picture_px: int = 224

    @property
    def held(self) -> bool:
        """Say whether the last picture is held."""
        return len(self.pictures) > 1 and self.pictures[-1] == Picture.FRAME

    @property
    def drawn(self) -> tuple[str, ...]:
        """Return the pictures that are drawn of every frame."""
        return self.pictures[:-1] if self.held else self.pictures


@dataclass(frozen=True, slots=True)
class MotionView:
    """One sampled frame with its motion made visible.

    `pictures` is (P, S, S, 3) uint8 in the order of the settings, and `fresh` says how many of them are new:
    all, or all but the last, which is held. `descriptor` is (MOTION_DIM,) float32.
    """

    pictures: U8
    fresh: int
    descriptor: F32

    @property
    def fresh_pictures(self) -> U8:
        """Return what is to be encoded of this frame, (fresh, S, S, 3)."""
        return self.pictures[: self.fresh]


@dataclass(frozen=True, slots=True)
class _Pair:
    """A frame, the one before it, and how strongly their difference is drawn."""

    rgb: U8
    earlier_rgb: U8
    grey: U8
    earlier_grey: U8
    gain: float
    lagged: tuple[U8, ...]

    def rgb_difference(self) -> U8:
        return _difference(self.rgb, self.earlier_rgb, self.gain)

    def grey_difference(self) -> U8:
        return _difference(self.grey, self.earlier_grey, self.gain)

    def lag_differences(self) -> U8:
        """Return the grey differences to the greys of LAGS_S as channels, all at the same gain."""
        return np.asarray(cv2.merge([_difference(self.grey, then, DIFFERENCE_GAIN) for then in self.lagged]))

    def change(self) -> U8:
        return np.asarray(cv2.absdiff(self.grey, self.earlier_grey), dtype=np.uint8)


class MotionRenderer:
    """Draws the motion of one camera; call `render` or `skip` once per sampled frame, in order of time."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._flow = FlowMeter()
        self._crop = CropFollower()
        self._history = MotionHistory(settings.picture_px)
        self._past = RecentGreys()
        self._glances = any(Picture.LAGS in kind for kind in settings.pictures)
        self._earlier_rgb: U8 | None = None
        self._earlier_time_s = 0.0
        self._held = _Held() if settings.held else None

    def reset(self) -> None:
        """Forget all frames: the next one stands alone, with neutral pictures."""
        self._earlier_rgb = None
        self._history.reset()
        self._crop.reset()
        self._past.reset()
        if self._held is not None:
            self._held.reset()

    @property
    def glances(self) -> bool:
        """Say whether frames between the sampled ones are to be shown to `glance`: for short lags only."""
        return self._glances

    def glance(self, rgb: U8, time_s: float) -> None:
        """Take note of a frame (S, S, 3) between two sampled ones."""
        self._past.add(_grey(rgb), time_s)

    def skip(self, rgb: U8, time_s: float) -> None:
        """Take note of a still frame without drawing it; `rgb` (S, S, 3) is kept, not copied."""
        self._earlier_rgb, self._earlier_time_s = rgb, time_s
        if self._glances:
            self._past.add(_grey(rgb), time_s)

    def render(self, rgb: U8, time_s: float) -> MotionView:
        """Draw one frame, (S, S, 3), of stream time `time_s`; `rgb` is kept until the next call, not copied.

        The first frame, and one that comes over LONGEST_LAG_S after the last, is compared with itself.
        """
        lag_s = time_s - self._earlier_time_s
        if self._earlier_rgb is None or not 0 < lag_s <= LONGEST_LAG_S:
            self.reset()
            self._earlier_rgb, lag_s = rgb, REFERENCE_LAG_S
        earlier_rgb, grey = self._earlier_rgb, _grey(rgb)
        self._past.add(grey, time_s)
        lagged = tuple(self._past.ago(lag, time_s) for lag in LAGS_S) if self._glances else ()
        pair = _Pair(rgb, earlier_rgb, grey, _grey(earlier_rgb), difference_gain(lag_s), lagged)
        self._earlier_rgb, self._earlier_time_s = rgb, time_s
        return self._view(pair, time_s, lag_s)

    def _view(self, pair: _Pair, time_s: float, lag_s: float) -> MotionView:
        history = self._history.update(pair.change(), time_s)
        flow = self._flow.measure(pair.earlier_grey, pair.grey, lag_s=lag_s)
        crop = self._crop.follow(flow, time_s)
        moving_share = cv2.countNonZero(history) / history.size
        pictures = [_draw(kind, pair, history=history, crop=crop) for kind in self._settings.drawn]
        fresh = len(pictures)
        if self._held is not None:
            fresh += self._held.renew(pair.rgb, time_s)
            pictures.append(self._held.rgb)
        return MotionView(
            pictures=np.stack(pictures),
            fresh=fresh,
            descriptor=describe(flow, crop, moving_share=moving_share),
        )


class _Held:
    """A frame that stands for those of the next second."""

    def __init__(self) -> None:
        self.rgb: U8 = np.zeros((0, 0, 3), np.uint8)
        self._time_s = float("-inf")

    def reset(self) -> None:
        self._time_s = float("-inf")

    def renew(self, rgb: U8, time_s: float) -> bool:
        """Take the frame of `time_s` where the held one is HOLD_S old, and say so."""
        if time_s - self._time_s < HOLD_S - HOLD_SLACK_S:
            return False
        self.rgb, self._time_s = rgb, time_s
        return True


class RecentGreys:
    """The grey frames of the last moments, sampled and glanced at, each with its stream time."""

    def __init__(self) -> None:
        self._greys: deque[tuple[float, U8]] = deque()

    def reset(self) -> None:
        """Forget all frames."""
        self._greys.clear()

    def add(self, grey: U8, time_s: float) -> None:
        """Keep a frame, and forget those that no lag asks for any more."""
        self._greys.append((time_s, grey))
        while time_s - self._greys[0][0] > LAGS_S[0] + LAGS_S[-1]:
            self._greys.popleft()

    def ago(self, lag_s: float, time_s: float) -> U8:
        """Return the frame nearest to `lag_s` before `time_s`; the newest only if it is alone."""
        earlier = list(self._greys)[:-1] or self._greys
        return min(earlier, key=lambda kept: abs(time_s - lag_s - kept[0]))[1]


class MotionHistory:
    """Where something moved of late: 255 where it moves now, fading to 0 within HISTORY_S."""

    def __init__(self, picture_px: int) -> None:
        self._levels: U8 = np.zeros((picture_px, picture_px), np.uint8)
        self._time_s = 0.0

    def reset(self) -> None:
        """Forget all movement."""
        self._levels = np.zeros_like(self._levels)

    def update(self, change: U8, time_s: float) -> U8:
        """Add the absolute grey change (S, S) of the frame at `time_s`; return the history (S, S)."""
        faded = 255 * max(0.0, time_s - self._time_s) / HISTORY_S
        moving = cv2.threshold(cv2.blur(change, (5, 5)), HISTORY_THRESHOLD, 255, cv2.THRESH_BINARY)[1]
        still_visible = cv2.addWeighted(self._levels, 1, self._levels, 0, -faded)
        self._levels = np.maximum(still_visible, moving).astype(np.uint8, copy=False)
        self._time_s = time_s
        return self._levels


def difference_gain(lag_s: float) -> float:
    """Return how strongly the difference of two frames is drawn.

    Change grows with the time between two frames, so beyond REFERENCE_LAG_S it is drawn per time: 0.4 s
    apart at half the gain. A shorter lag is not amplified: that would draw noise.
    """
    return DIFFERENCE_GAIN * min(1.0, REFERENCE_LAG_S / lag_s)


def _draw(kind: str, pair: _Pair, *, history: U8, crop: Region) -> U8:
    whole, _, cropped = kind.partition("_")
    picture = _draw_whole(Picture(whole), pair, history)
    return _zoom(picture, crop) if cropped else picture


def _draw_whole(kind: Picture, pair: _Pair, history: U8) -> U8:
    match kind:
        case Picture.FRAME:
            return pair.rgb
        case Picture.DIFFERENCE:
            return pair.rgb_difference()
        case Picture.HISTORY:
            return np.asarray(cv2.merge([history, history, history]))
        case Picture.LAGS:
            return pair.lag_differences()
        case _:
            difference = pair.grey_difference()
            return np.asarray(cv2.merge([difference, difference, _from_neutral(history)]))


def _from_neutral(history: U8) -> U8:
    """Map 0…255 to 127…254: stillness is NEUTRAL, as in the difference."""
    return np.asarray(cv2.addWeighted(history, 0.5, history, 0, NEUTRAL - 0.25), dtype=np.uint8)


def _difference(now: U8, earlier: U8, gain: float) -> U8:
    return np.asarray(cv2.addWeighted(now, gain, earlier, -gain, NEUTRAL))


def _grey(rgb: U8) -> U8:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def _zoom(picture: U8, crop: Region) -> U8:
    side = picture.shape[0]
    left, top = round(crop.x * side), round(crop.y * side)
    right, bottom = round((crop.x + crop.width) * side), round((crop.y + crop.height) * side)
    return np.asarray(cv2.resize(picture[top:bottom, left:right], (side, side)))
