"""How the stages judge where the settings file does not ask: the same for everybody but the demo."""

from dataclasses import dataclass, field

from pipeline.anomaly import AnomalySettings
from pipeline.health import HealthSettings


@dataclass(frozen=True, slots=True)
class Tuning:
    """The settings of the stages that no user sets."""

    anomaly: AnomalySettings = field(default_factory=AnomalySettings)
    health: HealthSettings = field(default_factory=HealthSettings)
