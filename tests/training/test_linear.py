"""The linear path against scikit-learn on columns that are computed here, and what it chooses to read."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.training.data import write_table
from tests.training.teaching import (
    DIM,
    MOTION_DIM,
    NUM_FRAMES,
    TASKS,
    FakeStore,
    classifier,
    footage,
    levels,
    taught,
)
from training.data_folder import DataError
from training.examples import Clips, TaskData, read_examples
from training.linear import (
    ABSENT_LOGIT,
    MOTION_SHARE,
    STRENGTHS,
    Choice,
    Columns,
    Reading,
    choose,
    column_scale,
    fit_linear_path,
)
from training.windows import WindowSettings

KINDS = ("mean", "last")
WIDTH = DIM + MOTION_DIM


def fitted(tmp_path, files, *, task="fight", windows=1, **changes):
    examples, clips = taught(tmp_path, files, task=task)
    cuts = clips.whole(examples, windows=windows)
    batch, model = clips.batch(cuts), classifier(**{"statistics": KINDS, **changes})
    return model, batch, cuts, fit_linear_path(model, batch, cuts)


def moods(groups=6, *, length=NUM_FRAMES, labels=TASKS["activity"], seed=0):
    """Return recordings whose label shows in the level of feature 0, with much noise."""
    rng = np.random.default_rng(seed)
    return {
        f"{group}-{label}.mp4": (
            label,
            f"g{group}",
            footage(rng.normal(size=(length + group, DIM)) + np.eye(DIM)[0] * place),
        )
        for group in range(groups)
        for place, label in enumerate(labels)
    }


def answers(model, batch, task):
    with torch.no_grad():
        read = model.read_statistics(batch.features, batch.motion, batch.mask)[task]
    return read.softmax(dim=1).double().numpy()


def chosen_scale(choice):
    """Return what mean and last of features and motion are multiplied by, from the definition."""
    kinds = 2 if choice.reading.ordered else 1
    motion = (MOTION_SHARE / (kinds * MOTION_DIM)) ** 0.5 if choice.reading.motion else 0
    one = [1 / (kinds * DIM) ** 0.5] * DIM + [motion] * MOTION_DIM
    return np.array(one + (one if choice.reading.ordered else [0] * WIDTH))


def independent(batch, cuts, task, choice):
    """Return scikit-learn's probabilities; each label weighs the same, as does each example in it."""
    frames = torch.cat([batch.features, batch.motion], dim=2).double().numpy()
    statistics = np.concatenate([frames.mean(axis=1), frames[:, 4:].mean(axis=1)], axis=1)
    spread = statistics.std(axis=0)
    units = (statistics - statistics.mean(axis=0)) / np.where(spread > 0, spread, 1)
    labels = batch.labels[task].numpy()
    examples = [cut.example for cut in cuts]
    weight = np.array([1 / examples.count(example) for example in examples])
    per_label = np.array([weight[labels == label].sum() for label in labels])
    balanced = weight * weight.sum() / (len(set(labels)) * per_label)
    solver = LogisticRegression(C=choice.strength, tol=1e-8, max_iter=10_000)
    columns = units * chosen_scale(choice)
    return solver.fit(columns, labels, balanced).predict_proba(columns)


@pytest.mark.parametrize(("task", "seed"), [("fight", 1), ("activity", 0)])
def test_the_linear_path_is_scikit_learns_regression_on_the_scaled_columns(tmp_path, task, seed):
    files = moods(labels=TASKS[task], seed=seed)
    files.pop(f"0-{TASKS[task][0]}.mp4")  # the labels are not equally frequent
    model, batch, cuts, choices = fitted(tmp_path, files, task=task, windows=3)
    # A recording of group 0 is one clip, of group 1 two, of the others three.
    assert {len([c for c in cuts if c.example == cut.example]) for cut in cuts} == {1, 2, 3}
    expected = independent(batch, cuts, task, choices[task])
    np.testing.assert_allclose(answers(model, batch, task), expected, atol=2e-3)


def test_the_clips_of_an_example_share_its_vote(tmp_path):
    once, batch, cuts, _ = fitted(tmp_path, levels(4, apart=2))
    thrice, clips = classifier(statistics=KINDS), cuts * 3
    tripled = type(batch)(
        *(torch.cat([value] * 3) for value in (batch.features, batch.motion, batch.mask)),
        labels={task: labels.repeat(3) for task, labels in batch.labels.items()},
    )
    fit_linear_path(thrice, tripled, clips)
    np.testing.assert_allclose(answers(thrice, batch, "fight"), answers(once, batch, "fight"), atol=1e-3)


