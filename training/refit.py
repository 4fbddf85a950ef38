"""A checkpoint and a few labelled clips of somebody's own in, the same with better heads out, or a refusal.

The user's machine has none of the footage that the checkpoint learned from. So only the linear path moves, as
far as the clips justify (training/shift.py), and a task keeps its head unless the new one is better on groups
that it has not seen. What this costs on other footage cannot be measured there, and the docs say so.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch import nn

from models.checkpoint import Checkpoint, Task, save_checkpoint
from models.errors import CheckpointError
from models.files import replaced_folder
from models.frame_encoder import pretrained_frame_encoder
from models.heads import VideoBERTForSequenceClassification
from models.onnx_runtime import OnnxRuntimeEncoder
from models.refit_report import Figures, RefitReport, TaskRefit
from models.statistics import LinearReader
from training.checkpoint_files import Models, keep_frame_encoder, round_weights, write_temporal
from training.examples import Clips, Example
from training.intervals import bootstrap
from training.linear import column_scale, columns_of, readings, turn
from training.measures import measure, scored
from training.readings import read
from training.shift import Known, choose, fit, held_out, losses, probabilities, splits
from training.trained_export import hold_against
from training.workshop import Workshop

F64 = NDArray[np.float64]

WINDOWS = 3
# Fewer than these cannot tell a better model from luck.
LUCK = 0.05  # the likelihood of a one-sided sign test
LEAST_CLIPS, LEAST_GROUPS, LEAST_OF_A_LABEL = 10, 4, 2


@dataclass(frozen=True, slots=True)
class Bench:
    """What a task is refitted with: its clips, the model that is to move, and the labels that it knows."""

    clips: Clips
    model: VideoBERTForSequenceClassification
    workshop: Workshop
    task: str


@dataclass(frozen=True, slots=True)
class Refit:
    """What to write: the model's `version`, and where."""

    version: str
    out: Path


def refit(
    workshop: Workshop,
    model: VideoBERTForSequenceClassification,
    examples: Mapping[str, Sequence[Example]],
    *,
    tell: Callable[[str], None],
) -> dict[str, TaskRefit]:
    """Move the heads of the tasks that get better by it, in place; `tell` hears what is done next.

    Raises:
        CheckpointError: The model has no linear path.
    """
    if not isinstance(model.linear, LinearReader):
        raise CheckpointError("This checkpoint has no linear path: it cannot be refitted.")
    done = {}
    for task, of_task in examples.items():
        tell(f"judging {task}")
        done[task] = _refit_task(Bench(workshop.clips([task]), model, workshop, task), of_task)
    return done


def _refit_task(bench: Bench, examples: Sequence[Example]) -> TaskRefit:
    task = bench.workshop.checkpoint.tasks[bench.task]
    counts = Counter(task.labels[example.label] for example in examples)
    groups = len({example.segment.group for example in examples})
    if why := too_few(counts, groups):
        return TaskRefit(clips=dict(counts), groups=groups, is_better=False, reason=why)
    read = known_clips(bench, examples)
    known = read.known
    judged = judge(known, task, held_out(known, list(splits(known)), None))
    strength = choose(known)
    if judged.is_better and strength > 0:
        _move(bench, fit(known, strength) @ read.back)
    elif judged.is_better:
        reason = "On all clips together, leaving the model as it is was best."
        judged = judged.model_copy(update={"is_better": False, "reason": reason})
    return judged.model_copy(update={"strength": strength})


def too_few(counts: Mapping[str, int], groups: int) -> str:
    """Return why these labels are too few to judge by, empty where they are enough."""
    missing = []
    if sum(counts.values()) < LEAST_CLIPS:
        missing.append(f"{LEAST_CLIPS} labelled clips, of which there are {sum(counts.values())}")
    if sum(count >= LEAST_OF_A_LABEL for count in counts.values()) < 2:
        missing.append(f"two labels with {LEAST_OF_A_LABEL} clips each")
    if groups < LEAST_GROUPS:
        missing.append(f"{LEAST_GROUPS} different cameras or days, of which there are {groups}")
    return f"It takes {' and '.join(missing)}." if missing else ""


@dataclass(frozen=True, slots=True)
class KnownClips:
    """Clips as `training.shift` knows them, in the space that they span, and the way `back` (r, dim + 1)."""

    known: Known
    back: F64


def known_clips(bench: Bench, examples: Sequence[Example]) -> KnownClips:
    """Return examples as up to WINDOWS clips each, with what the model says of them as it is."""
    cuts = bench.clips.whole(examples, windows=WINDOWS)
    said = read(bench.model, bench.clips, cuts, text=bench.workshop.text)
    columns = columns_of(bench.model, bench.clips.batch(cuts), cuts)
    scale = np.append(_scale(bench), 1.0)  # the last column is the bias
    turned = turn(np.hstack([columns.values, np.ones((len(cuts), 1))]) * scale)
    numbers = {example: number for number, example in enumerate(examples)}
    known = Known(
        columns=turned.values,
        logits=said.linear[bench.task] + said.deep[bench.task],
        labels=np.array([cut.example.label for cut in cuts]),
        groups=columns.groups,
        examples=np.array([numbers[cut.example] for cut in cuts]),
    )
    return KnownClips(known, turned.back * scale)


def _scale(bench: Bench) -> F64:
    """Return the scale of the columns that the task's linear path reads: what it ignores is not read now."""
    weight = _linear(bench).weight.detach().numpy()
    used = np.abs(weight).max(axis=0) > 0
    config = bench.model.config
    scales = [
        column_scale(config, reading)
        for pictures in range(1, len(config.pictures) + 1)
        for reading in readings(config, pictures)
    ]
    enough = [scale for scale in scales if not (used & (scale == 0)).any()]
    return min(enough, key=lambda scale: int((scale > 0).sum()))


