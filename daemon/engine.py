"""What all cameras share between lens and event, and how one more camera is joined to it."""

from dataclasses import dataclass
from functools import partial

from daemon.assembly import gate_settings, privacy, recording_settings, source_settings
from daemon.config import CameraTable
from daemon.overview import Overview
from daemon.recordings import Recordings
from daemon.tuning import Tuning
from models.clip_vector import ClipReader
from models.motion import MotionRenderer, MotionSettings
from models.runtime import Encoder
from pipeline.analysis import CameraAnalysis, Outlets
from pipeline.camera import Camera, CameraLinks, CameraSettings
from pipeline.clock import Clock
from pipeline.controls import CameraControls
from pipeline.mailbox import Mailbox
from pipeline.recording import Recorder
from pipeline.reporter import StatusReporter
from pipeline.rules import RuleListener
from pipeline.source import open_source
from pipeline.threads import ThreadGroup
from pipeline.types import ObservedFrame


@dataclass(frozen=True, slots=True)
class Engine:
    """The shared parts; `analyses` is the live dictionary that inference and reporter read."""

    clock: Clock
    group: ThreadGroup
    encoder: Encoder
    mailbox: Mailbox
    outlets: Outlets
    reporter: StatusReporter
    analyses: dict[str, CameraAnalysis]
    overview: Overview
    recordings: Recordings
    rules: RuleListener
    tuning: Tuning
    reader: ClipReader | None

    def put(self, camera: str, frame: ObservedFrame) -> None:
        """Take a camera's next frame: the page may show it, inference gets it."""
        self.overview.see(camera, frame)
        self.mailbox.put(camera, frame)


def new_camera(engine: Engine, name: str, *, table: CameraTable, controls: CameraControls) -> Camera:
    """Return a camera of the settings, joined to the engine and not started."""
    checkpoint = engine.encoder.checkpoint
    settings = CameraSettings(
        name=name,
        source=source_settings(table),
        sample_fps=table.sample_fps,
        picture_px=checkpoint.picture_px,
        masks=tuple(zone.polygon for zone in table.zones.values() if zone.mask),
        gate=gate_settings(table),
        health=engine.tuning.health,
    )
    recorder = _recorder(engine, name, table)
    links = CameraLinks(
        opener=partial(open_source, tap=recorder),
        clock=engine.clock,
        metrics=engine.outlets.metrics,
        frames=engine,
        reporter=engine.reporter,
        motion=MotionRenderer(MotionSettings(checkpoint.pictures, checkpoint.picture_px)),
        is_enabled=lambda: controls.snapshot().enabled,
    )
    return Camera(settings, links)


def _recorder(engine: Engine, name: str, table: CameraTable) -> Recorder | None:
    """Return what records a camera's events, or None where the settings want no clips of it."""
    if not table.clips:
        return None
    recorder = Recorder(recording_settings(table), engine.clock)
    engine.recordings.add_camera(name, recorder, privacy(table))
    return recorder
