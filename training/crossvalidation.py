"""Examples of a task in, predictions of them out, each by a model that knew nothing of its group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from models.heads import VideoBERTForSequenceClassification
from models.text_states import TextStates
from training.evaluation import prediction_of
from training.examples import Clips, Cut, Example
from training.finetune import FineTuned, FineTuner, FineTuning, apart
from training.hardware import Hardware
from training.readings import read
from training.report import Prediction
from training.splits import Split, fixed_split, grouped_k_fold

Voice = Literal["videobert", "linear", "deep"]  # both paths as blended, and each alone

ModelMaker = Callable[[int], VideoBERTForSequenceClassification]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How training and test are kept apart: `folds` parts of the groups, or each group by itself (None).

    `blind` tests on the live clip about the middle of each segment, as if nobody knew its ends.
    """

    folds: int | None = 5
    seeds: tuple[int, ...] = (0, 1, 2)
    blind: bool = False

    @property
    def words(self) -> str:
        """Return the protocol in words."""
        seeds = f"{len(self.seeds)} seeds" if len(self.seeds) > 1 else "1 seed"
        of = ", on blind clips" if self.blind else ""
        if self.folds is None:
            return f"each group left out in turn, {seeds}{of}"
        return f"{self.folds}-fold, stratified, no group on both sides, shuffled anew for each of {seeds}{of}"


@dataclass(frozen=True, slots=True)
class Fold:
    """What one fold of one seed said of its test clips, and what its fine-tuning chose."""

    seed: int
    number: int
    tuned: FineTuned
    predictions: dict[Voice, list[Prediction]]


@dataclass(frozen=True, slots=True)
class _Run:
    seed: int
    number: int
    also: tuple[Example, ...]
    blind: bool


class CrossValidation:
    """Fine-tunes a new model for every fold and lets it predict what it has not seen."""

    def __init__(
        self,
        clips: Clips,
        text: TextStates,
        settings: FineTuning,
        *,
        make: ModelMaker,
        hardware: Hardware | None = None,
        unlabelled: Sequence[Cut] = (),
    ) -> None:
        self._unlabelled = unlabelled
        self._hardware = hardware
        self._clips = clips
        self._text = text
        self._settings = settings
        self._make = make

    def run(
        self, examples: Sequence[Example], protocol: Protocol, *, also: Sequence[Example] = ()
    ) -> Iterator[Fold]:
        """Yield every fold of every seed as it is done; every model learns from the examples in `also`, too.

        Raises:
            DataError: There are too few groups.
        """
        for seed in protocol.seeds:
            for number, split in enumerate(_splits(examples, protocol, seed)):
                yield self._fold(examples, split, _Run(seed, number, tuple(also), protocol.blind))

    def _fold(self, examples: Sequence[Example], split: Split, run: "_Run") -> Fold:
        aside = {segment.group for segment in split.test}
        train = [example for example in (*examples, *run.also) if example.segment.group not in aside]
        test = [example for example in examples if example.segment.group in aside]
        settings = replace(self._settings, loop=replace(self._settings.loop, seed=run.seed))
        torch.manual_seed(run.seed)
        model = self._make(run.seed)
        unlabelled = apart(self._unlabelled, test)  # what is tested is not seen, labelled or not
        tuner = FineTuner(self._clips, self._text, settings, hardware=self._hardware, unlabelled=unlabelled)
        tuned = tuner.teach(model, train)
        windows = settings.windows
        cuts = self._clips.middles(test) if run.blind else self._clips.whole(test, windows=windows)
        readings = read(model, self._clips, cuts, text=self._text)
        task = test[0].task
        shares: dict[Voice, float] = {"videobert": tuned.shares[task], "linear": 0.0, "deep": 1.0}
        labels = model.config.tasks[task]
        predictions = {
            path: [
                prediction_of(example, row.tolist(), labels, fold=run.number, seed=run.seed)
                for example, row in zip(*readings.probabilities(task, share), strict=True)
            ]
            for path, share in shares.items()
        }
        return Fold(run.seed, run.number, tuned, predictions)


def _splits(examples: Sequence[Example], protocol: Protocol, seed: int) -> list[Split]:
    segments = [example.segment for example in examples]
    if protocol.folds is not None:
        return grouped_k_fold(segments, folds=protocol.folds, seed=seed)
    return [fixed_split(segments, [group]) for group in sorted({segment.group for segment in segments})]
