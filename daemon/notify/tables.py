"""The settings of notifications: what may stand in `[notify.<name>]`, checked where it is read."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from daemon.tables import Name, OptionalFile, Table
from daemon.zone_tables import DAY_NAMES, DayName, TimeZone, WallTime, Zones
from pipeline.types import EventKind, Severity


class NotifyTable(Table):
    """`[notify.<name>]`: one service, and what it hears of."""

    url: SecretStr = SecretStr("")
    url_file: OptionalFile = None
    cameras: tuple[str, ...] = ()
    kinds: tuple[EventKind, ...] = ()
    labels: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    on: Literal["begin", "end", "both"] = "begin"
    attach_snapshot: bool = True
    cooldown_s: float = Field(default=300.0, ge=0, le=86400)
    quiet_begin: WallTime = time(0)
    quiet_end: WallTime = time(0)
    days: tuple[DayName, ...] = DAY_NAMES
    time_zone: TimeZone = ""
    max_age_s: float = Field(default=3600.0, ge=10, le=604800)

    @model_validator(mode="after")
    def _check_url(self) -> "NotifyTable":
        if bool(self.url.get_secret_value()) == (self.url_file is not None):
            raise ValueError("needs either url, as ${NAME}, or url_file")
        return self

    @model_validator(mode="after")
    def _check_days(self) -> "NotifyTable":
        if not self.days:
            raise ValueError("days must name one day at least, or be left out")
        return self

    def read_url(self) -> str:
        """Return apprise's URL, from the environment or else from `url_file` without its line end."""
        if self.url_file is None:
            return self.url.get_secret_value().strip()
        return self.url_file.read_text(encoding="utf-8").strip()


Notify = dict[Name, NotifyTable]


def unknown_names(notify: Notify, zones: Mapping[str, Zones]) -> Iterator[str]:
    """Yield a line for each camera or zone that a table names and that there is not.

    `zones` are those of each camera.
    """
    for name, table in notify.items():
        yield from _unknown(f"notify.{name}.cameras", table.cameras, zones)
        known = {zone for camera in table.cameras or zones for zone in zones.get(camera, {})}
        yield from _unknown(f"notify.{name}.zones", table.zones, sorted(known))


def _unknown(where: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield f'{where}: "{name}" is not there; there is {", ".join(known) or "none"}'