def test_a_label_that_never_occurred_becomes_very_unlikely(tmp_path):
    model, batch, _, _ = fitted(tmp_path, moods(labels=["walk", "fall"]), task="activity")
    layer = model.linear.tasks["activity"]
    assert layer.bias[1].item() == ABSENT_LOGIT
    assert not layer.weight[1].any()
    assert answers(model, batch, "activity")[:, 1].max() < 1e-3


def test_only_tasks_with_labelled_clips_are_fitted(tmp_path):
    model, _, _, choices = fitted(tmp_path, levels(3, apart=2))
    assert set(choices) == {"fight"}
    assert not model.linear.tasks["activity"].weight.any()


def test_the_deep_path_is_left_as_it_is(tmp_path):
    model, *_ = fitted(tmp_path, levels(3, apart=2))
    before = classifier(statistics=KINDS).state_dict()
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"linear.centre", "linear.spread", "linear.tasks.fight.weight", "linear.tasks.fight.bias"}


def test_a_model_without_a_linear_path_chooses_nothing(tmp_path):
    *_, choices = fitted(tmp_path, levels(3, apart=2), statistics=())
    assert choices == {}


def rising(groups=8, *, seed=0, of_motion=False):
    """Return recordings that rise or fall from frame to frame, the same frames in either order."""
    rng = np.random.default_rng(seed)
    files = {}
    for group in range(groups):
        frames = np.linspace(-1, 1, NUM_FRAMES)[:, None] + rng.normal(0, 0.3, (NUM_FRAMES, DIM))
        for label, seen in zip(TASKS["fight"], (frames, frames[::-1]), strict=True):
            files[f"{group}-{label}.mp4"] = (label, f"g{group}", footage(seen))
    return files


def test_order_is_read_where_only_order_tells_labels_apart(tmp_path):
    model, batch, _, choices = fitted(tmp_path, rising())
    assert choices["fight"].reading.ordered
    assert (answers(model, batch, "fight").argmax(1) == batch.labels["fight"].numpy()).all()


def test_motion_is_read_where_only_motion_tells_labels_apart(tmp_path):
    rng, files = np.random.default_rng(0), {}
    for name, (label, group, _) in levels(6, apart=0).items():
        motion = rng.normal(size=(NUM_FRAMES, MOTION_DIM)) + 3 * (label == "fight")
        files[name] = (label, group, footage(rng.normal(size=(NUM_FRAMES, DIM)), motion))
    *_, choices = fitted(tmp_path, files)
    assert choices["fight"].reading.motion


def test_columns_that_were_not_chosen_weigh_nothing(tmp_path):
    # One recording a label: nothing can be tried, and the plain reading stands.
    rng = np.random.default_rng(0)
    files = {
        f"{label}.mp4": (label, label, footage(rng.normal(size=(6, DIM)), rng.normal(size=(6, MOTION_DIM))))
        for label in TASKS["fight"]
    }
    model, _, _, choices = fitted(tmp_path, files)
    assert choices["fight"].reading == Reading(ordered=False, motion=False)
    assert choices["fight"].strength == STRENGTHS[1]
    weight = model.linear.tasks["fight"].weight
    assert weight[:, :DIM].all()  # the mean of the features
    assert not weight[:, DIM:].any()  # the mean of the motion, and the last third of both


def test_the_scale_gives_features_the_variance_one_together_and_motion_its_share():
    config = classifier(statistics=KINDS).config
    for reading, features, motion in (
        (Reading(ordered=False, motion=False), 1, 0),
        (Reading(ordered=True, motion=True), 1, MOTION_SHARE),
    ):
        squares = np.square(column_scale(config, reading)).reshape(2, WIDTH)  # (kinds, V + F)
        assert squares[:, :DIM].sum() == pytest.approx(features)
        assert squares[:, DIM:].sum() == pytest.approx(motion)


def test_a_picture_that_is_not_read_weighs_nothing_and_the_other_has_the_variance_one():
    config = classifier(statistics=KINDS, pictures=("fused", "frame")).config
    scale = column_scale(config, Reading(ordered=True, motion=False, pictures=1)).reshape(2, -1)
    assert np.square(scale[:, :DIM]).sum() == pytest.approx(1)
    assert not scale[:, DIM : 2 * DIM].any()


