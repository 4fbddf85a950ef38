"""Looks and poses in, sprites of people and a cart out; every phase of a stride is drawn once and kept."""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from daemon.demo.painter import SUPERSAMPLING, Rgba, Sprite, average_down, round_off

PX_PER_M = 110.0
NUM_PHASES = 24
STRIDE_M = 1.45  # two steps
THIGH_M, SHIN_M, ANKLE_M, TORSO_M, UPPER_ARM_M, FOREARM_M = 0.46, 0.44, 0.05, 0.50, 0.29, 0.27

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """What a person wears."""

    jacket: Colour
    trousers: Colour
    hair: Colour
    skin: Colour = (224, 172, 138)
    bag: Colour | None = None


@dataclass(frozen=True, slots=True)
class Pose:
    """Joint angles in radians, 0 hanging down, positive to the front; `flight_m` lifts both feet."""

    thighs: tuple[float, float]
    knees: tuple[float, float]
    arms: tuple[float, float]
    elbow: float
    lean: float = 0.05
    flight_m: float = 0.0

    @property
    def hip_m(self) -> float:
        """Return how high the hip is, so that the lower foot stands on the ground."""
        legs = zip(self.thighs, self.knees, strict=True)
        reach_m = max(THIGH_M * np.cos(thigh) + SHIN_M * np.cos(thigh - knee) for thigh, knee in legs)
        return float(reach_m) + ANKLE_M + self.flight_m


def walking(phase: float, *, swing: float = 0.48) -> Pose:
    """Return the pose of a walker; phase 0 to 1 is one stride, the near foot in front at 0.25."""
    angle = 2 * np.pi * phase
    thigh = swing * float(np.sin(angle))
    return Pose(
        thighs=(thigh, -thigh),
        knees=(0.08 + 0.75 * _lift(angle), 0.08 + 0.75 * _lift(angle + np.pi)),
        arms=(-0.8 * thigh, 0.8 * thigh),
        elbow=0.25,
    )


def running(phase: float) -> Pose:
    """Return the pose of a runner."""
    angle = 2 * np.pi * phase
    thigh = 0.85 * float(np.sin(angle))
    return Pose(
        thighs=(0.25 + thigh, 0.25 - thigh),
        knees=(0.35 + 1.35 * _lift(angle), 0.35 + 1.35 * _lift(angle + np.pi)),
        arms=(-1.1 * thigh, 1.1 * thigh),
        elbow=1.5,
        lean=0.28,
        flight_m=0.07 * abs(float(np.sin(angle))),
    )


def sitting(amount: float) -> Pose:
    """Return a pose between standing (0) and sitting on a chair (1)."""
    return Pose(
        thighs=(1.45 * amount, 1.35 * amount),
        knees=(1.5 * amount + 0.05, 1.42 * amount + 0.05),
        arms=(0.55 * amount, 0.45 * amount),
        elbow=0.2 + 0.9 * amount,
        lean=0.04 + amount * (1 - amount) - 0.1 * amount,
    )


def _lift(angle: float) -> float:
    # The knee bends while its thigh comes forward, a quarter of a stride before the foot lands.
    return float(max(0.0, np.cos(angle)) ** 1.5)


@functools.cache
def walker(look: Look, phase_number: int) -> Sprite:
    """Return a walker in one of `NUM_PHASES` phases."""
    return draw_person(look, walking(phase_number / NUM_PHASES))


@functools.cache
def runner(look: Look, phase_number: int) -> Sprite:
    """Return a runner in one of `NUM_PHASES` phases."""
    return draw_person(look, running(phase_number / NUM_PHASES))


@functools.cache
def sitter(look: Look, tenths: int) -> Sprite:
    """Return a person between standing (0) and sitting (10)."""
    return draw_person(look, sitting(tenths / 10))


def phase_of(distance_m: float, stride_m: float = STRIDE_M) -> int:
    """Return the phase of a stride after a distance: 0 m → 0, half a stride → 12 of 24."""
    return round(distance_m / stride_m * NUM_PHASES) % NUM_PHASES


