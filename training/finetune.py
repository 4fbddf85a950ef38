"""Labelled clips and a VideoBERT in, one that tells their labels apart out.

The linear path is fitted by logistic regression, the deep one trained by L_v + L_t + L_joint; how much the
deep one counts is decided on groups that neither has seen. Then both learn from everything, the deep one for
as many epochs as were best.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from models.heads import VideoBERTForSequenceClassification
from models.joint import Tokens
from models.processing import VideoBERTTokenizer
from models.text_states import TextStates
from training.augmentation import Augmentation
from training.examples import Clips, Cut, Example, balanced_order, batches_of
from training.hardware import Hardware, device_of
from training.label_tables import DataError, Segment
from training.linear import Choice, fit_linear_path
from training.loop import Hooks, Loop, LoopSettings, Trained
from training.objective import FineTuningWeights, Objective
from training.readings import apply_shares, best_share, deep_score, read
from training.self_training import SelfTrained, self_train
from training.semi_supervised import FixMatch, FixMatchSettings
from training.splits import grouped_k_fold
from training.tuning import Tune, Tuning, prepare

PENALTY_WEIGHT = 0.1  # of the orthogonality that AdaLoRA asks for (Zhang et al., ICLR 2023, table 10)
LABEL_SENTENCE = "the camera shows {label}"


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How to fine-tune.

    `windows` clips at most are cut evenly from each example for regression and for scoring; the deep path
    draws its own. One of `validation_folds` parts of the groups decides when to stop and what the deep path
    counts. Without `deep` there is the linear path alone. That reads the first picture of each frame, and the
    others too in the tasks of `postures`: what is held still moves nothing.
    """

    tune: Tune = "full"
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(epochs=24, ema_decay=0.97, patience=None))
    batch_size: int = 32
    windows: int = 3
    validation_folds: int = 5
    deep: bool = True
    postures: tuple[str, ...] = ()
    augmentation: Augmentation = field(default_factory=Augmentation)
    weights: FineTuningWeights = field(default_factory=FineTuningWeights)
    match: FixMatchSettings = field(default_factory=FixMatchSettings)