def _move(bench: Bench, shift: F64) -> None:
    """Add a shift, (labels, dim + 1), to the weights and the bias of the task's linear path."""
    linear = _linear(bench)
    with torch.no_grad():
        linear.weight.add_(torch.from_numpy(shift[:, :-1]).to(linear.weight))
        linear.bias.add_(torch.from_numpy(shift[:, -1]).to(linear.bias))


def _linear(bench: Bench) -> nn.Linear:
    return cast("nn.Linear", cast("LinearReader", bench.model.linear).tasks[bench.task])


def judge(known: Known, task: Task, after: F64) -> TaskRefit:
    """Compare a model as it was with `after` (examples, labels), what new ones say of groups unknown to them.

    The new one is better where its log loss is lower beyond the noise between groups, where it mends so many
    more decisions than it breaks that this is no luck, and where its accuracy is no worse. A decision is on
    which side of its threshold, which stays, a published label is; where none is, which label leads.
    """
    before = probabilities(known, np.zeros((len(task.labels), known.columns.shape[1])))
    firsts = known.firsts
    labels, groups = known.labels[firsts], known.groups[firsts]
    gains = losses(known, before) - losses(known, after)
    interval = bootstrap(groups.tolist(), lambda rows: {"gain": float(gains[rows].mean())})["gain"]
    old, new = (figures(task, labels, probability) for probability in (before, after))
    was, now = (decided_right(task, labels, probability) for probability in (before, after))
    fixed, broken = int((now & ~was).sum()), int((was & ~now).sum())
    why = []
    if not interval.low > 0:
        why.append("the gain is within the noise")
    if not fixed or binomtest(fixed, fixed + broken, alternative="greater").pvalue > LUCK:
        why.append(f"{fixed} decisions mended and {broken} broken may be luck")
    if (new.accuracy or 0.0) < (old.accuracy or 0.0):
        why.append("the accuracy falls")
    return TaskRefit(
        clips=dict(Counter(task.labels[label] for label in labels.tolist())),
        groups=len(set(groups.tolist())),
        before=old,
        after=new,
        gain=float(gains.mean()),
        gain_low=_number(interval.low),
        gain_high=_number(interval.high),
        fixed=fixed,
        broken=broken,
        is_better=not why,
        reason=f"Not better: {'; '.join(why)}." if why else "Better beyond the noise on held-out clips.",
    )


def decided_right(task: Task, labels: NDArray[np.int64], probability: F64) -> NDArray[np.bool_]:
    """Return of which examples (N,) what is published, or else the leading label, is right."""
    published = [(column, least) for column, least in enumerate(task.thresholds) if least is not None]
    if not published:
        return np.asarray(probability.argmax(axis=1) == labels)
    right = [(probability[:, column] >= least) == (labels == column) for column, least in published]
    return np.asarray(np.all(right, axis=0))


def figures(task: Task, labels: NDArray[np.int64], probability: F64) -> Figures:
    """Return the figures of one model on examples (N,) with probabilities (N, labels)."""
    found = measure(scored(task.labels, labels, probability))
    weights = 1 / np.bincount(labels, minlength=len(task.labels))[labels]
    lost = -np.log(np.maximum(probability[np.arange(len(labels)), labels], 1e-9))
    caught, false = _at_threshold(task, labels, probability)
    return Figures(
        accuracy=_number(found.accuracy),
        macro_f1=_number(found.macro_f1),
        auc=_number(found.auc),
        log_loss=float((weights * lost).sum() / weights.sum()),
        caught=caught,
        false=false,
    )


def _at_threshold(
    task: Task, labels: NDArray[np.int64], probability: F64
) -> tuple[float | None, float | None]:
    """Return the shares that reach a published label's threshold: of examples that show it, and of others."""
    published = [(column, least) for column, least in enumerate(task.thresholds) if least is not None]
    shows = np.concatenate([labels == column for column, _ in published] or [np.zeros(0, np.bool_)])
    reaches = np.concatenate(
        [probability[:, column] >= least for column, least in published] or [np.zeros(0, np.bool_)]
    )
    return _share(reaches[shows]), _share(reaches[~shows])


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def write_refit(
    workshop: Workshop,
    model: VideoBERTForSequenceClassification,
    settings: Refit,
    *,
    examples: Sequence[Example],
) -> Checkpoint:
    """Write the moved model as a checkpoint with the thresholds of its base, held against the model itself.

    Raises:
        DriftError: The export differs too much from the model; nothing is written.
    """
    base = workshop.checkpoint
    round_weights(model)
    clips = workshop.clips(list(base.tasks))
    batch = clips.clip_batch(clips.whole(examples, windows=1))
    with replaced_folder(settings.out) as folder:
        keep_frame_encoder(base, folder, model.config)
        models = Models(pretrained_frame_encoder(), model, workshop.text, trained=True)
        checkpoint = write_temporal(models, folder=folder, name=base.name)
        hold_against(models, OnnxRuntimeEncoder.open(checkpoint), batch)
        checkpoint = replace(checkpoint, version=settings.version, tasks=base.tasks)
        save_checkpoint(checkpoint)
    return replace(checkpoint, folder=settings.out)


def report_of(base: Checkpoint, version: str, tasks: Mapping[str, TaskRefit]) -> RefitReport:
    """Return the report of a refit."""
    return RefitReport(base=base.title, version=version, tasks=dict(tasks))
