"""Whether few labels make a head better is judged on groups that it has not seen, and told with figures."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from models.checkpoint import Checkpoint, Task  # noqa: E402
from models.errors import CheckpointError  # noqa: E402
from models.refit_report import RefitReport, read_report  # noqa: E402
from tests.fakes import checkpoint  # noqa: E402
from tests.training.teaching import TASKS, TEXT, classifier, levels, taught  # noqa: E402
from training.examples import Clips  # noqa: E402
from training.refit import decided_right, figures, judge, refit, report_of, too_few  # noqa: E402
from training.shift import Known  # noqa: E402

FIGHT = Task(("normal", "fight"), (None, 0.5))


@dataclass
class Workshop:
    """As much of a workshop as refitting asks for."""

    made: Clips
    checkpoint: Checkpoint

    text = TEXT

    def clips(self, _tasks):
        return self.made


def refitted(tmp_path, *, apart, groups=8):
    """Refit a model that knows nothing on `groups` fights and as many quiet scenes."""
    examples, clips = taught(tmp_path, levels(groups, apart=apart))
    tasks = {name: Task(tuple(labels), (None,) * len(labels)) for name, labels in TASKS.items()}
    workshop = Workshop(clips, checkpoint(tasks={**tasks, "fight": FIGHT}))
    model = classifier(statistics=("mean", "last"))
    with torch.no_grad():  # the base reads the mean of feature 0, a little
        model.linear.tasks["fight"].weight[1, 0] = 0.01
    before = {name: value.clone() for name, value in model.state_dict().items()}
    told = []
    found = refit(workshop, model, {"fight": examples}, tell=told.append)
    after = model.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    return found["fight"], moved, told


def test_a_head_that_gets_better_moves_and_nothing_else_does(tmp_path):
    task, moved, told = refitted(tmp_path, apart=3.0, groups=10)
    assert task.is_better, task.reason
    assert task.after.accuracy > task.before.accuracy
    assert task.gain_low > 0
    assert moved == {"linear.tasks.fight.weight", "linear.tasks.fight.bias"}
    assert told == ["judging fight"]


def test_a_head_that_noise_would_move_stays(tmp_path):
    task, moved, _ = refitted(tmp_path, apart=0.0)
    assert (task.is_better, moved) == (False, set())
    assert task.reason.startswith("Not better: ")
    assert (task.clips, task.groups) == ({"normal": 8, "fight": 8}, 8)


def test_too_few_labels_are_not_judged_at_all(tmp_path):
    task, moved, _ = refitted(tmp_path, apart=3.0, groups=3)
    assert (task.before, task.is_better, moved) == (None, False, set())
    assert "10 labelled clips, of which there are 6" in task.reason


@pytest.mark.parametrize(
    ("counts", "groups", "words"),
    [
        ({"fight": 5, "normal": 5}, 4, ""),
        ({"fight": 9}, 4, "10 labelled clips, of which there are 9 and two labels with 2 clips each"),
        ({"fight": 9, "normal": 1}, 4, "It takes two labels with 2 clips each."),
        ({"fight": 5, "normal": 5}, 3, "It takes 4 different cameras or days, of which there are 3."),
    ],
)
def test_what_is_missing_is_said(counts, groups, words):
    assert words in too_few(counts, groups)
    assert bool(words) == bool(too_few(counts, groups))


def test_a_checkpoint_without_a_linear_path_cannot_be_refitted(tmp_path):
    examples, clips = taught(tmp_path, levels(4, apart=1.0))
    workshop = Workshop(clips, checkpoint(tasks={"fight": FIGHT}))
    with pytest.raises(CheckpointError, match="no linear path"):
        refit(workshop, classifier(statistics=()), {"fight": examples}, tell=print)


def clips_of(probabilities, labels):
    """Return one clip for each probability of fight, each a group of its own."""
    fight = np.array(probabilities)
    return Known(
        np.zeros((len(labels), 1)),
        np.log(np.stack([1 - fight, fight], axis=1)),
        np.array(labels),
        np.array([f"g{number}" for number in range(len(labels))]),
        np.arange(len(labels)),
    )


def said(probabilities):
    return np.stack([1 - np.array(probabilities), np.array(probabilities)], axis=1)


LABELS = [1] * 6 + [0] * 6


# Six false alarms of six are mended, none is broken: ½⁶ = 0.016 is no luck.
def test_six_mended_decisions_are_no_luck():
    found = judge(clips_of([0.8] * 12, LABELS), FIGHT, said([0.8] * 6 + [0.2] * 6))
    assert (found.fixed, found.broken, found.is_better) == (6, 0, True)
    assert (found.before.caught, found.before.false) == (1.0, 1.0)
    assert (found.after.caught, found.after.false, found.after.accuracy) == (1.0, 0.0, 1.0)


# Four of four: ½⁴ = 0.06.
def test_four_mended_decisions_may_be_luck():
    found = judge(clips_of([0.8] * 10 + [0.2] * 2, LABELS), FIGHT, said([0.8] * 6 + [0.2] * 6))
    assert (found.fixed, found.broken, found.is_better) == (4, 0, False)
    assert "4 decisions mended and 0 broken may be luck" in found.reason


def test_better_probabilities_that_decide_nothing_otherwise_are_not_enough():
    found = judge(clips_of([0.6] * 6 + [0.4] * 6, LABELS), FIGHT, said([0.9] * 6 + [0.1] * 6))
    assert found.gain_low > 0
    assert (found.fixed, found.is_better) == (0, False)


# Six decisions are mended by a hair, while all certainty about the others is lost.
def test_mended_decisions_that_cost_certainty_are_within_the_noise():
    found = judge(clips_of([0.99] * 6 + [0.51] * 6, LABELS), FIGHT, said([0.51] * 6 + [0.49] * 6))
    assert (found.fixed, found.broken) == (6, 0)
    assert found.gain < 0
    assert (found.is_better, found.reason) == (False, "Not better: the gain is within the noise.")


def test_what_is_published_decides_where_a_label_has_a_threshold():
    strict = Task(("normal", "fight"), (None, 0.9))
    labels, probabilities = np.array([1, 1, 0]), said([0.95, 0.6, 0.6])
    assert decided_right(strict, labels, probabilities).tolist() == [True, False, True]
    silent = Task(("normal", "fight"), (None, None))
    assert decided_right(silent, labels, probabilities).tolist() == [True, True, False]


def test_figures_that_the_clips_do_not_define_are_none():
    found = figures(FIGHT, np.array([0, 0]), said([0.2, 0.6]))
    assert (found.auc, found.caught, found.false, found.accuracy) == (None, None, 0.5, 0.5)


def test_a_report_is_read_as_it_was_written(tmp_path):
    found = judge(clips_of([0.8] * 12, LABELS), FIGHT, said([0.8] * 6 + [0.2] * 6))
    report = report_of(checkpoint(), "0+local.1", {"fight": found})
    report.save(tmp_path)
    assert read_report(tmp_path) == report
    assert (report.base, report.better) == ("fake 0", ("fight",))
    (tmp_path / "refit.json").write_text('{"schema": 2}')
    with pytest.raises(CheckpointError, match="damaged or of another version"):
        read_report(tmp_path)
    assert RefitReport.model_validate_json(report.model_dump_json(by_alias=True)) == report
