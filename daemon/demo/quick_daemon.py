"""The daemon as `videobertd run` runs it, but impatient: it learns for seconds where others take hours."""

import os
import sys
from pathlib import Path

from daemon.app import Daemon
from daemon.config import load_settings
from daemon.logs import configure_logging
from daemon.systemd import Systemd
from daemon.tuning import Tuning
from pipeline.alarm import AlarmSettings
from pipeline.anomaly import AnomalySettings
from pipeline.clock import SystemClock
from pipeline.health import HealthSettings
from pipeline.normality import NormalitySettings

# Calibration begins after four fifths of 16 s and needs eight twelfths of a block: known after 26 s. Each is
# longer than the second for which a guess of VideoBERT holds.
QUICK = Tuning(
    anomaly=AnomalySettings(
        normality=NormalitySettings(learn_s=16.0),
        alarm=AlarmSettings(block_s=18.0, hold_s=2.0, cooldown_s=3.0),
    ),
    health=HealthSettings(frozen_s=4.0, covered_hold_s=1.0),
)


def main(config: Path) -> int:
    """Run the daemon until it is told to stop; return its exit code."""
    settings = load_settings(config)
    configure_logging(settings.logging.level, settings.logging.format)
    return Daemon(config, settings, clock=SystemClock(), systemd=Systemd(os.environ), tuning=QUICK).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