@dataclass(frozen=True, slots=True)
class FineTuned:
    """What the regression chose, what share the deep path has per task, and how long that learned.

    `trained_share` is how much of the weights learned, the text tower not counted; `self_trained` says what
    unlabelled clips did for the linear path of each task.
    """

    choices: Mapping[str, Choice]
    shares: Mapping[str, float]
    epochs: int
    validation_score: float | None
    trained_share: float = 0.0
    self_trained: Mapping[str, SelfTrained] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told each epoch's figures, and the folder in which an interrupted run goes on where it was."""

    log: Callable[[int, Mapping[str, float]], None] | None = None
    state: Path | None = None

    def tell(self, stage: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Pass on an epoch's figures, under the name of the stage."""
        if self.log is not None:
            self.log(epoch, {f"{stage}/{name}": value for name, value in figures.items()})

    def file(self, stage: str) -> Path | None:
        """Return where a stage keeps its state."""
        return None if self.state is None else self.state / f"{stage}.pt"


@dataclass(frozen=True, slots=True)
class _Learned:
    """How a training went, and how much of the weights learned."""

    trained: Trained
    share: float


@dataclass(frozen=True, slots=True)
class _Stage:
    """One training of the deep path: on a part of the groups to choose how, or on all of them."""

    name: str
    loop: LoopSettings
    score: Callable[[nn.Module], float] | None
    watch: Watch


@dataclass(frozen=True, slots=True)
class _Batch:
    """Cuts with labels and, where there are any, as many without."""

    labelled: Sequence[Cut]
    unlabelled: Sequence[Cut]


class FineTuner:
    """Fine-tunes models on clips of one store, all with the same text.

    Clips of `unlabelled` serve every task. Those of a group that is set aside wait until it is decided.
    """

    def __init__(
        self,
        clips: Clips,
        text: TextStates,
        settings: FineTuning,
        *,
        hardware: Hardware | None = None,
        unlabelled: Sequence[Cut] = (),
    ) -> None:
        self._unlabelled = list(unlabelled)
        self._clips = clips
        self._text = text
        self._settings = settings
        self._hardware = hardware or Hardware()

    def fit(
        self,
        model: VideoBERTForSequenceClassification,
        examples: Sequence[Example],
        watch: Watch | None = None,
    ) -> FineTuned:
        """Teach a model in place; it ends as it is to be used.

        Raises:
            DataError: There are too few groups to set some aside.
            TrainingError: The loss is not finite.
        """
        tuned = self.teach(model, examples, watch)
        apply_shares(model, tuned.shares)
        return tuned

    def teach(
        self,
        model: VideoBERTForSequenceClassification,
        examples: Sequence[Example],
        watch: Watch | None = None,
    ) -> FineTuned:
        """Teach both paths of a model and leave each as if it were alone; `apply_shares` makes them one.

        Raises:
            DataError: There are too few groups to set some aside.
            TrainingError: The loss is not finite.
        """
        watch = watch or Watch()
        tasks = sorted({example.task for example in examples})
        shares, learned = dict.fromkeys(tasks, 0.0), None
        if self._settings.deep:
            learned, shares = self._choose(copy.deepcopy(model), examples, tasks=tasks, watch=watch)
        choices, self_trained = self._fit_linear(model, examples, self._unlabelled)
        epochs = 0 if learned is None else (learned.trained.best_epoch or 0) + 1
        if epochs:
            loop = replace(self._settings.loop, stop_after=epochs, patience=None)
            self._train(model, examples, self._unlabelled, stage=_Stage("refit", loop, None, watch))
        model.train(mode=False)
        if learned is None:
            return FineTuned(choices, shares, epochs, None, self_trained=self_trained)
        return FineTuned(choices, shares, epochs, learned.trained.best_score, learned.share, self_trained)

    def _choose(
        self,
        model: VideoBERTForSequenceClassification,
        examples: Sequence[Example],
        *,
        tasks: Sequence[str],
        watch: Watch,
    ) -> tuple[_Learned, dict[str, float]]:
        """Learn from part of the groups; return for how long that helped with the others, and the shares."""
        train, held_out = set_aside(examples, self._settings.validation_folds, self._settings.loop.seed)
        unlabelled = apart(self._unlabelled, held_out)
        self._fit_linear(model, train, unlabelled)
        checked = self._clips.whole(held_out, windows=self._settings.windows)

        def score(objective: nn.Module) -> float:
            judged = cast("VideoBERTForSequenceClassification", objective.model)
            return deep_score(read(judged, self._clips, checked, text=self._text), tasks)

        stage = _Stage("choose", self._settings.loop, score, watch)
        learned = self._train(model, train, unlabelled, stage=stage)
        readings = read(model, self._clips, checked, text=self._text)
        return learned, {task: best_share(readings, task) for task in tasks}

    def _fit_linear(
        self,
        model: VideoBERTForSequenceClassification,
        examples: Sequence[Example],
        unlabelled: Sequence[Cut],
    ) -> tuple[dict[str, Choice], dict[str, SelfTrained]]:
        cuts = self._clips.taught(examples, windows=self._settings.windows)
        choices = fit_linear_path(model, self._clips.batch(cuts), cuts, postures=self._settings.postures)
        taught = self_train(model, self._clips, labelled=cuts, unlabelled=unlabelled, choices=choices)
        return choices, taught

    def _train(
        self,
        model: VideoBERTForSequenceClassification,
        examples: Sequence[Example],
        unlabelled: Sequence[Cut],
        *,
        stage: _Stage,
    ) -> _Learned:
        settings = self._settings
        # What only training needs begins at random, as the small additions do.
        torch.manual_seed(settings.loop.seed)
        objective = Objective(
            model,
            text=self._text,
            sentences=encode_labels(model),
            weights=settings.weights,
            augmentation=settings.augmentation,
            match=FixMatch(settings.match),
        )
        steps = stage.loop.steps_of(-(-len(examples) // settings.batch_size))  # in an epoch
        tuning = prepare(model, settings.tune, total_steps=steps * stage.loop.epochs)
        # Ranks that still move are not those that will be kept: epochs until then are not chosen, so that
        # the refit, which ends after as many, has its last ones.
        loop = replace(stage.loop, judge_from=max(0, -(-tuning.settled_step // steps) - 1))
        hooks = Hooks(
            batches=lambda epoch: self._batches(examples, unlabelled, epoch),
            loss=lambda learner, batch: _with_penalty(self._losses(learner, batch), tuning),
            score=stage.score,
            log=lambda epoch, figures: stage.watch.tell(stage.name, epoch, figures),
            stepped=tuning.stepped,
        )
        trained = Loop(objective, loop, hooks, hardware=self._hardware).run(
            state=stage.watch.file(stage.name)
        )
        tuning.finish()
        return _Learned(trained, tuning.trainable_share)

    def _losses(self, learner: nn.Module, batch: _Batch) -> dict[str, Tensor]:
        device = device_of(learner)
        parts = [self._clips.batch(cuts).to(device) for cuts in (batch.labelled, batch.unlabelled) if cuts]
        losses: dict[str, Tensor] = learner(*parts)
        return losses

    def _batches(self, examples: Sequence[Example], unlabelled: Sequence[Cut], epoch: int) -> list[_Batch]:
        """Return an epoch's batches: every label equally often, each example cut anew."""
        rng = np.random.default_rng([self._settings.loop.seed, epoch])
        drawn = self._clips.drawn(balanced_order(examples, rng), rng)
        return [
            _Batch(cuts, [unlabelled[place] for place in rng.integers(len(unlabelled), size=len(cuts))])
            if unlabelled
            else _Batch(cuts, ())
            for cuts in batches_of(drawn, self._settings.batch_size)
        ]


def _with_penalty(losses: dict[str, Tensor], tuning: Tuning) -> dict[str, Tensor]:
    return {**losses, "total": losses["total"] + PENALTY_WEIGHT * tuning.penalty()}


def apart(cuts: Sequence[Cut], examples: Sequence[Example]) -> list[Cut]:
    """Return the cuts that share neither a group nor a recording with the examples."""
    groups = {example.segment.group for example in examples}
    files = {example.segment.file for example in examples}
    return [
        cut
        for cut in cuts
        if cut.example.segment.group not in groups and cut.example.segment.file not in files
    ]


def set_aside(examples: Sequence[Example], folds: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Divide examples by their groups: of each task about one part of `folds` is set aside.

    Tasks may share groups, and a group that is set aside for one is so for all: what one task learns from a
    recording, the other's deep path would know of it.

    Raises:
        DataError: A task has fewer groups than two.
    """
    members: dict[str, list[Segment]] = {}
    for example in examples:
        members.setdefault(example.task, []).append(example.segment)
    groups = {task: {segment.group for segment in segments} for task, segments in members.items()}
    aside: set[str] = set()
    for task in sorted(groups, key=lambda task: (len(groups[task]), task)):
        if not groups[task] & aside:
            parts = max(2, min(folds, len(groups[task])))
            sides = [split.test for split in grouped_k_fold(members[task], folds=parts, seed=seed)]
            chosen = (aside | {segment.group for segment in side} for side in sides)
            aside = next((some for some in chosen if _leaves_each_task_some(some, groups)), aside)
        if not groups[task] & aside:
            raise DataError(f"No groups of {task} can be set aside that leave some to every other task.")
    train = [example for example in examples if example.segment.group not in aside]
    return train, [example for example in examples if example.segment.group in aside]


def _leaves_each_task_some(aside: set[str], groups: Mapping[str, set[str]]) -> bool:
    return not any(of_task <= aside for of_task in groups.values())


@torch.no_grad()
def encode_labels(model: VideoBERTForSequenceClassification) -> dict[str, Tokens]:
    """Return a sentence for each label of each task, as the text tower understands it: (labels, L, W)."""
    tokenizer = VideoBERTTokenizer.from_package()
    sentences = {}
    for task, labels in model.config.tasks.items():
        texts = [LABEL_SENTENCE.format(label=label) for label in labels]
        tokens = tokenizer(texts, return_tensors="pt", padding=True)
        states = model.videobert.encode_text(tokens["input_ids"], tokens["attention_mask"])
        sentences[task] = Tokens(states, tokens["attention_mask"].bool())
    return sentences
