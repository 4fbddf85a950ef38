"""Tables of the settings in, notifiers out: the one place that knows both."""

import random
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from daemon.notify.notifier import Notifier, Order, Supplies
from daemon.notify.progress import ProgressFile
from daemon.notify.rule import NotifyRule
from daemon.notify.service import Service, open_service
from daemon.notify.tables import NotifyTable
from pipeline.backoff import Backoff, BackoffSettings
from pipeline.errors import SettingsError
from pipeline.schedule import Day, Schedule

FOLDER = "notify"
# A service is asked again after 1, 2, 4 … seconds, once a minute while it is away for long.
BACKOFF = BackoffSettings(first_s=1.0, early_cap_s=60.0, early_s=600.0, cap_s=60.0)


def notify_services(tables: Mapping[str, NotifyTable]) -> dict[str, Service]:
    """Return the service of each table; nothing is sent.

    Raises:
        SettingsError: apprise is missing, or a URL cannot be read or is none.
    """
    return {name: _service(name, table) for name, table in tables.items()}


def notifiers(
    tables: Mapping[str, NotifyTable], *, data_dir: Path, public_url: str, supplies: Supplies
) -> tuple[Notifier, ...]:
    """Return a notifier for each table, with no thread started.

    Raises:
        SettingsError: apprise is missing, or a URL cannot be read or is none.
    """
    services = notify_services(tables)
    return tuple(
        Notifier(
            Order(name, notify_rule(table), table.attach_snapshot, public_url),
            services[name],
            supplies=supplies,
            memory=ProgressFile(data_dir / FOLDER / f"{name}.json"),
            backoff=Backoff(BACKOFF, random.Random()),  # noqa: S311 - jitter, not a secret
        )
        for name, table in tables.items()
    )


def notify_rule(table: NotifyTable) -> NotifyRule:
    """Return which events a table speaks of; equal times are no quiet hours."""
    days = frozenset(Day[day.upper()] for day in table.days)
    is_loud = table.quiet_begin == table.quiet_end
    return NotifyRule(
        cameras=frozenset(table.cameras),
        kinds=frozenset(table.kinds),
        labels=frozenset(table.labels),
        zones=frozenset(table.zones),
        severity=table.severity,
        begins=table.on != "end",
        ends=table.on != "begin",
        cooldown_s=table.cooldown_s,
        quiet=None if is_loud else Schedule(table.quiet_begin, table.quiet_end, days),
        time_zone=ZoneInfo(table.time_zone) if table.time_zone else None,
        max_age_s=table.max_age_s,
    )


def _service(name: str, table: NotifyTable) -> Service:
    try:
        return open_service(table.read_url())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"notify.{name}.url_file: {table.url_file} cannot be read: {error}") from error
    except SettingsError as error:
        raise SettingsError(f"notify.{name}: {error}") from error
