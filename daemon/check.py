"""`videobertd check`: the settings file in, a table of what works out; nothing is left running."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from daemon.assembly import mqtt_settings, source_settings
from daemon.config import CameraTable, Settings, load_settings
from daemon.exit_codes import EXIT_CANNOT_START, EXIT_OK
from daemon.mqtt import MqttSettings, probe
from daemon.notify.assembly import notify_services
from daemon.notify.tables import NotifyTable
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from pipeline.clock import SystemClock
from pipeline.errors import VideobertdError
from pipeline.probe import probe_source
from pipeline.urls import redact_url

MAX_PROBES = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found."""

    subject: str
    ok: bool
    words: str


def run_check(config: Path, console: Console | None = None) -> int:
    """Print a row for the model, the broker and each camera; return 0 if all is well, else 3.

    Raises:
        SettingsError: the settings themselves are wrong.
    """
    console = console or Console()
    settings = load_settings(config)
    findings = check_all(settings)
    console.print(findings_table(findings))
    if not settings.cameras:
        console.print(f"{config} names no camera yet.")
    return EXIT_OK if all(finding.ok for finding in findings) else EXIT_CANNOT_START


def check_all(settings: Settings) -> tuple[Finding, ...]:
    """Probe everything at once, so that one mute camera delays none; the order is that of the settings."""
    broker = mqtt_settings(settings, "")
    probes: list[tuple[str, Callable[[], str]]] = [
        ("model", lambda: _check_model(settings)),
        ("broker", lambda: _check_broker(broker)),
        *((f"notify.{name}", _notify_probe(name, table)) for name, table in settings.notify.items()),
        *((f"cameras.{name}", _camera_probe(camera)) for name, camera in settings.cameras.items()),
    ]
    with ThreadPoolExecutor(max_workers=MAX_PROBES, thread_name_prefix="probe") as pool:
        return tuple(pool.map(lambda item: _attempt(*item), probes))


def findings_table(findings: tuple[Finding, ...]) -> Table:
    """Return the findings as a table."""
    table = Table("", "what", "found", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]fails[/]"
        table.add_row(mark, finding.subject, Text(finding.words))
    return table


def _attempt(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, ok=True, words=look())
    except VideobertdError as error:
        return Finding(subject, ok=False, words=str(error))


def _check_model(settings: Settings) -> str:
    checkpoint = load_checkpoint(settings.model.checkpoint or DEFAULT_DIR)
    learned = "" if checkpoint.trained else ", temporal model not trained: it reports no behaviour"
    return f"{checkpoint.title}{learned}"


def _check_broker(settings: MqttSettings) -> str:
    return f"{settings.host}:{settings.port} speaks {probe(settings)}"


def _notify_probe(name: str, table: NotifyTable) -> Callable[[], str]:
    def look() -> str:
        notify_services({name: table})
        return f"the URL is understood; `videobertd notify-test {name}` sends a message"

    return look


def _camera_probe(camera: CameraTable) -> Callable[[], str]:
    def look() -> str:
        facts = probe_source(source_settings(camera), SystemClock())
        rate = "" if facts.fps is None else f" at {facts.fps:g} fps"
        return f"{redact_url(camera.url)}: {facts.codec} {facts.width_px}x{facts.height_px}{rate}"

    return look
