"""Luma pictures and unusual cells in, whether the whole picture has just become another one out.

A light is switched, the camera turns to infrared, its exposure jumps: everything looks unusual at once, and
that is one thing to report and to learn, not a hundred alarms.

    steady ── everything changes ──▶ unsettled ── it stays changed ──▶ relearning ── in time ──▶ steady
       ▲                                │
       └──────── it is as before ───────┘
"""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.types import Luma

F32 = NDArray[np.float32]

# The whole picture changes where this share of it differs by so many grey levels from what it was: exposure
# that follows a visitor changes fewer (0.97 of one room by 14, 0.31 by 20), a light that is switched more.
WHOLE, LEVELS = 0.6, 25.0
# Alarms rest only if this share of its cells is unusual: where a visitor makes a camera expose anew,
# the grey levels change everywhere and only the visitor is to be told of.
EVERYWHERE = 0.4
# What it was: a mean of the last so many seconds, once it was seen for some.
MEMORY_S, KNOWN_S = 30.0, 10.0
# The picture has settled when for so long it was not another one from frame to frame: longer than it takes
# health to call a camera covered or moved, which is then reported in place of this.
SETTLED_S = 8.0
# It has become another one if then this share of it still differs.
LASTING = 0.4
# What covers everything and does not settle is no change of light: it is then left alone for a while.
PATIENCE_S, LEFT_ALONE_S = 60.0, 600.0
RELEARN_S = 120.0


class Scene(StrEnum):
    """How the picture as a whole is."""

    STEADY = "steady"
    UNSETTLED = "unsettled"
    RELEARNING = "relearning"


class SceneChange:
    """Follows one camera's picture as a whole; not thread-safe."""

    def __init__(self) -> None:
        self._scene = Scene.STEADY
        self._since_s = 0.0
        self._time_s: float | None = None
        self._is_everywhere = False
        self.forget()

    def forget(self) -> None:
        """Begin anew, as after an interruption: what the picture was means nothing any more."""
        self._known_s, self._restless_s = 0.0, 0.0
        self._usual: F32 | None = None
        self._last: F32 | None = None
        if self._scene is Scene.UNSETTLED:
            self._scene = Scene.STEADY

    @property
    def lets_alarms_rest(self) -> bool:
        """Say whether so much is unusual at once that no single thing can be told."""
        return self._scene is not Scene.STEADY and self._is_everywhere

    def relearn(self) -> None:
        """Take what is seen from now on for another picture, as after a camera was moved."""
        self._turn(Scene.RELEARNING, math.inf)  # from the next frame on: the last may be a minute old
        self._usual = self._last = None
        self._is_everywhere = True

    def observe(self, luma: Luma, everywhere: float, time_s: float) -> Scene:
        """Take the next frame: `luma` (36, 64), and the share of cells that were unusual in the last."""
        seen = luma.astype(np.float32)
        step_s = 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        if self._usual is None or self._last is None or step_s < 0:
            self._usual = self._last = seen
            self._since_s = min(self._since_s, time_s)
            return self._scene
        jump, change = _changed(seen, self._last), _changed(seen, self._usual)
        self._known_s += step_s
        if jump >= WHOLE:
            self._restless_s = time_s
            if 0 < self._known_s < KNOWN_S:  # a camera that has just begun to see
                self._usual, self._known_s = seen, 0.0
        self._scene = self._next(max(jump, change), time_s)
        is_unusual = everywhere >= EVERYWHERE
        self._is_everywhere = self._scene is not Scene.STEADY and (self._is_everywhere or is_unusual)
        if self._scene is not Scene.UNSETTLED and self._usual is not None:
            weight = step_s / min(max(self._known_s, step_s, 1e-3), MEMORY_S)
            self._usual = self._usual + np.float32(weight) * (seen - self._usual)
        self._last = seen
        return self._scene

    def _next(self, change: float, time_s: float) -> Scene:
        """Return the scene that follows from how much of the picture has changed."""
        for_s = time_s - self._since_s
        match self._scene:
            case Scene.UNSETTLED if for_s >= PATIENCE_S:
                self._usual, self._known_s = self._last, KNOWN_S - LEFT_ALONE_S
                return self._turn(Scene.STEADY, time_s)
            case Scene.UNSETTLED if time_s - max(self._restless_s, self._since_s) >= SETTLED_S:
                self._usual = self._last if change >= LASTING else self._usual
                return self._turn(Scene.RELEARNING if change >= LASTING else Scene.STEADY, time_s)
            case Scene.STEADY | Scene.RELEARNING if self._known_s >= KNOWN_S and change >= WHOLE:
                return self._turn(Scene.UNSETTLED, time_s)
            case Scene.RELEARNING if for_s >= RELEARN_S:
                return self._turn(Scene.STEADY, time_s)
        return self._scene

    def _turn(self, scene: Scene, time_s: float) -> Scene:
        self._scene, self._since_s = scene, time_s
        return scene


def _changed(one: F32, other: F32) -> float:
    """Return the share of the picture that differs."""
    return float((np.abs(one - other) > LEVELS).mean())
