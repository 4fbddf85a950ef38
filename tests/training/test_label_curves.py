"""How many labels the full-label result needs: what counts as reached, and that no test clip helps."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from benchmarks.label_curves import SHARES, Curve, Score, draw, full_label_share
from benchmarks.labels import Asker, Material, Pupil, runs
from tests.training.teaching import classifier, levels, taught
from training.plots import save_figure


def curve(*missing):
    scores = {share: Score(0.8 - of, 0.0, of, 0.01) for share, of in zip(SHARES, missing, strict=True)}
    return Curve(scores)


@pytest.mark.parametrize(
    ("missing", "share"),
    [
        ((0.05, 0.004, 0.02, 0.009, 0.0), 0.75),  # half is two points below again
        ((0.05, 0.01, -0.02, 0.0, 0.0), 0.25),  # a point below counts as reached, and so does above
        ((0.2, 0.1, 0.05, 0.02, 0.0), 1.0),
        ((0.0, 0.0, 0.0, 0.0, 0.0), 0.1),
    ],
)
def test_the_full_result_is_reached_where_no_more_labels_fall_below_it(missing, share):
    assert full_label_share(curve(*missing)) == share


def test_what_is_missing_is_told_fold_by_fold():
    score = Score.of(np.array([0.7, 0.9]), np.array([0.9, 0.9]))
    # Means 0.8 and 0.9; 0.2 and 0 are missing, with the deviation 0.1414 of two, over √2.
    assert (score.mean, score.missing, score.error) == pytest.approx((0.8, 0.1, 0.1))
    assert score.deviation == pytest.approx(0.1)


def test_every_task_has_a_panel(tmp_path):
    figure = draw(
        {"fight": {"random": curve(0.2, 0.1, 0.05, 0.02, 0.0)}, "crash": {"active": curve(*[0.0] * 5)}}
    )
    save_figure(figure, tmp_path / "labels.png")
    assert [axes.get_title() for axes in figure.axes] == ["fight", "crash"]
    assert (tmp_path / "labels.png").read_bytes()[:4] == b"\x89PNG"


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """Eight groups, each a fight and a normal clip that are easily told apart."""
    examples, clips = taught(tmp_path_factory.mktemp("labels") / "street", levels(8, apart=6))
    model = classifier(statistics=("mean",))
    batch = clips.batch(clips.whole(examples, windows=1))
    statistics = model.statistics(batch.features, batch.motion, batch.mask).numpy().astype(np.float64)
    return Material(examples, statistics, np.arange(len(examples)), model.config)


def test_one_fold_tells_of_every_way_and_share(material):
    train, test = np.arange(12), np.arange(12, 16)
    found = list(runs(material, train, test, asker=Asker("badge", 0), shares=(0.5, 1.0)))
    ways = {"random", "random + unlabelled", "active", "active + unlabelled"}
    assert {(way, share) for way, share, _ in found} == {(way, share) for way in ways for share in (0.5, 1.0)}
    # With all labels there is nothing to choose, and nothing left to learn from.
    assert len({accuracy for _, share, accuracy in found if share == 1.0}) == 1


def test_the_test_side_neither_teaches_nor_is_asked_about(material):
    changed = Material(material.examples, material.statistics.copy(), material.owner, material.config)
    changed.statistics[12:] = 100.0
    train, known = np.arange(12), np.arange(5)
    one, other = (Pupil(of, train).says(known, unlabelled=True) for of in (material, changed))
    np.testing.assert_allclose(one[:12], other[:12], atol=1e-6)
    rest = np.arange(5, 12)
    asked = [
        Asker("badge", 0).ask(of, said, known, rest=rest, number=3)
        for of, said in ((material, one), (changed, one))
    ]
    assert asked[0].tolist() == asked[1].tolist()
    assert set(asked[0]) <= set(rest)
