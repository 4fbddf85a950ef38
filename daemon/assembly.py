"""Tables of the settings file in, the settings objects of the stages out: the one place that knows both."""

import os

from daemon.config import CameraTable, Settings
from daemon.mqtt import MqttSettings
from models.checkpoint import DEFAULT_DIR
from models.gate import GateSettings
from models.runtime import Encoder, open_encoder
from pipeline.controls import CameraControls
from pipeline.errors import SettingsError
from pipeline.stream import SourceSettings


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


def inference_threads(settings: Settings) -> int:
    """Return how many inference threads to run: 0 stands for two where there are two cores to use."""
    return settings.inference.threads or min(2, len(os.sched_getaffinity(0)))
