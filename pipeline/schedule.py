"""A time of day and days of the week in, whether they hold at a moment out; summer time included."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import IntEnum


class Day(IntEnum):
    """A day of the week, as `datetime.weekday` counts."""

    MON = 0
    TUE = 1
    WED = 2
    THU = 3
    FRI = 4
    SAT = 5
    SUN = 6


@dataclass(frozen=True, slots=True)
class Schedule:
    """From `begin` to before `end` by the clock on the wall, on `days`; equal times are the whole day.

    Where `end` is not after `begin`, it is on the next day: friday's 21:00 to 07:00 includes 3 in the
    morning of saturday. Where the clock is set back, an hour that comes twice counts both times.
    """

    begin: time = time(0)
    end: time = time(0)
    days: frozenset[Day] = frozenset(Day)

    def holds(self, utc_s: float, zone: tzinfo | None) -> bool:
        """Say whether a moment is within; `zone` is where the wall is, None where this machine is."""
        local = datetime.fromtimestamp(utc_s, zone)
        now = local.time()
        yesterday = Day((local - timedelta(days=1)).weekday())
        today = Day(local.weekday())
        if self.begin < self.end:
            return today in self.days and self.begin <= now < self.end
        return (today in self.days and now >= self.begin) or (yesterday in self.days and now < self.end)


ALWAYS = Schedule()
