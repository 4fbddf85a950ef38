"""A trained VideoBERT and a checkpoint with its frame encoder in, a checkpoint with thresholds out.

The temporal model becomes int8 behind the parity gate; then the export itself is run over ordinary footage,
and each label that is to alarm gets the lowest threshold that keeps the promised rate there.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from models.checkpoint import CONFIG_FILE, Checkpoint, save_checkpoint
from models.errors import CheckpointError
from models.files import replaced_folder
from models.frame_encoder import pretrained_frame_encoder
from models.heads import VideoBERTForSequenceClassification
from models.onnx_runtime import OnnxRuntimeEncoder
from models.runtime import ClipBatch
from pipeline.analysis import NORMAL_LABEL
from pipeline.behaviour import BehaviourSettings
from training.checkpoint_files import Models, keep_frame_encoder, round_weights, write_temporal
from training.data_folder import DataError
from training.export import reference_encoder
from training.normal_footage import NormalFootage, score_footage
from training.parity import Parity, agreement, compare, demand_agreement, demand_cosine
from training.thresholds import Case, ChosenThreshold, Promise, choose_thresholds, with_thresholds
from training.trained_card import write_trained_card
from training.windows import blind_windows, cut_batch
from training.workshop import Workshop

PARITY_CLIPS = 400
# A label must hold its promise on cameras of any rate: movement between two frames looks different at each.
CAMERA_FPS = (None, 15.0, 10.0)


@dataclass(frozen=True, slots=True)
class TrainedExport:
    """What to export, and the promise, for all tasks or for one: at most so many false events an hour.

    `notes` go into the model card, in Markdown: what it was trained on and how well it does.
    """

    model: Path
    out: Path
    normal: NormalFootage
    promise: Promise
    promises: Mapping[str, Promise] = field(default_factory=dict)
    notes: str = ""


@dataclass(frozen=True, slots=True)
class TrainedReport:
    """How far the export is from its model, and the thresholds: task → label → what was chosen and why."""

    embedding: Parity
    agreement: Mapping[str, float]
    thresholds: Mapping[str, Mapping[str, ChosenThreshold]]


def export_trained(workshop: Workshop, settings: TrainedExport) -> TrainedReport:
    """Write the checkpoint folder, replacing an older one; model and export are compared on normal footage.

    Raises:
        CheckpointError: The model cannot be read.
        DataError: There is no normal footage.
        DriftError: The export differs too much from its model; the folder is as it was.
    """
    models = Models(pretrained_frame_encoder(), load_trained(settings.model), workshop.text, trained=True)
    with replaced_folder(settings.out) as folder:
        keep_frame_encoder(workshop.checkpoint, folder, models.temporal.config)
        checkpoint = write_temporal(models, folder=folder, name=workshop.checkpoint.name)
        exported = OnnxRuntimeEncoder.open(checkpoint)
        embedding, agreed = hold_against(models, exported, _some_clips(workshop, settings.normal))
        chosen = {
            task: _choose(exported, workshop, settings, task=task)
            for task, of in checkpoint.tasks.items()
            if NORMAL_LABEL in of.labels
        }
        report = TrainedReport(embedding, agreed, chosen)
        checkpoint = _with_thresholds(checkpoint, chosen)
        save_checkpoint(checkpoint)
        write_trained_card(checkpoint, asdict(report), settings.notes)
    return report


def load_trained(folder: Path) -> VideoBERTForSequenceClassification:
    """Load a fine-tuned model as it is exported, in eval mode.

    Raises:
        CheckpointError: The folder holds none.
    """
    if not (folder / CONFIG_FILE).is_file():
        raise CheckpointError(f"{folder} holds no model: {CONFIG_FILE} is missing.")
    model = VideoBERTForSequenceClassification.from_pretrained(folder)
    round_weights(model)
    model.train(mode=False)
    return model


def _some_clips(workshop: Workshop, normal: NormalFootage) -> ClipBatch:
    """Return clips from all over the footage, about PARITY_CLIPS.

    Raises:
        DataError: There is none.
    """
    cuts = [
        (folder.path / file, window)
        for folder in normal.folders
        for file in folder.files
        for window in blind_windows(workshop.store.file(folder.path / file), folder.segments_of(file))
    ]
    if not cuts:
        raise DataError("Thresholds need normal footage: name some by --normal.")
    chosen = cuts[:: max(1, len(cuts) // PARITY_CLIPS)]
    placed = [replace(of, segment=replace(of.segment, file=str(path))) for path, of in chosen]
    files = {str(path): workshop.store.file(path) for path, _ in chosen}
    return cut_batch(placed, files, num_frames=workshop.config.num_frames)


def hold_against(
    models: Models, exported: OnnxRuntimeEncoder, clips: ClipBatch
) -> tuple[Parity, dict[str, float]]:
    """Hold the export against its model on the same features.

    Raises:
        DriftError: They differ too much.
    """
    ours = reference_encoder(models, exported.checkpoint).understand(clips)
    theirs = exported.understand(clips)
    embedding = compare(ours.embedding, theirs.embedding)
    demand_cosine("temporal model's embedding", embedding)
    shares = {
        task: agreement(probabilities, theirs.probabilities[task])
        for task, probabilities in ours.probabilities.items()
    }
    for task, share in shares.items():
        demand_agreement(task, share)
    return embedding, shares


def _choose(
    exported: OnnxRuntimeEncoder, workshop: Workshop, settings: TrainedExport, *, task: str
) -> dict[str, ChosenThreshold]:
    """Choose a threshold for each label of a task that is not normal.

    The promise is kept at every frame rate of CAMERA_FPS: the highest threshold is taken.
    """
    promise = settings.promises.get(task, settings.promise)
    chosen = []
    for camera_fps in CAMERA_FPS:
        store = workshop.store.as_sent_at(camera_fps)
        scores = score_footage(exported, store, settings.normal, task=task)
        cases = {
            label: Case([one.series(task, column) for one in scores], [])
            for column, label in enumerate(exported.checkpoint.tasks[task].labels)
            if label != NORMAL_LABEL
        }
        chosen.append(choose_thresholds(cases, promise, BehaviourSettings()))
    return {label: max((of[label] for of in chosen), key=_strictness) for label in chosen[0]}


def _strictness(chosen: ChosenThreshold) -> float:
    return math.inf if chosen.threshold is None else chosen.threshold


def _with_thresholds(
    checkpoint: Checkpoint, chosen: Mapping[str, Mapping[str, ChosenThreshold]]
) -> Checkpoint:
    tasks = {
        name: with_thresholds(task.labels, chosen.get(name, {})) for name, task in checkpoint.tasks.items()
    }
    return replace(checkpoint, tasks=tasks)
