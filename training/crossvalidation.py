"""Examples of a task in, predictions of them out, each by a model that knew nothing of its group."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch

from models.heads import VideoBERTForSequenceClassification
from models.runtime import Encoder
from models.text_states import TextStates
from training.evaluation import ask, prediction_of
from training.examples import Clips, Cut, Example
from training.finetune import FineTuned, FineTuner, FineTuning, apart
from training.hardware import Hardware
from training.label_tables import DataError
from training.readings import apply_shares, read
from training.report import Prediction
from training.splits import Split, fixed_split, grouped_k_fold

# Both paths as blended, each alone, and both as blended once exported.
Voice = Literal["videobert", "linear", "deep", "int8"]

# A seed, and the examples that the model will be asked about: a model that knows them must not be made.
ModelMaker = Callable[[int, Sequence[Example]], VideoBERTForSequenceClassification]
Exporter = Callable[[VideoBERTForSequenceClassification], Encoder]


# What a protocol adds to its words where it tests so.
BLINDLY = ", on blind clips"


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
        seeds = counted_seeds(self.seeds)
        of = BLINDLY if self.blind else ""
        if self.folds is None:
            return f"each group left out in turn, {seeds}{of}"
        return f"{self.folds}-fold, stratified, no group on both sides, shuffled anew for each of {seeds}{of}"


def counted_seeds(seeds: Sequence[int]) -> str:
    """Return how many seeds there are, in words."""
    return f"{len(seeds)} seeds" if len(seeds) > 1 else "1 seed"


@dataclass(frozen=True, slots=True)
class Fold:
    """What one fold of one seed said of its test clips, and what its fine-tuning chose."""

    seed: int
    number: int
    tuned: FineTuned
    predictions: dict[Voice, list[Prediction]]


@dataclass(frozen=True, slots=True)
class _Sides:
    """What one model learns from, and what it is asked about; no group is on both sides."""

    seed: int
    number: int
    train: list[Example]
    test: list[Example]
    blind: bool


class CrossValidation:
    """Fine-tunes a new model for every fold and lets it predict what it has not seen.

    With `export` each model is asked once more as what that makes of it.
    """

    def __init__(
        self,
        clips: Clips,
        text: TextStates,
        settings: FineTuning,
        *,
        make: ModelMaker,
        export: Exporter | None = None,
        hardware: Hardware | None = None,
        unlabelled: Sequence[Cut] = (),
    ) -> None:
        self._unlabelled = unlabelled
        self._hardware = hardware
        self._clips = clips
        self._text = text
        self._settings = settings
        self._make = make
        self._export = export

    def run(
        self, examples: Sequence[Example], protocol: Protocol, *, also: Sequence[Example] = ()
    ) -> Iterator[Fold]:
        """Yield every fold of every seed as it is done; every model learns from the examples in `also`, too.

        Raises:
            DataError: There are too few groups.
        """
        for seed in protocol.seeds:
            for number, split in enumerate(_splits(examples, protocol, seed)):
                aside = {segment.group for segment in split.test}
                train = [example for example in (*examples, *also) if example.segment.group not in aside]
                test = [example for example in examples if example.segment.group in aside]
                yield self._fold(_Sides(seed, number, train, test, protocol.blind))

    def across(
        self, train: Sequence[Example], test: Sequence[Example], seeds: Sequence[int], *, blind: bool = False
    ) -> Iterator[Fold]:
        """Yield for every seed what a model says of a test set that shares no group with what it learned.

        `blind` is as in `Protocol`.

        Raises:
            DataError: It shares one.
        """
        if shared := _groups(train) & _groups(test):
            raise DataError(f"{min(shared)} is to be learned from and to be tested on: leave it out of one.")
        for seed in seeds:
            yield self._fold(_Sides(seed, 0, list(train), list(test), blind))

    def _fold(self, sides: _Sides) -> Fold:
        settings = replace(self._settings, loop=replace(self._settings.loop, seed=sides.seed))
        torch.manual_seed(sides.seed)
        model = self._make(sides.seed, sides.test)
        unlabelled = apart(self._unlabelled, sides.test)  # what is tested is not seen, labelled or not
        tuner = FineTuner(self._clips, self._text, settings, hardware=self._hardware, unlabelled=unlabelled)
        tuned = tuner.teach(model, sides.train)
        cuts = self._cuts(sides)
        readings = read(model, self._clips, cuts, text=self._text)
        task = sides.test[0].task
        shares: dict[Voice, float] = {"videobert": tuned.shares[task], "linear": 0.0, "deep": 1.0}
        labels = model.config.tasks[task]
        predictions = {
            path: [
                prediction_of(example, row.tolist(), labels, fold=sides.number, seed=sides.seed)
                for example, row in zip(*readings.probabilities(task, share), strict=True)
            ]
            for path, share in shares.items()
        }
        if self._export is not None:
            apply_shares(model, tuned.shares)
            predictions["int8"] = self._asked(self._export(model), cuts, sides)
        return Fold(sides.seed, sides.number, tuned, predictions)

    def _cuts(self, sides: _Sides) -> list[Cut]:
        if sides.blind:
            return self._clips.middles(sides.test)
        return self._clips.whole(sides.test, windows=self._settings.windows)

    def _asked(self, encoder: Encoder, cuts: Sequence[Cut], sides: _Sides) -> list[Prediction]:
        said = ask(encoder, self._clips, cuts)
        return [one.model_copy(update={"fold": sides.number, "seed": sides.seed}) for one in said]


def _groups(examples: Sequence[Example]) -> set[str]:
    """Return the groups with where their folder lies: two folders may have the same name."""
    return {f"{example.folder.resolve().parent}/{example.segment.group}" for example in examples}


def _splits(examples: Sequence[Example], protocol: Protocol, seed: int) -> list[Split]:
    segments = [example.segment for example in examples]
    if protocol.folds is not None:
        return grouped_k_fold(segments, folds=protocol.folds, seed=seed)
    return [fixed_split(segments, [group]) for group in sorted({segment.group for segment in segments})]
