"""A captioner says of a clip the sentence of its label, and is judged on groups that it has not seen."""

import json

import pytest
import torch

from models import VideoBERTForCaptioning
from models.captioning import VideoBERTForCaptioning as Captioner
from models.errors import CheckpointError
from tests.models.inputs import nano, one_thread
from tests.training.data import write_table
from tests.training.teaching import DIM, MOTION_DIM, NUM_FRAMES, FakeStore, levels
from training.captions import TASK, CaptionLearning, CaptionTeacher, Said, measures, seeded, sentences_of
from training.commands.caption import build
from training.examples import Clips, TaskData, read_examples
from training.label_tables import DataError
from training.loop import LoopSettings
from training.windows import WindowSettings

SENTENCES = ["all is well", "two people fight"]
SPOKEN = {"normal": "all is well", "fight": "two people fight"}
LEARNING = CaptionLearning(
    LoopSettings(epochs=40, learning_rate=0.01, patience=None), batch_size=12, num_beams=2, frame_drop=0
)


@pytest.fixture
def data(tmp_path):
    """Twelve scenes with a fight and a normal recording each, which one feature tells apart."""
    files = levels(12, apart=6.0)
    rows = [f"{name},{label},{group}" for name, (label, group, _) in files.items()]
    write_table(tmp_path / "clips", "\n".join(["file,label,group", *rows]))
    store = FakeStore({name: features for name, (_, _, features) in files.items()})
    clips = Clips(store, WindowSettings(NUM_FRAMES), (TASK,))
    folder = TaskData(TASK, tmp_path / "clips", renamed=SPOKEN)
    return folder, read_examples(folder, SENTENCES), clips


def new_model():
    # 3,000 word pieces hold all that is said here: all is well, two people fight.
    config = nano(
        feature_dim=DIM, motion_dim=MOTION_DIM, dropout=0.0, text_vocab_size=3000, text_hidden_size=32
    )
    return Captioner(config)


def said(truth, caption, majority="b"):
    return Said("a.mp4", 0.0, None, truth, caption, majority)


def test_the_sentences_are_what_the_labels_are_renamed_to(data):
    folder, _, _ = data
    assert sentences_of([folder]) == SENTENCES
    # A label that has no other name is a sentence itself.
    assert sentences_of([TaskData(TASK, folder.path, renamed={"fight": "two people fight"})]) == [
        "normal",
        "two people fight",
    ]


def test_one_sentence_alone_is_nothing_to_learn(data):
    folder, _, _ = data
    with pytest.raises(DataError, match="two or more sentences, not a"):
        sentences_of([TaskData(TASK, folder.path, renamed={"fight": "a", "normal": "a"})])


def test_a_captioner_says_of_unseen_groups_what_is_right(data):
    _, examples, clips = data
    teacher = CaptionTeacher(clips, SENTENCES, LEARNING)
    with one_thread():
        folds = teacher.cross_validate(seeded(new_model, 0), examples, folds=2)
    assert [len(fold) for fold in folds] == [12, 12]
    found = measures(folds)
    # One feature tells the labels apart by six deviations of its noise.
    assert found["exact_match"] >= 0.9
    assert found["exact_match_majority"] == 0.5


def test_what_is_taught_is_learned_the_same_each_time(data):
    _, examples, clips = data
    states = []
    for _ in range(2):
        model = seeded(new_model, 3)()
        learning = CaptionLearning(LoopSettings(epochs=1, patience=None))
        CaptionTeacher(clips, SENTENCES, learning).teach(model, examples)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_exact_match_is_counted_by_fold_and_by_sentence():
    folds = [[said("a", "a"), said("a", "c"), said("b", "b")], [said("b", "x y")]]
    # 2 of 3 and 0 of 1: mean 1/3, deviation 1/3. "b", which all would have said, is right for 2 of 4; of what
    # was said "c" and "x y" are no sentences.
    assert measures(folds) == {
        "n": 4,
        "exact_match": pytest.approx(1 / 3),
        "exact_match_deviation": pytest.approx(1 / 3),
        "exact_match_majority": 0.5,
        "known": 0.5,
        "per_sentence": {"a": {"n": 2, "right": 1}, "b": {"n": 2, "right": 1}},
    }


def test_a_folder_without_a_model_is_one_sentence(tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no model: config\.json is missing"):
        build(nano(), tmp_path)


def test_a_captioner_may_begin_with_a_model_that_has_no_decoder(tmp_path):
    VideoBERTForCaptioning(nano()).videobert.save_pretrained(tmp_path)
    assert isinstance(build(nano(), tmp_path), VideoBERTForCaptioning)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["VideoBERTModel"]
