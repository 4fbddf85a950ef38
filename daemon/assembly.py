"""Tables of the settings file in, the settings objects of the stages out: the one place that knows both."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from daemon.config import CameraTable, Settings
from daemon.mqtt import MqttSettings
from daemon.zone_tables import RuleTable
from models.checkpoint import DEFAULT_DIR
from models.gate import GateSettings
from models.runtime import Encoder, open_encoder
from pipeline.controls import CameraControls
from pipeline.errors import SettingsError
from pipeline.presence import Presence, Watch
from pipeline.privacy import Blur, Privacy
from pipeline.recording import RecordingSettings
from pipeline.rules import Action, Knowledge, Rule
from pipeline.schedule import Day, Schedule
from pipeline.stream import SourceSettings
from pipeline.zones import Zone, ZoneMap

WATCH = "watch"


def mqtt_settings(settings: Settings, public_url: str) -> MqttSettings:
    """Return how to reach the broker; the password file is read here, once.

    Raises:
        SettingsError: the password file cannot be read.
    """
    table = settings.mqtt
    try:
        password = table.read_password()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"mqtt.password_file: {table.password_file} cannot be read: {error}") from error
    plain = table.model_dump(exclude={"password", "password_file"})
    return MqttSettings(**plain, password=password, public_url=public_url)


def source_settings(camera: CameraTable) -> SourceSettings:
    """Return where a camera's frames come from."""
    return SourceSettings(
        url=camera.url,
        transport=camera.transport,
        loop=camera.loop,
        fps=camera.image_fps,
        open_timeout_s=camera.open_timeout_s,
        stall_timeout_s=camera.stall_timeout_s,
    )


def gate_settings(camera: CameraTable) -> GateSettings:
    """Return what counts as still; a gate that is switched off refreshes at every frame."""
    return GateSettings() if camera.gate else GateSettings(refresh_s=0.0)


def recording_settings(camera: CameraTable) -> RecordingSettings:
    """Return how much of a camera is kept around an event."""
    return RecordingSettings(
        pre_roll_s=camera.pre_roll_s,
        post_roll_s=camera.post_roll_s,
        max_clip_s=camera.max_clip_s,
        max_bytes=round(camera.max_clip_mb * 1e6),
    )


def knowledge(camera: CameraTable) -> Knowledge:
    """Return what the user has said of a camera: its zones, and what is to become of which events."""
    rules = tuple(
        Rule(
            action=Action(rule.do),
            zone=rule.zone,
            kinds=frozenset(rule.kinds),
            labels=frozenset(rule.labels),
            when=_schedule(rule),
            severity=rule.severity,
        )
        for rule in camera.rules
        if rule.do != WATCH
    )
    zones = ZoneMap(Zone(name, table.polygon) for name, table in camera.zones.items())
    return Knowledge(zones, rules, ZoneInfo(camera.time_zone) if camera.time_zone else None)


def presence(camera: CameraTable, known: Knowledge) -> Presence:
    """Return what watches the zones in which whatever moves is an event."""
    watches = (Watch(rule.zone, _schedule(rule), rule.severity) for rule in camera.rules if rule.do == WATCH)
    return Presence(watches, known.zones, known.time_zone)


def privacy(camera: CameraTable) -> Privacy:
    """Return what of a camera's pictures nobody may see."""
    private = {name: table.polygon for name, table in camera.zones.items() if table.private}
    return Privacy(private, Blur(camera.blur))


def _schedule(rule: RuleTable) -> Schedule:
    return Schedule(rule.begin, rule.end, frozenset(Day[day.upper()] for day in rule.days))


def camera_controls(camera: CameraTable) -> CameraControls:
    """Return a camera's switches as the settings have them."""
    return CameraControls(
        enabled=camera.enabled,
        anomaly=camera.anomaly,
        behaviour=camera.behaviour,
        budget_per_day=camera.budget_per_day,
    )


def load_encoder(settings: Settings) -> Encoder:
    """Open the model that the settings ask for.

    Raises:
        CheckpointError: it is missing, damaged, or asks for a device that is not there.
    """
    folder = settings.model.checkpoint or DEFAULT_DIR
    return open_encoder(folder, device=settings.model.device, threads=settings.model.threads)


def with_checkpoint(settings: Settings, folder: Path) -> Settings:
    """Return the settings with another checkpoint."""
    return settings.model_copy(update={"model": settings.model.model_copy(update={"checkpoint": folder})})


def inference_threads(settings: Settings) -> int:
    """Return how many inference threads to run: 0 stands for two where there are two cores to use."""
    return settings.inference.threads or min(2, len(os.sched_getaffinity(0)))
