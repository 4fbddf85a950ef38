"""What tests of alarms share: settings with short times, and a quiet camera."""

import numpy as np

from pipeline.alarm import AlarmSettings

STEP_S = 0.2
SETTINGS = AlarmSettings(budget_per_day=10.0, hold_s=2.0, cooldown_s=10.0, longest_s=60.0)


def calm(seconds, seed=0):
    """Return scores of a quiet camera: 1 on average, with noise."""
    return 1 + 0.3 * np.random.default_rng(seed).standard_normal(int(seconds / STEP_S)).clip(-2, 2)