@pytest.mark.parametrize(("postures", "pictures"), [((), 1), (("fight",), 2)])
def test_a_task_reads_the_first_picture_only_unless_it_is_about_postures(tmp_path, postures, pictures):
    rng = np.random.default_rng(0)
    files = {
        f"{label}{group}.mp4": (label, f"{group}", footage(rng.normal(size=(NUM_FRAMES, 2 * DIM))))
        for label in TASKS["fight"]
        for group in range(3)
    }
    examples, clips = taught(tmp_path, files)
    cuts = clips.whole(examples, windows=1)
    model = classifier(statistics=("mean",), pictures=("lags", "frame"))
    choices = fit_linear_path(model, clips.batch(cuts), cuts, postures=postures)
    assert choices["fight"].reading.pictures == pictures
    weight = model.linear.tasks["fight"].weight
    assert weight[:, :DIM].all()
    assert weight[:, DIM : 2 * DIM].any() == (pictures == 2)


def mixed_groups(counts) -> Columns:
    """Return noise whose groups have so many clips of each label."""
    rows = [(group, label) for (group, label), count in counts.items() for _ in range(count)]
    return Columns(
        values=np.random.default_rng(0).normal(size=(len(rows), 2 * WIDTH)),
        labels=np.array([label for _, label in rows]),
        groups=np.array([group for group, _ in rows]),
        recordings=np.array([f"{place}.mp4" for place in range(len(rows))]),
        weights=np.ones(len(rows)),
    )


def test_a_fold_that_leaves_one_label_to_learn_from_is_passed_over():
    # Both labels stand in group a, and one in each small group: a fold without group a may know one label.
    config = classifier(statistics=KINDS).config
    columns = mixed_groups({("a", 0): 5, ("a", 1): 5, ("b", 0): 1, ("c", 1): 1})
    assert choose(columns, config).strength in STRENGTHS


def test_the_plain_choice_is_made_where_no_fold_has_all_labels():
    # Five labels in two groups each; neither fold of these four groups has all five, found by trying.
    clips = {
        "a": {0: 30, 1: 9, 2: 9},
        "b": {1: 1, 2: 2, 3: 9, 4: 2},
        "c": {1: 2, 4: 9},
        "d": {0: 2, 3: 2},
    }
    columns = mixed_groups({(group, label): n for group, of in clips.items() for label, n in of.items()})
    chosen = choose(columns, classifier(statistics=KINDS).config)
    assert chosen == Choice(Reading(ordered=False, motion=False), STRENGTHS[1])


def test_clips_of_one_label_only_are_refused(tmp_path):
    fights = {name: row for name, row in levels(3, apart=1).items() if row[0] == "fight"}
    with pytest.raises(DataError, match="All clips of fight to learn from are fight; there must be others"):
        fitted(tmp_path, fights)


def test_two_tasks_are_fitted_from_their_own_clips(tmp_path):
    walks = moods()
    fights = levels(4, apart=3)
    store = FakeStore({name: row[2] for name, row in {**walks, **fights}.items()})
    clips = Clips(store, WindowSettings(NUM_FRAMES), tuple(TASKS))
    examples = []
    for task, files in (("activity", walks), ("fight", fights)):
        table = "\n".join(["file,label,group", *(f"{n},{row[0]},{row[1]}" for n, row in files.items())])
        examples += read_examples(TaskData(task, write_table(tmp_path / task, table)), TASKS[task])
    cuts = clips.whole(examples, windows=1)
    model = classifier(statistics=KINDS)
    batch = clips.batch(cuts)
    assert set(fit_linear_path(model, batch, cuts)) == {"activity", "fight"}
    known = batch.labels["fight"].numpy() >= 0
    said = answers(model, batch, "fight").argmax(1)
    assert (said[known] == batch.labels["fight"].numpy()[known]).mean() > 0.8


def test_what_the_model_does_not_read_is_not_chosen(tmp_path):
    rng, files = np.random.default_rng(0), {}
    for name, (label, group, _) in levels(6, apart=0).items():
        motion = rng.normal(size=(NUM_FRAMES, MOTION_DIM)) + 3 * (label == "fight")
        files[name] = (label, group, footage(rng.normal(size=(NUM_FRAMES, DIM)), motion))
    *_, choices = fitted(tmp_path, files, statistics=("mean",), reads=("text",))
    assert choices["fight"].reading == Reading(ordered=False, motion=False)
