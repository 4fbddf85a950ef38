"""`videobertd replay`: recordings in, the events of the live stages out, as lines of text or JSON."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from daemon.assembly import load_encoder
from daemon.config import CameraDefaults, Settings, load_settings
from daemon.exit_codes import EXIT_OK
from pipeline.errors import SettingsError, SourceError
from pipeline.replay import ReplayResult, ReplaySettings, replay
from pipeline.types import Event
from pipeline.urls import SourceKind, redact_url, source_kind, source_path


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to play, what to learn from first, and the settings file and the budget, if any.

    Without a budget it is one alarm in the time that was learned, or that of the settings if nothing was.
    """

    sources: tuple[str, ...]
    learn: tuple[str, ...] = ()
    config: Path | None = None
    budget_per_day: float | None = None


def run_replay(request: ReplayRequest, *, as_json: bool) -> int:
    """Print the events of the sources as they are found.

    Raises:
        SettingsError: the settings are wrong, or a source cannot be read.
        CheckpointError: the model cannot be used.
    """
    settings = Settings() if request.config is None else load_settings(request.config)
    encoder = load_encoder(settings)
    how = replay_settings(settings.defaults)
    if request.budget_per_day is not None or request.learn:
        how = replace(how, budget_per_day=request.budget_per_day)
    paths, lessons = (
        [_recording(text) for text in request.sources],
        [_recording(text) for text in request.learn],
    )
    try:
        for result in replay(paths, encoder=encoder, settings=how, learn=lessons):
            for event in result.events:
                record = event_record(result, event)
                sys.stdout.write((json.dumps(record) if as_json else text_line(record)) + "\n")
                sys.stdout.flush()
    except SourceError as error:
        raise SettingsError(str(error)) from error
    return EXIT_OK


def _recording(source: str) -> Path:
    if source_kind(source) in {SourceKind.RTSP, SourceKind.HTTP}:
        raise SettingsError(
            f"{redact_url(source)} is no recording: replay reads videos and folders of images"
        )
    return source_path(source)


def replay_settings(defaults: CameraDefaults) -> ReplaySettings:
    """Return the settings of a camera that has none of its own."""
    return ReplaySettings(
        sample_fps=defaults.sample_fps, image_fps=defaults.image_fps, budget_per_day=defaults.budget_per_day
    )


def event_record(result: ReplayResult, event: Event) -> dict[str, object]:
    """Return an event as it is printed; times are seconds, since there is no date.

    `time_s` is counted from the beginning of the source, the other times from that of the replay.
    """
    return {
        "source": result.source,
        "time_s": round(result.time_s, 3),
        "id": event.id,
        "type": event.phase,
        "kind": event.kind,
        "label": event.label,
        "score": round(event.score, 4),
        "p_value": event.p_value,
        "severity": event.severity,
        "start_s": round(event.start_utc_s, 3),
        "end_s": None if event.end_utc_s is None else round(event.end_utc_s, 3),
        "region": None if event.region is None else asdict(event.region),
        "key_times_s": [round(time_s, 3) for time_s in event.key_times_utc_s],
        "explanation": event.explanation,
    }


def text_line(record: dict[str, object]) -> str:
    """Return `source time type kind/label score explanation`, in columns."""
    what = f"{record['kind']}/{record['label']}"
    return (
        f"{record['source']}  {record['time_s']:>8.2f} s  {record['type']:<6} {what:<22}"
        f" {record['score']:.2f}  {record['explanation']}"
    )
