"""`videobertd state`: what a camera has learned in, a file to take along out; and back again."""

import shutil
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from daemon.config import load_settings
from daemon.event_log import FILE_NAME
from daemon.exit_codes import EXIT_OK
from daemon.outbox import hold_lock
from models.checkpoint import DEFAULT_DIR, load_checkpoint
from models.files import write_file
from pipeline.analysis import encoder_name, state_path
from pipeline.anomaly import AnomalyDetector, AnomalySettings
from pipeline.errors import SettingsError, StateError

LEARNED_DIR = "learned"


@dataclass(frozen=True, slots=True)
class StateRequest:
    """What to do with which camera's state, and the file outside."""

    action: Literal["export", "import"]
    camera: str
    file: Path


def run_state(config: Path, request: StateRequest) -> int:
    """Copy a camera's state out of the data folder or into it, if this model can read it.

    An export is as old as the daemon's last save. An import needs the daemon stopped: it would write over it.

    Raises:
        SettingsError: there is no such camera, the file exists already, or a daemon is running.
        StateError: there is no state, or it is damaged, of another version or of another model.
        CheckpointError: the model of the settings cannot be read.
    """
    settings = load_settings(config)
    if request.camera not in settings.cameras:
        raise SettingsError(f"no camera is named {request.camera!r} in {config}")
    model = encoder_name(load_checkpoint(settings.model.checkpoint or DEFAULT_DIR))
    inside = state_path(settings.storage.data_dir / LEARNED_DIR, request.camera)
    try:
        if request.action == "export":
            _export(inside, request.file, model)
        else:
            _import(request.file, inside, model)
    except OSError as error:
        raise StateError(f"{request.file} could not be copied: {error.strerror}") from error
    return EXIT_OK


def _export(inside: Path, outside: Path, model: str) -> None:
    if not inside.exists():
        raise StateError(f"{inside} is not there: the camera has learned nothing yet")
    if outside.exists():
        raise SettingsError(f"{outside} is there already")
    learned = _learned(inside, model)
    shutil.copyfile(inside, outside)
    sys.stdout.write(f"{outside}: {learned}\n")


def _import(outside: Path, inside: Path, model: str) -> None:
    learned = _learned(outside, model)
    with ExitStack() as files:
        inside.parent.mkdir(parents=True, exist_ok=True)
        hold_lock(files, inside.parents[1] / FILE_NAME)
        write_file(inside, outside.read_bytes(), durable=True)
    sys.stdout.write(f"{inside}: {learned}\n")


def _learned(path: Path, model: str) -> str:
    """Return how much the state knows, in words."""
    detector = AnomalyDetector(AnomalySettings(encoder=model))
    detector.load(path)
    learned, calibrated = detector.learned_ratio, detector.calibration_ratio
    return f"learned {learned:.0%}, calibrated {calibrated:.0%}, {path.stat().st_size / 1e6:.1f} MB"
