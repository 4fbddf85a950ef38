"""`videobertd notify-test`: the settings in, one message to each service out, and a table of who took it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from daemon.check import Finding, findings_table
from daemon.config import load_settings
from daemon.exit_codes import EXIT_CANNOT_START, EXIT_OK
from daemon.notify.assembly import notify_services
from daemon.notify.notice import trial_notice
from daemon.notify.service import Service, ServiceError
from pipeline.errors import SettingsError


def run_notify_test(config: Path, names: Sequence[str], console: Console | None = None) -> int:
    """Send a message through each named table, or through all; return 0 if all took it, else 3.

    Raises:
        SettingsError: the settings are wrong, or there is no such table.
    """
    settings = load_settings(config)
    unknown = [name for name in names if name not in settings.notify]
    if unknown or not settings.notify:
        known = ", ".join(settings.notify) or "none"
        wanted = f"[notify.{unknown[0]}]" if unknown else "a table [notify.<name>]"
        raise SettingsError(f"{config} has not {wanted}; there is {known}")
    tables = {name: table for name, table in settings.notify.items() if not names or name in names}
    findings = tuple(_try(name, service) for name, service in notify_services(tables).items())
    (console or Console()).print(findings_table(findings))
    return EXIT_OK if all(finding.ok for finding in findings) else EXIT_CANNOT_START


def _try(name: str, service: Service) -> Finding:
    try:
        service.send(trial_notice(name))
    except ServiceError as error:
        return Finding(f"notify.{name}", ok=False, words=str(error))
    return Finding(f"notify.{name}", ok=True, words="the message was taken")
