"""Reports of made-up anomalies in, how well each kind is told from normal frames out.

    python -m benchmarks.kinds MADE report0.json report1.json report2.json

Report N is of MADE/N (`benchmarks.synthetic_anomalies`). An AUC is that of all frames of one kind against
all frames that are labelled normal, controls and all; of a control, that of its frames against those into
which nothing was pasted: 0.5 is what it should be. Printed is the mean over the reports.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.synthetic_anomalies import KINDS
from training.measures import auc


def by_kind(scores: Mapping[str, Sequence[float]], kinds: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the AUC of each kind that occurs; `scores` and `kinds` have a value for each frame of a clip."""
    values = np.concatenate([np.asarray(scores[name], np.float64) for name in kinds])
    named = np.concatenate([np.asarray(kinds[name], object) for name in kinds])
    is_normal = np.array([not name or not KINDS[name].is_anomaly for name in named])
    found = {}
    for name, kind in KINDS.items():
        others = is_normal if kind.is_anomaly else named == ""
        chosen = (named == name) | others
        found[name] = auc(named[chosen] == name, values[chosen])
    return {name: value for name, value in found.items() if not np.isnan(value)}


def main() -> int:
    """Print one line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("made", type=Path)
    parser.add_argument("reports", nargs="+", type=Path)
    options = parser.parse_args()
    found = defaultdict(list)
    for index, report in enumerate(options.reports):
        said = json.loads(report.read_text())
        kinds = json.loads((options.made / str(index) / "test/kinds.json").read_text())
        found["all anomalies"].append(said["auc"])
        for name, value in by_kind(said["clips"], kinds).items():
            found[name].append(value)
    for name, values in found.items():
        control = "" if name not in KINDS or KINDS[name].is_anomaly else " (control)"
        print(f"{name + control:22} {np.mean(values):.3f}  {' '.join(f'{value:.3f}' for value in values)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