class Canvas:
    """An RGBA canvas in metres: x to the front, y up from the ground, origin at the feet."""

    def __init__(self, width_m: float, height_m: float) -> None:
        self._unit_px = PX_PER_M * SUPERSAMPLING
        self._foot = (width_m / 2 * self._unit_px, (height_m - 0.08) * self._unit_px)
        self._pixels: Rgba = np.zeros(
            (round(height_m * self._unit_px), round(width_m * self._unit_px), 4), np.uint8
        )

    def limb(self, start: Point, end: Point, width_m: float, *, colour: Colour) -> None:
        """Draw a rounded stroke."""
        thickness = max(1, round(width_m * self._unit_px))
        cv2.line(self._pixels, self._px(start), self._px(end), (*colour, 255), thickness, cv2.LINE_AA)

    def disc(self, centre: Point, radius_m: float, colour: Colour) -> None:
        """Draw a filled circle."""
        radius = round(radius_m * self._unit_px)
        cv2.circle(self._pixels, self._px(centre), radius, (*colour, 255), -1, cv2.LINE_AA)

    def polygon(self, corners: list[Point], colour: Colour) -> None:
        """Draw a filled shape."""
        points = np.array([self._px(corner) for corner in corners], np.int32)
        cv2.fillPoly(self._pixels, [points], (*colour, 255), cv2.LINE_AA)

    def sprite(self) -> Sprite:
        """Return what was drawn, shaded and smoothed."""
        small = round_off(average_down(self._pixels))
        return Sprite(small, self._foot[0] / SUPERSAMPLING, self._foot[1] / SUPERSAMPLING, PX_PER_M)

    def _px(self, point: Point) -> tuple[int, int]:
        return (
            round(self._foot[0] + point[0] * self._unit_px),
            round(self._foot[1] - point[1] * self._unit_px),
        )


def draw_person(look: Look, pose: Pose) -> Sprite:
    """Draw a person from the side, looking to the right."""
    canvas = Canvas(2.0, 2.1)
    hip = (0.0, pose.hip_m)
    shoulder = _towards(hip, np.pi - pose.lean, TORSO_M)
    _draw_arm(canvas, look, shoulder, angle=pose.arms[1], elbow=pose.elbow, shade=0.72)
    _draw_leg(canvas, look, hip, thigh=pose.thighs[1], knee=pose.knees[1], shade=0.72)
    _draw_leg(canvas, look, hip, thigh=pose.thighs[0], knee=pose.knees[0], shade=1.0)
    if look.bag is not None:
        canvas.limb((hip[0] - 0.12, hip[1] + 0.2), (hip[0] - 0.14, hip[1] + 0.36), 0.24, colour=look.bag)
    _draw_torso(canvas, look, hip=hip, shoulder=shoulder)
    _draw_head(canvas, look, _towards(shoulder, np.pi - pose.lean * 0.5, 0.24))
    _draw_arm(canvas, look, shoulder, angle=pose.arms[0], elbow=pose.elbow, shade=0.9)
    return canvas.sprite()


def _towards(start: Point, angle: float, length_m: float) -> Point:
    # Angle 0 points down, π/2 to the front, π up.
    return (start[0] + length_m * float(np.sin(angle)), start[1] - length_m * float(np.cos(angle)))


def _shaded(colour: Colour, factor: float) -> Colour:
    red, green, blue = (round(value * factor) for value in colour)
    return (red, green, blue)


def _draw_torso(canvas: Canvas, look: Look, *, hip: Point, shoulder: Point) -> None:
    canvas.limb(hip, (hip[0], hip[1] + 0.04), 0.23, colour=_shaded(look.trousers, 0.95))
    canvas.limb((hip[0], hip[1] + 0.08), shoulder, 0.24, colour=look.jacket)
    canvas.limb(_between(hip, shoulder, 0.6), _between(hip, shoulder, 0.95), 0.27, colour=look.jacket)


def _draw_head(canvas: Canvas, look: Look, centre: Point) -> None:
    canvas.limb((centre[0] - 0.01, centre[1] - 0.14), centre, 0.1, colour=_shaded(look.skin, 0.85))
    canvas.disc(centre, 0.115, look.skin)
    canvas.disc((centre[0] - 0.03, centre[1] + 0.035), 0.105, look.hair)
    canvas.disc((centre[0] + 0.045, centre[1] - 0.025), 0.075, look.skin)


def _draw_leg(canvas: Canvas, look: Look, hip: Point, *, thigh: float, knee: float, shade: float) -> None:
    middle = _towards(hip, thigh, THIGH_M)
    ankle = _towards(middle, thigh - knee, SHIN_M)
    toe = _towards(ankle, np.pi / 2 + 0.9 * (thigh - knee), 0.16)
    canvas.limb(ankle, toe, 0.085, colour=_shaded((46, 40, 38), shade))
    canvas.limb(hip, middle, 0.165, colour=_shaded(look.trousers, shade))
    canvas.limb(middle, ankle, 0.12, colour=_shaded(look.trousers, shade * 0.96))


def _draw_arm(
    canvas: Canvas, look: Look, shoulder: Point, *, angle: float, elbow: float, shade: float
) -> None:
    start = (shoulder[0], shoulder[1] - 0.04)
    middle = _towards(start, angle, UPPER_ARM_M)
    hand = _towards(middle, angle + elbow, FOREARM_M)
    canvas.disc(hand, 0.05, _shaded(look.skin, shade))
    canvas.limb(middle, hand, 0.08, colour=_shaded(look.jacket, shade * 0.95))
    canvas.limb(start, middle, 0.1, colour=_shaded(look.jacket, shade * 0.9))


def _between(start: Point, end: Point, ratio: float) -> Point:
    return (start[0] + (end[0] - start[0]) * ratio, start[1] + (end[1] - start[1]) * ratio)
