"""The empty room, painted once: floorboards in perspective, walls, a window and its light, furniture."""

from itertools import pairwise

import cv2
import numpy as np

from daemon.demo.painter import Rgb
from daemon.demo.perspective import FINE, HEIGHT_PX, WIDTH_PX, Colour, Floats, Perspective, Point

VIEW = Perspective(horizon_px=62.0, focal_px=420.0, height_m=2.3)
BACK_M, SIDE_M, CEILING_M = 6.4, 4.1, 2.75

DIM_WALL: Colour = (176, 169, 155)
LIT_WALL: Colour = (196, 188, 172)
BINDINGS: tuple[Colour, ...] = ((170, 60, 50), (60, 90, 130), (200, 180, 140), (80, 110, 80))


def paint_room(rng: np.random.Generator) -> Rgb:
    """Return the empty room, (360, 640, 3)."""
    picture = _paint_floor(rng)
    _paint_walls(picture, rng)
    _paint_window(picture)
    _paint_pictures(picture)
    _paint_bookshelf(picture, rng)
    _paint_rug(picture)
    _paint_sunlight(picture)
    _paint_sofa(picture)
    _paint_plant(picture, rng)
    _paint_armchair(picture)
    small = cv2.resize(picture, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    picture_8bit: Rgb = np.clip(_falloff() * small, 0, 255).astype(np.uint8)
    return picture_8bit


def _fill(picture: Floats, corners: list[Point], colour: Colour) -> None:
    cv2.fillPoly(picture, [np.array(corners, np.int32)], colour, cv2.LINE_AA)


def _box(picture: Floats, span_m: tuple[float, float], up_m: tuple[float, float], *, colour: Colour) -> None:
    """Fill a rectangle on the back wall, given in metres."""
    _face(picture, span_m, up_m, depth_m=BACK_M, colour=colour)


def _face(
    picture: Floats,
    span_m: tuple[float, float],
    up_m: tuple[float, float],
    *,
    depth_m: float,
    colour: Colour,
) -> None:
    """Fill an upright rectangle that faces the camera."""
    low, high = VIEW.fine(span_m[0], depth_m, up_m[0]), VIEW.fine(span_m[1], depth_m, up_m[1])
    cv2.rectangle(picture, (low[0], high[1]), (high[0], low[1]), colour, -1)


def _shade(picture: Floats, centre: Point, axes: tuple[int, int], *, strength: float) -> None:
    shade = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(shade, centre, axes, 0, 0, 360, strength, -1)
    picture *= 1 - cv2.GaussianBlur(shade, (0, 0), 18)[..., None]


def _paint_floor(rng: np.random.Generator) -> Floats:
    unit, boards, length_m = 60, 56, 5.0  # pixels per metre from above; boards of 18 cm
    width = round(boards * 0.18 * unit)
    planks = np.zeros((round(length_m * unit), width, 3), np.float32)
    for number in range(boards):
        left, right = width * number // boards, width * (number + 1) // boards
        for start, end in _joints(rng, planks.shape[0]):
            planks[start:end, left:right] = np.array((166, 118, 78)) * rng.normal(1.0, 0.07)
            planks[start : start + 1, left:right] *= 0.7
        planks[:, left : left + 1] *= 0.72
    grain = rng.normal(0, 5, (6, width, 1)).astype(np.float32)
    planks += cv2.resize(grain, (width, planks.shape[0]), interpolation=cv2.INTER_CUBIC)[..., None]
    height = planks.shape[0]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    metres = [((x - width / 2) / unit, BACK_M - y / unit) for x, y in corners]
    seen = np.array([VIEW.fine(x_m, depth_m) for x_m, depth_m in metres], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen)
    size = (WIDTH_PX * FINE, HEIGHT_PX * FINE)
    return cv2.warpPerspective(planks, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32, copy=False)


def _joints(rng: np.random.Generator, length_px: int) -> list[tuple[int, int]]:
    cuts = [0, *sorted(int(cut) for cut in rng.integers(20, length_px - 20, 2)), length_px]
    return list(pairwise(cuts))


def _paint_walls(picture: Floats, rng: np.random.Generator) -> None:
    left, floor = VIEW.fine(-SIDE_M, BACK_M)
    right, ceiling = VIEW.fine(SIDE_M, BACK_M, CEILING_M)
    near = 2.0
    corners = [VIEW.fine(-SIDE_M, near, CEILING_M), VIEW.fine(SIDE_M, near, CEILING_M)]
    _fill(picture, [*corners, (right, ceiling), (left, ceiling)], (226, 222, 214))
    for sign, edge in ((-1, left), (1, right)):
        foot, head = VIEW.fine(sign * SIDE_M, near), VIEW.fine(sign * SIDE_M, near, CEILING_M)
        _fill(picture, [(edge, ceiling), (edge, floor), foot, head], DIM_WALL if sign < 0 else LIT_WALL)
    wall = picture[ceiling:floor, left:right]
    across, down = np.linspace(1.05, 0.93, right - left), np.linspace(1.0, 0.93, floor - ceiling)
    plaster = cv2.blur(rng.normal(0, 3, wall.shape[:2]).astype(np.float32), (3, 3))
    wall[:] = np.array((206, 200, 184)) * np.outer(down, across)[..., None] + plaster[..., None]
    _box(picture, (-SIDE_M, SIDE_M), (0.0, 0.11), colour=(236, 232, 224))
    shade_at = (picture.shape[1] // 2, floor)
    _shade(picture, shade_at, ((right - left) // 2 + 60, 22), strength=0.22)


def _paint_window(picture: Floats) -> None:
    _box(picture, (-2.75, -0.85), (0.92, 2.28), colour=(240, 238, 232))
    left, bottom = VIEW.fine(-2.67, BACK_M, 1.0)
    right, top = VIEW.fine(-0.93, BACK_M, 2.2)
    for row in range(top, bottom):
        share = (row - top) / (bottom - top)
        sky = (178 + 46 * share, 208 + 22 * share, 238 - 4 * share)
        cv2.line(picture, (left, row), (right, row), sky, 1)
    hills = [(left, bottom), (left, bottom - 66), (left + 120, bottom - 96), (right - 120, bottom - 58)]
    _fill(picture, [*hills, (right, bottom - 84), (right, bottom)], (128, 156, 112))
    _box(picture, (-1.84, -1.76), (0.95, 2.25), colour=(240, 238, 232))
    _box(picture, (-2.7, -0.9), (1.56, 1.62), colour=(240, 238, 232))
    _box(picture, (-2.9, -0.7), (0.86, 0.93), colour=(222, 216, 206))
    for start_m in (-3.25, -0.85):
        for fold in range(5):
            shade = 0.86 + 0.14 * (fold % 2)
            span = (start_m + 0.1 * fold, start_m + 0.1 * (fold + 1))
            _box(picture, span, (0.5, 2.45), colour=(182 * shade, 86 * shade, 70 * shade))


def _paint_pictures(picture: Floats) -> None:
    for start_m, width_m, tint in ((0.1, 0.7, (88, 124, 148)), (0.95, 0.5, (190, 148, 84))):
        _box(picture, (start_m, start_m + width_m), (1.4, 2.05), colour=(52, 44, 40))
        _box(picture, (start_m + 0.05, start_m + width_m - 0.05), (1.45, 2.0), colour=(236, 230, 216))
        _box(picture, (start_m + 0.12, start_m + width_m - 0.12), (1.52, 1.93), colour=tint)


def _paint_bookshelf(picture: Floats, rng: np.random.Generator) -> None:
    _box(picture, (2.2, 3.9), (0.0, 2.2), colour=(112, 78, 52))
    for shelf in range(5):
        low = 0.08 + 0.42 * shelf
        _box(picture, (2.27, 3.83), (low, low + 0.36), colour=(66, 46, 34))
        _paint_books(picture, low, rng)


def _paint_books(picture: Floats, low_m: float, rng: np.random.Generator) -> None:
    x_m = 2.3
    while x_m < 3.7:
        width_m = float(rng.uniform(0.04, 0.1))
        red, green, blue = (float(rng.uniform(0.5, 1.0)) * value for value in BINDINGS[int(rng.integers(4))])
        if rng.uniform() < 0.86:  # a gap now and then
            top_m = low_m + float(rng.uniform(0.24, 0.33))
            _box(picture, (x_m, x_m + width_m), (low_m, top_m), colour=(red, green, blue))
        x_m += width_m + 0.008


def _paint_rug(picture: Floats) -> None:
    for inset_m, colour in (
        (0.0, (136, 52, 48)),
        (0.12, (208, 184, 146)),
        (0.2, (150, 64, 56)),
        (0.6, (176, 96, 74)),
    ):
        left_m, right_m = -1.7 + inset_m, 1.1 - inset_m
        far_m, near_m = 5.3 - inset_m * 0.7, 3.75 + inset_m * 0.5
        _fill(picture, _on_floor((left_m, left_m), (right_m, right_m), (far_m, near_m)), colour)


def _paint_sunlight(picture: Floats) -> None:
    light = np.zeros(picture.shape[:2], np.float32)
    for start_m in (-1.9, -0.85):
        corners = _on_floor((start_m, start_m + 0.6), (start_m + 0.85, start_m + 1.5), (5.4, 4.0))
        cv2.fillPoly(light, [np.array(corners, np.int32)], 1.0, cv2.LINE_AA)
    soft = cv2.GaussianBlur(light, (0, 0), 6)
    picture += soft[..., None] * np.array((52, 46, 30), np.float32)


def _on_floor(
    left_m: tuple[float, float], right_m: tuple[float, float], depths_m: tuple[float, float]
) -> list[tuple[int, int]]:
    """Return the corners of a patch of floor; each pair is its far edge, then its near edge."""
    far_m, near_m = depths_m
    return [
        VIEW.fine(left_m[0], far_m),
        VIEW.fine(right_m[0], far_m),
        VIEW.fine(right_m[1], near_m),
        VIEW.fine(left_m[1], near_m),
    ]


def _paint_sofa(picture: Floats) -> None:
    depth = 5.7
    foot = VIEW.fine(-2.0, depth)
    _shade(picture, (foot[0], foot[1] + 14), (round(1.3 * VIEW.px_per_m(depth) * FINE), 30), strength=0.4)
    parts: tuple[tuple[tuple[float, float], tuple[float, float], Colour], ...] = (
        ((-3.1, -0.9), (0.3, 0.86), (74, 100, 106)),
        ((-3.02, -2.02), (0.42, 0.82), (86, 114, 120)),
        ((-1.98, -0.98), (0.42, 0.82), (86, 114, 120)),
        ((-3.1, -0.9), (0.1, 0.44), (78, 106, 112)),
        ((-3.1, -0.9), (0.4, 0.45), (104, 134, 140)),
        ((-3.3, -3.05), (0.08, 0.62), (66, 90, 96)),
        ((-0.95, -0.7), (0.08, 0.62), (66, 90, 96)),
        ((-2.7, -2.3), (0.46, 0.78), (206, 164, 76)),
    )
    for span, up, colour in parts:
        _face(picture, span, up, depth_m=depth, colour=colour)


def _paint_plant(picture: Floats, rng: np.random.Generator) -> None:
    foot = VIEW.fine(1.75, 6.1)
    _shade(picture, foot, (50, 14), strength=0.35)
    pot = [VIEW.fine(1.55, 6.1, 0.45), VIEW.fine(1.95, 6.1, 0.45), VIEW.fine(1.9, 6.1), VIEW.fine(1.6, 6.1)]
    _fill(picture, pot, (188, 112, 78))
    root = VIEW.fine(1.75, 6.1, 0.42)
    for number in range(46):
        angle = float(rng.uniform(-1.25, 1.25))
        reach = float(rng.uniform(70, 190))
        tip = (root[0] + round(np.sin(angle) * reach), root[1] - round(np.cos(angle) * reach))
        light = 0.6 + 0.5 * number / 46
        cv2.line(picture, root, tip, (64 * light, 112 * light, 58 * light), 7, cv2.LINE_AA)


def _paint_armchair(picture: Floats) -> None:
    """Paint the chair's back and seat from the side; the arm rest in front of a sitter is a sprite."""
    depth = 4.45
    foot = VIEW.fine(2.0, depth)
    _shade(picture, foot, (round(0.62 * VIEW.px_per_m(depth) * FINE), 32), strength=0.45)
    back = ((2.2, 0.25), (2.45, 1.12), (2.62, 1.1), (2.5, 0.1))
    seat = ((1.52, 0.46), (2.4, 0.44), (2.45, 0.2), (1.5, 0.2))
    _fill(picture, [VIEW.fine(x_m, depth, up_m) for x_m, up_m in back], (150, 84, 58))
    _fill(picture, [VIEW.fine(x_m, depth, up_m) for x_m, up_m in seat], (164, 94, 66))
    for leg_m in (1.56, 2.38):
        _face(picture, (leg_m, leg_m + 0.06), (0.0, 0.22), depth_m=depth, colour=(60, 42, 32))


def _falloff() -> Floats:
    y, x = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j]
    light: Floats = (1.02 - 0.1 * (x**2 + y**2) - 0.06 * x)[..., None].astype(np.float32)
    return light
