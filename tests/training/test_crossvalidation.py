"""Cross-validation: every example is predicted once per seed, by a model that saw none of its group."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("peft", reason="peft is not installed")

from models.checkpoint import Task
from models.runtime import ClipUnderstanding
from tests.fakes import checkpoint
from tests.training.teaching import TASKS, TEXT, classifier, levels, taught
from training.crossvalidation import CrossValidation, Protocol
from training.data_folder import DataError
from training.examples import Clips, Example
from training.finetune import FineTuning
from training.loop import LoopSettings
from training.windows import WindowSettings

LINEAR = FineTuning(windows=1, deep=False)
BOTH = FineTuning(loop=LoopSettings(epochs=1, patience=None), batch_size=8, windows=1, validation_folds=2)


class Witness(Clips):
    """Clips that remember whose clips were asked for, anew for each model that is made."""

    def __init__(self, clips: Clips) -> None:
        super().__init__(clips._store, WindowSettings(6), tuple(TASKS))
        self.asked: list[list[set[str]]] = []
        self.blind: list[Example] = []
        self.tested: list[set[str]] = []

    def make(self, seed: int, tested: list[Example]):
        self.tested.append({example.segment.group for example in tested})
        self.asked.append([])
        return classifier(statistics=("mean",))

    def whole(self, examples: list[Example], *, windows: int):
        self.asked[-1].append({example.segment.group for example in examples})
        return super().whole(examples, windows=windows)

    def middles(self, examples: list[Example]):
        self.blind.extend(examples)
        return super().middles(examples)

    def drawn(self, examples: list[Example], rng):
        self.asked[-1].append({example.segment.group for example in examples})
        return super().drawn(examples, rng)


def validated(tmp_path, protocol, *, settings=LINEAR, groups=4, also=()):
    examples, clips = taught(tmp_path / "street", levels(groups, apart=2))
    witness = Witness(clips)
    validation = CrossValidation(witness, TEXT, settings, make=witness.make)
    return list(validation.run(examples, protocol, also=also)), examples, witness


@pytest.mark.parametrize("protocol", [Protocol(2, seeds=(0, 1)), Protocol(None, seeds=(0, 1))])
def test_every_example_is_predicted_once_for_each_seed(tmp_path, protocol):
    folds, examples, _ = validated(tmp_path, protocol)
    for voice in ("videobert", "linear", "deep"):
        said = Counter((one.file, one.seed) for fold in folds for one in fold.predictions[voice])
        assert said == {(example.file, seed): 1 for example in examples for seed in (0, 1)}


@pytest.mark.parametrize("settings", [LINEAR, BOTH], ids=["linear", "both"])
def test_no_model_has_seen_a_group_that_it_predicts(tmp_path, settings):
    folds, _, witness = validated(tmp_path, Protocol(2, seeds=(0, 1)), settings=settings)
    assert len(witness.asked) == len(folds) == 4
    assert witness.tested == [asked[-1] for asked in witness.asked]  # no model is made that knows them
    for fold, (*learned, tested) in zip(folds, witness.asked, strict=True):
        assert {one.group for one in fold.predictions["videobert"]} == tested
        assert not set().union(*learned) & tested
        assert len(set().union(*learned)) == 2  # and it has seen all the others


def test_a_blind_protocol_tests_on_the_middles_and_learns_from_the_segments(tmp_path):
    folds, examples, witness = validated(tmp_path, Protocol(2, seeds=(0,), blind=True))
    said = {one.file for fold in folds for one in fold.predictions["linear"]}
    assert said == {example.file for example in examples}
    assert sorted(example.file for example in witness.blind) == sorted(said)
    # Each model asks for whole segments once, to learn.
    assert [len(of_model) for of_model in witness.asked] == [1, 1]


def test_more_examples_teach_every_fold_unless_their_group_is_tested(tmp_path):
    _, examples, _ = validated(tmp_path, Protocol(2, seeds=(0,)))
    other = replace(examples[0], segment=replace(examples[0].segment, group="elsewhere"))
    walks = [replace(example, task="activity", label=n % 2) for n, example in enumerate(examples[::2])]
    also = [other, *walks]
    folds, _, witness = validated(tmp_path, Protocol(None, seeds=(0,)), also=also)
    assert len(folds) == 4
    for learned, tested in witness.asked:
        assert "elsewhere" in learned
        assert not learned & tested


def test_folds_are_shuffled_anew_for_each_seed(tmp_path):
    folds, *_ = validated(tmp_path, Protocol(2, seeds=(0, 1, 2, 3)), groups=6)
    tested = {
        seed: frozenset(
            frozenset(one.group for one in fold.predictions["linear"]) for fold in folds if fold.seed == seed
        )
        for seed in range(4)
    }
    assert len(set(tested.values())) > 1
    assert [(fold.seed, fold.number) for fold in folds] == [(seed, n) for seed in range(4) for n in range(2)]


def test_predictions_carry_the_truth_and_probabilities_of_all_labels(tmp_path):
    folds, examples, _ = validated(tmp_path, Protocol(None, seeds=(3,)))
    truth = {example.file: example for example in examples}
    for number, fold in enumerate(folds):
        for one in fold.predictions["videobert"]:
            assert one.label == TASKS["fight"][truth[one.file].label]
            assert (one.group, one.fold, one.seed) == (truth[one.file].segment.group, number, 3)
            assert list(one.scores) == TASKS["fight"]
            assert sum(one.scores.values()) == pytest.approx(1)


def test_each_voice_is_its_own_path(tmp_path):
    (fold, *_), *_ = validated(tmp_path, Protocol(2, seeds=(0,)))
    scores = {voice: [one.scores["fight"] for one in said] for voice, said in fold.predictions.items()}
    # The deep path has not learned and has no share: the model is regression.
    assert fold.tuned.shares == {"fight": 0.0}
    assert scores["videobert"] == scores["linear"]
    assert scores["deep"] != scores["linear"]


def test_the_same_seeds_give_the_same_predictions(tmp_path):
    once, *_ = validated(tmp_path, Protocol(2, seeds=(1,)), settings=BOTH)
    torch.manual_seed(99)
    again, *_ = validated(tmp_path, Protocol(2, seeds=(1,)), settings=BOTH)
    assert [fold.predictions for fold in once] == [fold.predictions for fold in again]


def test_too_few_groups_are_refused(tmp_path):
    with pytest.raises(DataError, match="5 folds need as many groups; there are 4"):
        validated(tmp_path, Protocol(5))


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        (Protocol(), "5-fold, stratified, no group on both sides, shuffled anew for each of 3 seeds"),
        (Protocol(None, seeds=(0,)), "each group left out in turn, 1 seed"),
        (Protocol(None, seeds=(0,), blind=True), "each group left out in turn, 1 seed, on blind clips"),
    ],
)
def test_a_protocol_says_what_it_is(protocol, words):
    assert protocol.words == words


def test_a_model_that_learned_elsewhere_is_asked_about_every_example(tmp_path):
    here, _ = taught(tmp_path / "street", levels(2, apart=2))
    there, clips = taught(tmp_path / "square", levels(4, apart=2, seed=1))
    witness = Witness(clips)
    validation = CrossValidation(witness, TEXT, LINEAR, make=witness.make)
    folds = list(validation.across(there, here, (0, 1)))
    assert [(fold.seed, len(fold.predictions["videobert"])) for fold in folds] == [(0, 4), (1, 4)]
    for learned, tested in witness.asked:
        assert all(group.startswith("square/") for group in learned)
        assert tested == {"street/scene0", "street/scene1"}


def test_a_model_that_learned_elsewhere_is_asked_blindly_too_and_so_is_its_export(tmp_path):
    here, _ = taught(tmp_path / "street", levels(2, apart=2))
    there, clips = taught(tmp_path / "square", levels(4, apart=2, seed=1))
    witness = Witness(clips)
    validation = CrossValidation(
        witness, TEXT, LINEAR, make=witness.make, export=lambda model: Ear(model, [])
    )
    (fold,) = validation.across(there, here, (0,), blind=True)
    assert [example.file for example in witness.blind] == [one.file for one in fold.predictions["int8"]]
    assert len(witness.asked[0]) == 1  # whole segments are asked for once, to learn


def test_what_is_learned_from_is_not_tested_on(tmp_path):
    examples, clips = taught(tmp_path / "street", levels(2, apart=2))
    validation = CrossValidation(clips, TEXT, LINEAR, make=Witness(clips).make)
    with pytest.raises(DataError, match="street/scene1 is to be learned from and to be tested on"):
        next(validation.across(examples, examples[2:], (0,)))


def test_an_export_of_each_model_is_asked_as_well(tmp_path):
    examples, clips = taught(tmp_path / "street", levels(4, apart=2))
    witness = Witness(clips)
    asked = []
    validation = CrossValidation(
        witness, TEXT, LINEAR, make=witness.make, export=lambda model: Ear(model, asked)
    )
    folds = list(validation.run(examples, Protocol(2, seeds=(3,))))
    for fold in folds:
        said = fold.predictions["int8"]
        assert [(one.file, one.fold, one.seed) for one in said] == [
            (one.file, fold.number, 3) for one in fold.predictions["videobert"]
        ]
        assert {one.scores["fight"] for one in said} == {0.25}
    # The deep path has no share, so an export must not hear it.
    assert all(not model.heads["fight"].weight.any() for model in asked)


class Ear:
    """An export that gives every clip the same answer."""

    def __init__(self, model, asked) -> None:
        asked.append(model)
        self.checkpoint = checkpoint(tasks={"fight": Task(("normal", "fight"), (None, None))})

    def understand(self, clips):
        row = np.array([[0.75, 0.25]], np.float32)
        return ClipUnderstanding(
            np.zeros((len(clips.mask), 1)), {"fight": row.repeat(len(clips.mask), axis=0)}
        )
