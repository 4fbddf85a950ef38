"""A fine-tuned model in, the very int8 that the daemon would run out, for as long as it is asked."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.checkpoint import FRAME_ENCODER_FILE, Checkpoint
from models.frame_encoder import pretrained_frame_encoder
from models.heads import VideoBERTForSequenceClassification
from models.onnx_runtime import OnnxRuntimeEncoder
from models.text_states import TextStates
from training.checkpoint_files import Models, write_temporal


@dataclass(frozen=True, slots=True)
class Int8Export:
    """Exports models beside the frame encoder of a checkpoint, for clips of `num_frames` frames."""

    checkpoint: Checkpoint
    text: TextStates
    num_frames: int

    def __call__(self, model: VideoBERTForSequenceClassification) -> OnnxRuntimeEncoder:
        """Return the export, loaded; the model's weights are rounded to float16 by it."""
        model.config.num_frames = self.num_frames
        models = Models(pretrained_frame_encoder(), model, self.text, trained=True)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copyfile(self.checkpoint.path(FRAME_ENCODER_FILE), folder / FRAME_ENCODER_FILE)
            return OnnxRuntimeEncoder.open(write_temporal(models, folder=folder, name=self.checkpoint.name))
