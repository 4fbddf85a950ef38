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
from training.label_tables import DataError, Segment
from training.linear import Choice, fit_linear_path
from training.loop import Hooks, Loop, LoopSettings, Trained
from training.objective import FineTuningWeights, Objective
from training.readings import apply_shares, best_share, deep_score, read
from training.splits import grouped_k_fold
from training.tuning import Tune, Tuning, prepare

PENALTY_WEIGHT = 0.1  # of the orthogonality that AdaLoRA asks for (Zhang et al., ICLR 2023, table 10)
LABEL_SENTENCE = "the camera shows {label}"


@dataclass(frozen=True, slots=True)
class FineTuning:
    """How to fine-tune.

    `windows` clips at most are cut evenly from each example for regression and for scoring; the deep path
    draws its own. One of `validation_folds` parts of the groups decides when to stop and what the deep path
    counts. Without `deep` there is the linear path alone.
    """

    tune: Tune = "full"
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(epochs=24, ema_decay=0.97, patience=None))
    batch_size: int = 32
    windows: int = 3
    validation_folds: int = 5
    deep: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    weights: FineTuningWeights = field(default_factory=FineTuningWeights)


@dataclass(frozen=True, slots=True)
class FineTuned:
    """What the regression chose, what share the deep path has per task, and how long that learned.

    `trained_share` is how much of the weights learned, the text tower not counted.
    """

    choices: Mapping[str, Choice]
    shares: Mapping[str, float]
    epochs: int
    validation_score: float | None
    trained_share: float = 0.0


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


class FineTuner:
    """Fine-tunes models on clips of one store, all with the same text."""

    def __init__(self, clips: Clips, text: TextStates, settings: FineTuning) -> None:
        self._clips = clips
        self._text = text
        self._settings = settings

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
        choices = self._fit_linear(model, examples)
        epochs = 0 if learned is None else (learned.trained.best_epoch or 0) + 1
        if epochs:
            loop = replace(self._settings.loop, stop_after=epochs, patience=None)
            self._train(model, examples, _Stage("refit", loop, None, watch))
        model.train(mode=False)
        if learned is None:
            return FineTuned(choices, shares, epochs, None)
        return FineTuned(choices, shares, epochs, learned.trained.best_score, learned.share)

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
        self._fit_linear(model, train)
        checked = self._clips.whole(held_out, windows=self._settings.windows)

        def score(objective: nn.Module) -> float:
            judged = cast("VideoBERTForSequenceClassification", objective.model)
            return deep_score(read(judged, self._clips, checked, text=self._text), tasks)

        learned = self._train(model, train, _Stage("choose", self._settings.loop, score, watch))
        readings = read(model, self._clips, checked, text=self._text)
        return learned, {task: best_share(readings, task) for task in tasks}

    def _fit_linear(
        self, model: VideoBERTForSequenceClassification, examples: Sequence[Example]
    ) -> dict[str, Choice]:
        cuts = self._clips.whole(examples, windows=self._settings.windows)
        return fit_linear_path(model, self._clips.batch(cuts), cuts)

    def _train(
        self, model: VideoBERTForSequenceClassification, examples: Sequence[Example], stage: _Stage
    ) -> _Learned:
        settings = self._settings
        # What only training needs begins at random, as the small additions do.
        torch.manual_seed(settings.loop.seed)
        objective = Objective(
            model,
            text=self._text,
            sentences=label_sentences(model),
            weights=settings.weights,
            augmentation=settings.augmentation,
        )
        steps = stage.loop.epochs * -(-len(examples) // settings.batch_size)
        tuning = prepare(model, settings.tune, total_steps=steps)
        hooks = Hooks(
            batches=lambda epoch: self._batches(examples, epoch),
            loss=lambda learner, cuts: _with_penalty(learner(self._clips.batch(cuts)), tuning),
            score=stage.score,
            log=lambda epoch, figures: stage.watch.tell(stage.name, epoch, figures),
            stepped=tuning.stepped,
        )
        trained = Loop(objective, stage.loop, hooks).run(state=stage.watch.file(stage.name))
        tuning.finish()
        return _Learned(trained, tuning.trainable_share)

    def _batches(self, examples: Sequence[Example], epoch: int) -> list[Sequence[Cut]]:
        """Return an epoch's batches: every label equally often, each example cut anew."""
        rng = np.random.default_rng([self._settings.loop.seed, epoch])
        drawn = self._clips.drawn(balanced_order(examples, rng), rng)
        return list(batches_of(drawn, self._settings.batch_size))


def _with_penalty(losses: dict[str, Tensor], tuning: Tuning) -> dict[str, Tensor]:
    return {**losses, "total": losses["total"] + PENALTY_WEIGHT * tuning.penalty()}


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
def label_sentences(model: VideoBERTForSequenceClassification) -> dict[str, Tokens]:
    """Return a sentence for each label of each task, as the text tower understands it: (labels, L, W)."""
    tokenizer = VideoBERTTokenizer.from_package()
    sentences = {}
    for task, labels in model.config.tasks.items():
        texts = [LABEL_SENTENCE.format(label=label) for label in labels]
        tokens = tokenizer(texts, return_tensors="pt", padding=True)
        states = model.videobert.encode_text(tokens["input_ids"], tokens["attention_mask"])
        sentences[task] = Tokens(states, tokens["attention_mask"].bool())
    return sentences
