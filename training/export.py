"""A VideoBERT in, a checkpoint folder for the daemon out: int8, held against its model, all or nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from models.checkpoint import Checkpoint
from models.configuration import Size
from models.files import replaced_folder
from models.motion import MotionSettings, Picture
from models.onnx_runtime import OnnxRuntimeEncoder
from models.processing import encode_drawn
from models.runtime import DrawnClip, Encoder
from models.torch_runtime import LiveModel, TorchEncoder
from training.calibration import draw_files, spread_clips, spread_pictures
from training.checkpoint_files import Models, untrained_models, write_checkpoint
from training.footage import Footage
from training.model_card import write_card
from training.parity import Parity, agreement, compare, demand_agreement, demand_cosine

# Prime to the numbers of calibration pictures, so that few pictures are both measured on and judged by.
PARITY_PICTURES = 61
PARITY_CLIPS = 16


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What to export: an untrained VideoBERT of `size`, scaled to int8 on the videos below `calibration`.

    `kinds` are the pictures that it sees of each frame.
    """

    out: Path
    calibration: Path
    size: Size = "small"
    seed: int = 0
    num_pictures: int = 64
    kinds: tuple[str, ...] = (Picture.LAGS,)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How far an export is from its model; `agreement` maps tasks to the share of clips decided alike."""

    pooled: Parity
    grid: Parity
    embedding: Parity
    agreement: Mapping[str, float]

    def demand(self, checkpoint: Checkpoint) -> None:
        """Accept the export; heads that are not trained decide by chance and are not asked.

        Raises:
            DriftError: It differs too much.
        """
        demand_cosine("frame encoder's pooled features", self.pooled)
        demand_cosine("temporal model's embedding", self.embedding)
        if checkpoint.trained:
            for task, share in self.agreement.items():
                demand_agreement(task, share)


def export(settings: ExportSettings) -> ExportReport:
    """Write the checkpoint folder `settings.out`, replacing an older one.

    Raises:
        CheckpointError: There is no video to calibrate on.
        DriftError: The export differs too much from its model; `settings.out` is as it was.
    """
    models = untrained_models(settings.size, seed=settings.seed, kinds=settings.kinds)
    files = draw_files(settings.calibration, _footage(models))
    with replaced_folder(settings.out) as folder:
        checkpoint = write_checkpoint(
            models,
            spread_pictures(files, count=settings.num_pictures),
            folder=folder,
            name=f"videobert-{settings.size}",
        )
        report = measure(reference_encoder(models, checkpoint), OnnxRuntimeEncoder.open(checkpoint), files)
        report.demand(checkpoint)
        write_card(checkpoint, asdict(report))
    return report


def reference_encoder(models: Models, checkpoint: Checkpoint) -> Encoder:
    """Return the models as they were before their export."""
    live = LiveModel(models.temporal)
    return TorchEncoder(checkpoint, frames=models.frames, live=live, text=models.text, device="cpu")


def measure(reference: Encoder, exported: Encoder, files: list[DrawnClip]) -> ExportReport:
    """Compare two encoders on the footage: frames by frames, and clips on the same features."""
    pictures = spread_pictures(files, count=PARITY_PICTURES)
    ours, theirs = reference.encode(pictures), exported.encode(pictures)
    num_frames = reference.checkpoint.num_frames
    clips = encode_drawn(spread_clips(files, num_frames=num_frames, count=PARITY_CLIPS), reference.encode)
    understood, exported_understood = reference.understand(clips), exported.understand(clips)
    return ExportReport(
        pooled=compare(ours.pooled, theirs.pooled),
        grid=compare(ours.grid, theirs.grid),
        embedding=compare(understood.embedding, exported_understood.embedding),
        agreement={
            task: agreement(probabilities, exported_understood.probabilities[task])
            for task, probabilities in understood.probabilities.items()
        },
    )


def _footage(models: Models) -> Footage:
    config = models.temporal.config
    motion = MotionSettings(pictures=tuple(config.pictures), picture_px=config.picture_px)
    return Footage(motion, sample_fps=config.sample_fps)
