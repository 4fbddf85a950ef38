"""Zones and rules of a camera in the settings file: what may stand there, checked where it is read."""

from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from daemon.tables import Name, Table
from pipeline.presence import MIN_CELLS
from pipeline.types import EventKind, Severity
from pipeline.zones import MAX_POINTS, Point, Zone, ZoneMap, check_polygon

DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAY_NAMES: tuple[DayName, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _check_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    check_polygon(points)
    return points


def _check_time(moment: time) -> time:
    if moment.tzinfo is not None:
        raise ValueError("must be a time of day without a zone, such as 21:00")
    return moment


def _check_time_zone(name: str) -> str:
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Europe/Berlin, or empty for this machine's") from error
    return name


Polygon = Annotated[tuple[Point, ...], Field(max_length=10 * MAX_POINTS), AfterValidator(_check_polygon)]
WallTime = Annotated[time, AfterValidator(_check_time)]
TimeZone = Annotated[str, AfterValidator(_check_time_zone)]


class ZoneTable(Table):
    """`[cameras.<name>.zones.<zone>]`: a polygon in fractions of the picture, from the top left corner.

    In a `mask` nothing is looked at, ever; what lies in a `private` zone is looked at and never shown.
    """

    polygon: Polygon
    mask: bool = False
    private: bool = False


class RuleTable(Table):
    """`[[cameras.<name>.rules]]`: what is to become of some events, where and when."""

    do: Literal["ignore", "raise", "watch"]
    zone: str = ""
    kinds: tuple[EventKind, ...] = ()
    labels: tuple[str, ...] = ()
    begin: WallTime = time(0)
    end: WallTime = time(0)
    days: tuple[DayName, ...] = DAY_NAMES
    severity: Severity = Severity.ALERT

    @model_validator(mode="after")
    def _check_watch(self) -> "RuleTable":
        if self.do == "watch" and not self.zone:
            raise ValueError('do = "watch" needs the zone that is to be watched')
        if self.do == "watch" and (self.kinds or self.labels):
            raise ValueError('do = "watch" makes events of its own: kinds and labels have no place there')
        if not self.days:
            raise ValueError("days must name one day at least, or be left out")
        return self


Zones = dict[Name, ZoneTable]


def check_zones_known(zones: Zones, rules: tuple[RuleTable, ...]) -> None:
    """Refuse a rule about a zone that the camera does not have, or that is too small to be watched.

    Raises:
        ValueError: One sentence about the first such rule.
    """
    for rule in rules:
        if rule.zone and rule.zone not in zones:
            known = ", ".join(zones) or "none"
            raise ValueError(f'a rule names the zone "{rule.zone}", but the camera has {known}')
        if rule.do == "watch" and _num_cells(zones[rule.zone]) < MIN_CELLS:
            raise ValueError(f'the zone "{rule.zone}" is too small to be watched')


def _num_cells(zone: ZoneTable) -> int:
    return int(ZoneMap([Zone("", zone.polygon)]).cells("").sum())
