"""A pre-trained VideoBERT and a checkpoint in, the checkpoint with a measure of surprise out: int8, gated."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.checkpoint import CONFIG_FILE, SURPRISE_FILE, Checkpoint
from models.errors import CheckpointError
from models.onnx_runtime import open_session
from models.pretraining import VideoBERTForPreTraining
from models.runtime import ClipBatch
from models.surprise import Surprise
from models.surprise_runtime import surprise_of
from training.checkpoint_files import added_file
from training.frame_encoder_export import OPSET
from training.parity import DriftError
from training.temporal_export import forget_shapes

F32 = NDArray[np.float32]

INPUTS = ("features", "motion", "video_mask")
# Ranks are what counts of it, so the export must order clips as its model does.
LEAST_CORRELATION = 0.99
# Of both, or the frames that are hidden are not those that pre-training would have hidden.
SAME = ("pictures", "sample_fps", "num_frames", "feature_dim", "motion_dim")


@dataclass(frozen=True, slots=True)
class SurpriseReport:
    """How alike model and export are over `count` clips, and what they say: mean and deviation."""

    count: int
    correlation: float
    mean: float
    deviation: float


def load_pretrained(folder: Path, checkpoint: Checkpoint) -> VideoBERTForPreTraining:
    """Return a pre-trained VideoBERT that reads what the checkpoint's frame encoder says.

    Raises:
        CheckpointError: The folder holds none, or one that reads something else.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise CheckpointError(f"{folder} holds no model: {CONFIG_FILE} is missing.")
    model = VideoBERTForPreTraining.from_pretrained(folder)
    for name in SAME:
        theirs, ours = getattr(model.config, name), getattr(checkpoint, name)
        theirs = tuple(theirs) if isinstance(theirs, list) else theirs
        if theirs != ours:
            raise CheckpointError(f"{folder} has {name} {theirs}, but the checkpoint {ours}.")
    model.train(mode=False)
    return model


def add_surprise(checkpoint: Checkpoint, model: VideoBERTForPreTraining, clips: ClipBatch) -> SurpriseReport:
    """Add the measure to the checkpoint; `clips` are what model and export must agree on.

    Raises:
        DriftError: They do not; the folder is as it was.
    """
    surprise = Surprise(model).eval()
    with added_file(checkpoint, SURPRISE_FILE) as target:
        export_surprise(surprise, target)
        theirs = surprise_of(open_session(target, threads=1), clips)
        with torch.inference_mode():
            arrays = (clips.features, clips.motion, clips.mask)
            ours = surprise(*(torch.from_numpy(array) for array in arrays)).numpy()
        return _compare(ours, theirs)


def export_surprise(surprise: Surprise, target: Path) -> None:
    """Quantise its matrix products dynamically and write it as ONNX; T becomes fixed, B does not."""
    config = surprise.model.config
    frames = (2, config.num_frames)  # a batch of one would be taken for a constant
    example = (
        torch.zeros(*frames, config.video_dim),
        torch.zeros(*frames, config.motion_dim),
        torch.ones(frames, dtype=torch.bool),
    )
    with tempfile.TemporaryDirectory() as folder:
        float_file = Path(folder) / "float.onnx"
        torch.onnx.export(
            surprise,
            example,
            str(float_file),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=["surprise"],
            dynamic_shapes=({0: torch.export.Dim("batch")},) * len(INPUTS),
            external_data=False,
            verbose=False,
        )
        forget_shapes(float_file)
        quantize_dynamic(float_file, target, weight_type=QuantType.QInt8, per_channel=True)
    onnx.checker.check_model(onnx.load(target))


def _compare(ours: F32, theirs: F32) -> SurpriseReport:
    varies = len(ours) > 1 and ours.std() > 0 and theirs.std() > 0
    correlation = float(np.corrcoef(ours, theirs)[0, 1]) if varies else 0.0
    if correlation < LEAST_CORRELATION:
        raise DriftError(
            f"The exported surprise drifts: it correlates with its model by {correlation:.4f} over "
            f"{len(ours)} clips; {LEAST_CORRELATION} is the least."
        )
    return SurpriseReport(len(ours), correlation, float(ours.mean()), float(ours.std()))
