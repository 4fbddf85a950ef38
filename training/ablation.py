"""A configuration and the parts to leave out in, the configuration without them out: for ablations."""

from collections.abc import Collection
from typing import Any, Literal

from models.configuration import VideoBERTConfig
from models.statistics import ORDERED

Part = Literal["text", "motion", "lstm", "joint", "order", "linear"]


def without(config: VideoBERTConfig, parts: Collection[Part]) -> VideoBERTConfig:
    """Return the configuration without some parts.

    text    no text is read.
    motion  no flow descriptor is read, by neither path.
    lstm    each frame is read by itself; the joint transformer still knows its age.
    joint   there is no joint transformer: what is left of the deep path is the mean over frames and text.
    order   the linear path reads no thirds and no change from begin to end.
    linear  there is no linear path.
    """
    return VideoBERTConfig(**{**config.to_dict(), **_changes(config, parts)})


def _changes(config: VideoBERTConfig, parts: Collection[Part]) -> dict[str, Any]:
    """Return the settings that leave out the parts."""
    statistics = [kind for kind in config.statistics if kind not in ORDERED or "order" not in parts]
    return {
        "reads": [what for what in config.reads if what not in parts],
        "lstm_layers": 0 if "lstm" in parts else config.lstm_layers,
        "num_joint_layers": 0 if "joint" in parts else config.num_joint_layers,
        "statistics": [] if "linear" in parts else statistics,
    }
