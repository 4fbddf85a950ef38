"""Sprites and a picture in, the picture with them out: placement, cast shadows, light, sensor noise."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]  # (height, width, 3), red first
Rgba = NDArray[np.uint8]  # (height, width, 4), colour already multiplied by alpha

NUM_NOISES, NOISE_MARGIN_PX = 6, 64  # a random cut of a random one: 24,576 noises
SUPERSAMPLING = 3  # sprites are drawn this much larger and averaged down


@dataclass(frozen=True, slots=True)
class Sprite:
    """A drawn thing with the point that stands on the ground, and its size in pixels per metre."""

    rgba: Rgba
    foot_x_px: float
    foot_y_px: float
    px_per_m: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sprite's foot stands in the picture, at which size; `mirrored` lets it look to the left."""

    x_px: float
    y_px: float
    px_per_m: float
    mirrored: bool = False
    width: float = 1.0


def paste(picture: Rgb, sprite: Sprite, place: Place) -> None:
    """Draw a sprite into the picture, smoothly between pixels."""
    scale = place.px_per_m / sprite.px_per_m
    across = -scale * place.width if place.mirrored else scale * place.width
    matrix = np.array([[across, 0.0, place.x_px], [0.0, scale, place.y_px]])
    matrix[:, 2] -= matrix[:, :2] @ (sprite.foot_x_px, sprite.foot_y_px)
    patch = _warp(sprite.rgba, matrix, picture.shape)
    if patch is not None:
        region = picture[patch.rows, patch.columns]
        kept = 255 - patch.pixels[..., 3:].astype(np.uint16)
        region[:] = patch.pixels[..., :3] + (region * kept // 255).astype(np.uint8)


def cast_shadow(picture: Rgb, sprite: Sprite, place: Place, *, strength: float = 0.42) -> None:
    """Darken the ground by a sprite's flattened outline, away from a sun at the upper left."""
    scale = place.px_per_m / sprite.px_per_m
    across = -scale * place.width if place.mirrored else scale * place.width
    matrix = np.array([[across, -0.55 * scale, place.x_px], [0.0, 0.24 * scale, place.y_px]])
    matrix[:, 2] -= matrix[:, :2] @ (sprite.foot_x_px, sprite.foot_y_px)
    patch = _warp(sprite.rgba[..., 3], matrix, picture.shape)
    if patch is not None:
        region = picture[patch.rows, patch.columns]
        light = 255 - cv2.blur(patch.pixels, (3, 3)).astype(np.float32) * strength
        region[:] = (region * (light[..., None] / 255)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Patch:
    pixels: NDArray[np.uint8]
    rows: slice
    columns: slice


def _warp(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], shape: tuple[int, ...]) -> _Patch | None:
    height, width = pixels.shape[:2]
    corners = matrix @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    left, top = np.maximum(np.floor(corners.min(axis=1)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 1, (shape[1], shape[0]))
    if left >= right or top >= bottom:
        return None
    shifted = matrix.copy()
    shifted[:, 2] -= (left, top)
    warped = cv2.warpAffine(pixels, shifted, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    return _Patch(warped.astype(np.uint8, copy=False), slice(top, bottom), slice(left, right))


def average_down(large: Rgba, *, factor: int = SUPERSAMPLING) -> Rgba:
    """Return a canvas drawn `factor` times too large at its true size, edges smoothed."""
    height, width = large.shape[0] // factor, large.shape[1] // factor
    return cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def round_off(rgba: Rgba, *, depth_px: float = 4.0) -> Rgba:
    """Shade flat shapes as if they were round and lit from the upper left; premultiplies by alpha."""
    alpha = rgba[..., 3].astype(np.float32) / 255
    height = cv2.GaussianBlur(alpha, (0, 0), depth_px)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + 0.7 * cv2.Sobel(height, cv2.CV_32F, 0, 1)
    light = np.clip(1.0 + 0.28 * depth_px * slope, 0.55, 1.3) * alpha
    shaded = rgba.copy()
    shaded[..., :3] = np.clip(rgba[..., :3] * light[..., None], 0, 255)
    return shaded


class Sensor:
    """Turns a clean picture into that of a camera: drifting light, and ever new noise."""

    def __init__(
        self, width_px: int, height_px: int, rng: np.random.Generator, *, noise: float = 2.6
    ) -> None:
        self._rng = rng
        height, width = height_px + NOISE_MARGIN_PX, width_px + NOISE_MARGIN_PX
        fine = rng.standard_normal((NUM_NOISES, height, width), np.float32)
        coarse = rng.standard_normal((NUM_NOISES, height // 8, width // 8), np.float32)
        blotches = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)
        mixed = np.clip(noise * (fine + blotches / 2) + 128, 0, 255).astype(np.uint8)
        self._noises = np.repeat(mixed[..., None], 3, axis=3)

    def expose(self, picture: Rgb, time_s: float) -> Rgb:
        """Return the picture as a sensor would deliver it at this time."""
        # Both periods divide the loop of 90 s, so that its end meets its beginning.
        gain = 1.0 + 0.012 * np.sin(2 * np.pi * time_s / 45) + 0.006 * np.sin(2 * np.pi * time_s / 18)
        noise = self._random_noise(picture.shape[0], picture.shape[1])
        return cv2.addWeighted(picture, float(gain), noise, 1.0, -128.0).astype(np.uint8, copy=False)

    def _random_noise(self, height_px: int, width_px: int) -> Rgb:
        number = self._rng.integers(NUM_NOISES)
        top, left = self._rng.integers(NOISE_MARGIN_PX, size=2)
        noise: Rgb = self._noises[number, top : top + height_px, left : left + width_px]
        return noise
