"""Zones and masks of a Frigate camera in, polygons in fractions of the picture out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.frigate.names import valid_names
from daemon.frigate.remarks import Remarks, is_off, table, text
from pipeline.errors import SettingsError
from pipeline.zones import Point, check_polygon

_ABOUT_OBJECTS = frozenset(
    {"objects", "filters", "loitering_time", "inertia", "distances", "speed_threshold"}
)


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the picture; in a `mask` nothing is looked at, what is in an `ignored` one is not told."""

    name: str
    polygon: tuple[Point, ...]
    mask: bool = False
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class _Outline:
    """An area as Frigate has it."""

    where: str
    name: str
    coordinates: Any
    mask: bool = False
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class PictureSize:
    """How large Frigate's `detect` picture is, in pixels; 0 where the file does not say."""

    width_px: float = 0.0
    height_px: float = 0.0


def camera_areas(
    camera: Mapping[str, Any], size: PictureSize, *, where: str, remarks: Remarks
) -> tuple[Area, ...]:
    """Return a camera's zones and masks, each under a name of its own."""
    outlines = [
        *_zones(camera, where, remarks),
        *_masks(table(camera, "motion").get("mask"), f"{where}.motion.mask", mask=True),
        *_masks(table(camera, "objects").get("mask"), f"{where}.objects.mask", mask=False),
    ]
    for label, rules in table(camera, "objects", "filters").items():
        if isinstance(rules, dict) and rules.get("mask"):
            remarks.add(
                f"{where}.objects.filters.{label}.mask", "there are no classes of objects to mask here"
            )
    areas: list[Area] = []
    for name, outline in zip(valid_names(one.name for one in outlines), outlines, strict=True):
        try:
            polygon = polygon_of(outline.coordinates, size)
        except SettingsError as error:
            remarks.add(outline.where, str(error))
            continue
        areas.append(Area(name, polygon, outline.mask, outline.ignored))
    return tuple(areas)


def polygon_of(coordinates: Any, size: PictureSize) -> tuple[Point, ...]:
    """Return the corners of `0.1,0.2,0.3,…`, in fractions, or of `64,72,…`, in pixels of the detect picture.

    Raises:
        SettingsError: they are no polygon, or are in pixels of a picture whose size the file does not say.
    """
    numbers = _numbers(coordinates)
    if any(number > 1 for number in numbers):
        if not (size.width_px and size.height_px):
            raise SettingsError("it is in pixels, and detect.width and detect.height are not given")
        scales = (size.width_px, size.height_px)
        numbers = [min(1.0, number / scales[index % 2]) for index, number in enumerate(numbers)]
    corners = [(round(x, 4), round(y, 4)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    polygon = tuple(corner for index, corner in enumerate(corners) if corner != corners[index - 1])
    try:
        check_polygon(polygon)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    return polygon


def _numbers(coordinates: Any) -> list[float]:
    parts = [text(part) for part in coordinates] if isinstance(coordinates, list) else [text(coordinates)]
    try:
        numbers = [float(number) for number in ",".join(parts).split(",")]
    except ValueError as error:
        raise SettingsError("its coordinates are no list of numbers") from error
    if len(numbers) % 2 or not all(0 <= number < 1e6 for number in numbers):
        raise SettingsError("its coordinates are no pairs of numbers of 0 and above")
    return numbers


def _zones(camera: Mapping[str, Any], where: str, remarks: Remarks) -> Iterator[_Outline]:
    for name, zone in table(camera, "zones").items():
        place = f"{where}.zones.{name}"
        if not isinstance(zone, dict) or is_off(zone.get("enabled")):
            remarks.add(place, "it is switched off")
            continue
        lost = sorted(_ABOUT_OBJECTS & zone.keys())
        if lost:
            remarks.add(place, f"{', '.join(lost)}: there are no tracked objects here")
        yield _Outline(place, name, zone.get("coordinates"))


def _masks(value: Any, where: str, *, mask: bool) -> Iterator[_Outline]:
    """Yield masks in each of Frigate's forms: a text, a list of texts, or tables by name."""
    word = "mask" if mask else "ignored"
    if isinstance(value, dict):
        for name, one in table(value).items():
            if isinstance(one, dict) and not is_off(one.get("enabled")):
                yield _Outline(f"{where}.{name}", name, one.get("coordinates"), mask, not mask)
        return
    texts = value if isinstance(value, list) else [] if value in (None, "") else [value]
    for number, coordinates in enumerate(texts, start=1):
        name = word if len(texts) == 1 else f"{word}_{number}"
        yield _Outline(where, name, coordinates, mask, not mask)
