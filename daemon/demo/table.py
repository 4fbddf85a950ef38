"""What the demo knows at a moment in, tables for the terminal out; or plain lines where there is none."""

from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from daemon.demo.gauges import Gauges
from daemon.demo.subscriber import Heard, HeardEvent
from daemon.demo.verdict import Finding, count_by_kind
from pipeline.types import EventPhase

NEWEST_EVENTS = 12
STATUS_STYLES = {"online": "green", "offline": "bold red"}
SEVERITY_STYLES = {"alert": "bold red", "warning": "yellow", "info": "cyan"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that one refresh of the screen shows."""

    heard: Heard
    gauges: Gauges
    began_s: float
    playing_s: float
    fps: dict[str, float] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    scene: str = ""


def live_view(moment: Moment) -> RenderableType:
    """Return the whole screen."""
    addresses = Table.grid(padding=(0, 2))
    for name, url in moment.urls.items():
        addresses.add_row(Text(name, style="dim"), url)
    head = Text(f"{moment.playing_s:5.0f} s   {moment.scene}", style="bold")
    foot = Text("Ctrl-C ends the demo", style="dim")
    return Group(head, _cameras(moment), _events(moment), Panel(addresses, title="look here"), foot)


def plain_event(event: HeardEvent, began_s: float) -> str:
    """Return one event message as a line of text."""
    message = event.message
    return (
        f"{event.arrived_s - began_s:6.1f} s  {message.camera:8} {message.type:6} {message.kind} "
        f"{message.label} (score {message.score:.2f}): {message.explanation}"
    )


def summary_lines(heard: Heard, gauges: Gauges, found: list[Finding]) -> list[str]:
    """Return what the demo came to, line by line."""
    frames = ", ".join(
        f"{camera} {count:.0f} (analysed {gauges.analysed.get(camera, 0):.0f})"
        for camera, count in sorted(gauges.decoded.items())
    )
    counts = ", ".join(f"{name} {count}" for name, count in count_by_kind(heard.begun).items())
    latency = f"p50 {_seconds(gauges.latency_s(0.5))}, p99 {_seconds(gauges.latency_s(0.99))}"
    lines = [
        f"frames: {frames or 'none'}; dropped {gauges.dropped:.0f}",
        f"events: {counts or 'none'}; messages {len(heard.events)}, missing {heard.missing}",
        f"clips kept: {gauges.clips:.0f}",
        f"captured → acknowledged by the broker: {latency}",
    ]
    return lines + [_verdict_line(finding) for finding in found]


def _verdict_line(finding: Finding) -> str:
    deed = f"{finding.began_s:5.0f} s  {finding.act.camera}: {finding.act.deed}"
    if finding.event is None or finding.delay_s is None:
        return f"{deed} → not reported"
    message = finding.event.message
    return f"{deed} → {message.kind} {message.label} after {finding.delay_s:.1f} s"


def _seconds(value_s: float | None) -> str:
    return "–" if value_s is None else f"{value_s:.2f} s"


def _cameras(moment: Moment) -> Table:
    table = Table(title="cameras", expand=True, title_justify="left")
    for column in ("camera", "status", "frames/s", "anomaly", "calibrated", "now"):
        table.add_column(column)
    for camera in sorted(moment.heard.statuses.keys() | moment.heard.states.keys()):
        status = moment.heard.statuses.get(camera, "…")
        state = moment.heard.states.get(camera)
        table.add_row(
            camera,
            Text(status, style=STATUS_STYLES.get(status, "yellow")),
            f"{moment.fps.get(camera, 0.0):.1f}",
            _bar(state.anomaly_score if state else 0.0),
            f"{state.calibration_ratio:.1%}" if state else "…",
            ", ".join(state.active_events) if state else "",
        )
    return table


def _bar(score: float) -> Text:
    # The threshold lies at 0.5.
    filled = round(score * 20)
    style = "bold red" if score >= 0.5 else "green"
    return Text("█" * filled + "·" * (20 - filled) + f" {score:.2f}", style=style)


def _events(moment: Moment) -> Table:
    table = Table(title="events, newest first", expand=True, title_justify="left")
    for column in ("at", "camera", "what", "score", "in words"):
        table.add_column(column)
    ended = {event.message.id for event in moment.heard.events if event.message.type is EventPhase.END}
    for event in reversed(moment.heard.begun[-NEWEST_EVENTS:]):
        message = event.message
        style = "dim" if message.id in ended else SEVERITY_STYLES.get(message.severity, "")
        table.add_row(
            f"{event.arrived_s - moment.began_s:.1f} s",
            message.camera,
            f"{message.kind} {message.label}",
            f"{message.score:.2f}",
            message.explanation,
            style=style,
        )
    return table
