"""What simulates the alarm over days judges as the alarm does."""

import numpy as np

from benchmarks.false_alarms import FPS, sustained
from pipeline.sustained import Sustained


def test_all_scores_at_once_come_to_what_they_come_to_one_by_one():
    values = np.random.default_rng(0).exponential(size=50)
    one, levels = Sustained(mean_s=0.3), []
    for value in values.tolist():
        one = one.then(value, 1 / FPS)
        levels.append(one.level)
    np.testing.assert_allclose(sustained(values, 0.3), levels)
