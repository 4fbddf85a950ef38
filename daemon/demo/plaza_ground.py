"""The empty square, painted once: paving in perspective, house fronts, trees, a fountain and benches."""

import cv2
import numpy as np

from daemon.demo.painter import Rgb
from daemon.demo.perspective import FINE, HEIGHT_PX, WIDTH_PX, Colour, Floats, Perspective

VIEW = Perspective(horizon_px=72.0, focal_px=470.0, height_m=5.5)
HOUSES_M = 36.0  # from the camera


def paint_plaza(rng: np.random.Generator) -> Rgb:
    """Return the empty square, (360, 640, 3)."""
    picture = _paint_paving(rng)
    _paint_houses(picture, rng)
    _paint_fountain(picture)
    for x_m, depth_m in ((-14.5, 30.0), (12.5, 30.5), (19.5, 31.0)):
        _paint_tree(picture, rng, x_m=x_m, depth_m=depth_m)
    for x_m in (-8.0, 7.0):
        _paint_bench(picture, x_m, 30.5)
    small = cv2.resize(picture, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    picture_8bit: Rgb = np.clip(_vignette() * small, 0, 255).astype(np.uint8)
    return picture_8bit


def _paint_paving(rng: np.random.Generator) -> Floats:
    stones = _paving_from_above(rng)
    height, width = stones.shape[:2]
    unit = 24  # pixels per metre of the view from above, which spans 60 × 30 m from 8 m on
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    metres = [((x - width / 2) / unit, 38 - y / unit) for x, y in corners]
    seen = np.array([VIEW.fine(x_m, depth_m) for x_m, depth_m in metres], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen)
    size = (WIDTH_PX * FINE, HEIGHT_PX * FINE)
    return cv2.warpPerspective(
        stones, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32, copy=False)


def _paving_from_above(rng: np.random.Generator) -> Floats:
    rows, columns, size = 60, 120, 12  # slabs of half a metre
    tone = rng.normal(0, 7, (rows, columns, 1)) + rng.normal(0, 2, (rows, columns, 3))
    stones = np.kron(tone, np.ones((size, size, 1))).astype(np.float32) + np.array(
        (172, 163, 150), np.float32
    )
    stones[::size] -= 26
    stones[:, ::size] -= 26
    height, width = stones.shape[:2]
    dirt = cv2.resize(
        rng.normal(0, 9, (20, 40)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    stones += dirt[..., None] + rng.normal(0, 3, (height, width, 1)).astype(np.float32)
    for radius, thickness in ((250, 14), (190, 8), (84, 30)):
        ring = np.zeros((height, width), np.float32)
        cv2.circle(ring, (width // 2, 430), radius, 1.0, thickness, cv2.LINE_AA)
        stones -= ring[..., None] * np.array((38, 44, 46), np.float32)
    return stones.astype(np.float32)


def _paint_houses(picture: Floats, rng: np.random.Generator) -> None:
    fronts: tuple[tuple[float, float, Colour], ...] = (
        (-27.0, -16.2, (186, 148, 118)),
        (-16.2, -6.4, (206, 190, 158)),
        (-6.4, 5.6, (170, 110, 92)),
        (5.6, 14.6, (196, 178, 170)),
        (14.6, 27.0, (150, 150, 142)),
    )
    for left_m, right_m, colour in fronts:
        _paint_front(picture, rng, left_m=left_m, right_m=right_m, colour=colour)
    left, base = VIEW.fine(-30, HOUSES_M)
    right, _ = VIEW.fine(30, HOUSES_M)
    shade = np.zeros(picture.shape[:2], np.float32)
    cv2.rectangle(shade, (left, base - 4), (right, base + 24), 0.35, -1)
    picture *= 1 - cv2.GaussianBlur(shade, (0, 0), 10)[..., None]


def _paint_front(
    picture: Floats, rng: np.random.Generator, *, left_m: float, right_m: float, colour: Colour
) -> None:
    left, base = VIEW.fine(left_m, HOUSES_M)
    right, _ = VIEW.fine(right_m, HOUSES_M)
    wall = picture[:base, max(left, 0) : right]
    grain = rng.normal(0, 3, (*wall.shape[:2], 1)) + np.linspace(14, -10, base)[:, None, None]
    wall[:] = np.array(colour) + cv2.blur(grain.astype(np.float32), (3, 3))[..., None]
    count = round((right_m - left_m) / 2.4)
    for number in range(count):
        centre_m = left_m + (number + 0.5) * (right_m - left_m) / count
        for floor_m in (4.4, 7.5, 10.4):
            _paint_window(picture, rng, centre_m=centre_m, bottom_m=floor_m)
        _paint_shop(picture, rng, centre_m=centre_m, width_m=(right_m - left_m) / count * 0.84)
    cv2.line(picture, (right, 0), (right, base), tuple(value * 0.72 for value in colour), 4)
    ledge = VIEW.fine(left_m, HOUSES_M, 3.75)[1]
    cv2.rectangle(picture, (left, ledge), (right, ledge + 8), tuple(value * 1.12 for value in colour), -1)
    cv2.rectangle(
        picture, (left, ledge + 9), (right, ledge + 13), tuple(value * 0.66 for value in colour), -1
    )


def _paint_window(picture: Floats, rng: np.random.Generator, *, centre_m: float, bottom_m: float) -> None:
    left, bottom = VIEW.fine(centre_m - 0.52, HOUSES_M, bottom_m)
    right, top = VIEW.fine(centre_m + 0.52, HOUSES_M, bottom_m + 1.75)
    cv2.rectangle(picture, (left - 4, top - 4), (right + 4, bottom + 4), (222, 216, 204), -1)
    glass = rng.uniform(0.75, 1.2)
    for row in range(top, bottom):
        share = (row - top) / (bottom - top)
        pane = tuple(glass * value for value in (70 + 50 * share, 88 + 46 * share, 104 + 36 * share))
        cv2.line(picture, (left, row), (right, row), pane, 1)
    middle = (left + right) // 2
    cv2.line(picture, (middle, top), (middle, bottom), (216, 210, 198), 3)
    cv2.rectangle(picture, (left - 8, bottom + 4), (right + 8, bottom + 9), (200, 192, 178), -1)


def _paint_shop(picture: Floats, rng: np.random.Generator, *, centre_m: float, width_m: float) -> None:
    left, bottom = VIEW.fine(centre_m - width_m / 2, HOUSES_M, 0.1)
    right, top = VIEW.fine(centre_m + width_m / 2, HOUSES_M, 2.7)
    cv2.rectangle(picture, (left, top), (right, bottom), (60, 56, 54), -1)
    glow = rng.uniform(0.6, 1.0)
    warm = (196 * glow, 164 * glow, 112 * glow)
    cv2.rectangle(picture, (left + 6, top + 8), (right - 6, bottom - 22), warm, -1)
    for _ in range(5):
        x, y = rng.integers(left + 8, right - 14), rng.integers(top + 20, bottom - 34)
        goods = tuple(float(value) for value in rng.uniform(60, 190, 3))
        cv2.rectangle(picture, (int(x), int(y)), (int(x) + 10, int(y) + 16), goods, -1)
    awning: Colour = ((168, 52, 46), (52, 98, 78), (58, 84, 128), (186, 142, 62))[int(rng.integers(4))]
    stripes = 6
    for number in range(stripes):
        start = left + (right - left) * number // stripes
        end = left + (right - left) * (number + 1) // stripes
        colour: Colour = awning if number % 2 else (232, 226, 214)
        corners = np.array([(start, top - 12), (end, top - 12), (end + 4, top + 14), (start - 4, top + 14)])
        cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)


def _paint_tree(picture: Floats, rng: np.random.Generator, *, x_m: float, depth_m: float) -> None:
    foot = VIEW.fine(x_m, depth_m)
    scale = VIEW.px_per_m(depth_m) * FINE
    shade = np.zeros(picture.shape[:2], np.float32)
    centre = (foot[0] + round(2.6 * scale), foot[1] - round(0.15 * scale))
    cv2.ellipse(shade, centre, (round(2.6 * scale), round(0.55 * scale)), 0, 0, 360, 0.42, -1)
    picture *= 1 - cv2.GaussianBlur(shade, (0, 0), 6)[..., None]
    crown = (foot[0], foot[1] - round(3.9 * scale))
    cv2.line(picture, foot, crown, (74, 58, 44), round(0.34 * scale), cv2.LINE_AA)
    for number in range(420):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform()) * 1.75 * scale
        offset = np.array((np.cos(angle), 0.85 * np.sin(angle))) * reach
        light = 0.62 + 0.22 * number / 420 - 0.16 * (offset @ (0.7, 1.0)) / scale + rng.normal(0, 0.06)
        leaf = tuple(float(value) for value in np.array((94, 128, 58)) * light)
        at = (round(crown[0] + offset[0]), round(crown[1] + offset[1]))
        cv2.circle(picture, at, int(rng.integers(5, 13)), leaf, -1, cv2.LINE_AA)


def _paint_fountain(picture: Floats) -> None:
    centre = VIEW.fine(0.0, 29.0)
    scale = VIEW.px_per_m(29.0) * FINE
    for rise_m, radius_m, colour in (
        (0.0, 3.1, (112, 106, 98)),
        (0.35, 3.0, (196, 188, 174)),
        (0.35, 2.7, (92, 128, 142)),
        (0.6, 1.5, (120, 156, 168)),
        (1.0, 0.7, (186, 178, 164)),
        (1.35, 0.5, (150, 180, 190)),
    ):
        at = (centre[0], centre[1] - round(rise_m * scale))
        axes = (round(radius_m * scale), round(radius_m * scale * 0.2))
        cv2.ellipse(picture, at, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
    top = (centre[0], centre[1] - round(2.1 * scale))
    cv2.line(picture, (centre[0], centre[1] - round(1.3 * scale)), top, (206, 220, 226), 6, cv2.LINE_AA)


def _paint_bench(picture: Floats, x_m: float, depth_m: float) -> None:
    left, ground = VIEW.fine(x_m - 1.0, depth_m)
    right, seat = VIEW.fine(x_m + 1.0, depth_m, 0.45)
    back = VIEW.fine(x_m, depth_m, 0.95)[1]
    cv2.rectangle(picture, (left, seat + 8), (right + 20, ground), (118, 110, 100), -1)
    cv2.rectangle(picture, (left, seat), (right, seat + 8), (126, 82, 48), -1)
    cv2.rectangle(picture, (left, back), (right, back + 7), (142, 94, 56), -1)
    for leg in (left + 6, right - 6):
        cv2.line(picture, (leg, back), (leg, ground), (60, 56, 54), 4, cv2.LINE_AA)


def _vignette() -> Floats:
    y, x = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j]
    light: Floats = (1.04 - 0.08 * (x**2 + y**2) - 0.05 * x)[..., None].astype(np.float32)
    return light
