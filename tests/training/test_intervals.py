import math

import numpy as np
import pytest

from training.intervals import bootstrap, spread


def test_seeds_do_not_narrow_the_interval_that_folds_leave():
    one_seed = spread([[0.7], [0.8], [0.9]])
    three_seeds = spread([[0.7] * 3, [0.8] * 3, [0.9] * 3])
    assert three_seeds.low == pytest.approx(one_seed.low)
    assert three_seeds.high == pytest.approx(one_seed.high)


def test_the_interval_counts_the_training_examples_that_folds_share():
    found = spread([[0.7], [0.8], [0.9]])
    # Deviation 0.1, k = 3: 0.1 · √(1/3 + 1/2) = 0.0913, times t(2, 97.5 %) = 4.303: 0.3928.
    assert found.mean == pytest.approx(0.8)
    assert found.high - found.mean == pytest.approx(0.3928, abs=1e-4)
    assert found.mean - found.low == pytest.approx(0.3928, abs=1e-4)


def test_deviations_of_runs_folds_and_seeds_are_told_apart():
    found = spread([[0.6, 0.8], [0.6, 0.8]])
    assert found.fold_deviation == pytest.approx(0.0)
    assert found.seed_deviation == pytest.approx(np.std([0.6, 0.8], ddof=1))
    assert found.deviation == pytest.approx(np.std([0.6, 0.8, 0.6, 0.8], ddof=1))
    assert found.count == 4


def test_a_run_that_does_not_define_the_measure_is_left_out_and_told():
    found = spread([[0.5, math.nan], [0.7, 0.9]])
    assert found.mean == pytest.approx((0.5 + 0.8) / 2)
    assert (found.count, found.note) == (3, "1 of 4 runs do not define it")


def test_one_fold_has_a_mean_but_no_interval():
    found = spread([[0.7, 0.9]])
    assert found.mean == pytest.approx(0.8)
    assert math.isnan(found.low)
    assert found.note == "fewer than two folds give no interval: resample groups instead"


def test_nothing_but_undefined_runs_give_nan():
    found = spread([[math.nan], [math.nan]])
    assert all(math.isnan(value) for value in (found.mean, found.deviation, found.low, found.high))
    assert found.count == 0


def hits(is_right):
    return lambda indices: {"accuracy": float(np.mean(np.array(is_right)[indices]))}


def test_groups_are_drawn_whole():
    # Ten groups of 20 equal clips: as uncertain as ten clips. √(0.25 / 10) · 1.96 = 0.31 each way.
    is_right = np.repeat([1, 0] * 5, 20)
    by_group = bootstrap([f"scene {index // 20}" for index in range(200)], hits(is_right))["accuracy"]
    by_clip = bootstrap([f"clip {index}" for index in range(200)], hits(is_right))["accuracy"]
    assert (by_group.low, by_group.high) == (pytest.approx(0.2, abs=0.1), pytest.approx(0.8, abs=0.1))
    # √(0.25 / 200) · 1.96 = 0.07 each way.
    assert by_clip.high - by_clip.low == pytest.approx(0.14, abs=0.02)


def test_the_same_seed_draws_the_same():
    groups = [f"scene {index % 7}" for index in range(40)]
    is_right = [index % 3 == 0 for index in range(40)]
    assert bootstrap(groups, hits(is_right), seed=5) == bootstrap(groups, hits(is_right), seed=5)


def test_one_group_cannot_be_resampled():
    found = bootstrap(["lobby"] * 5, hits([1, 0, 1, 1, 1]))["accuracy"]
    assert math.isnan(found.low)
    assert (found.draws, found.note) == (0, "1 group cannot be resampled")


def test_resamples_that_do_not_define_a_measure_are_left_out():
    def auc_like(indices):
        # Defined only where both groups were drawn: half of the four equally likely resamples.
        return {"auc": 0.7 if len(set(indices)) == 2 else math.nan, "never": math.nan}

    found = bootstrap(["a", "b"], auc_like, draws=1000, seed=1)
    assert found["never"].note == "most resamples do not define it"
    assert 400 < found["auc"].draws < 600


def test_a_bound_is_a_percentile_of_the_resamples():
    found = bootstrap([f"scene {index}" for index in range(1000)], hits([1] * 500 + [0] * 500), level=0.5)
    # Half of the resamples lie within 0.674 · √(0.25 / 1000) = 0.0107 of the mean.
    assert found["accuracy"].high == pytest.approx(0.5107, abs=0.003)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # 200 experiments of 30 clips each with a true accuracy of 0.7: about 95 % of the intervals hold it; the
    # percentile interval of so few clips is a little too narrow.
    generator = np.random.default_rng(0)
    groups = [f"scene {index}" for index in range(30)]
    found = [
        bootstrap(groups, hits(generator.uniform(size=30) < 0.7), draws=200, seed=trial)["accuracy"]
        for trial in range(200)
    ]
    held = np.mean([one.low <= 0.7 <= one.high for one in found])
    assert 0.88 <= held <= 0.99


def test_two_models_are_compared_on_the_same_resamples():
    # Each alone is uncertain by 0.2; but the better one is right wherever the other is, and on 7 of 20 more.
    groups = [f"scene {index}" for index in range(20)]
    worse = np.array([1, 0] * 10)
    better = worse.copy()
    better[[1, 3, 5, 7, 9, 11, 13]] = 1

    def difference(indices):
        return {"accuracy": float(better[indices].mean() - worse[indices].mean())}

    found = bootstrap(groups, difference)["accuracy"]
    assert 0 < found.low < 0.35 < found.high


def test_a_difference_of_runs_is_beyond_the_noise_where_its_interval_excludes_0():
    ours = np.array([[0.86, 0.87], [0.80, 0.81], [0.90, 0.91], [0.84, 0.83], [0.88, 0.88]])
    clearly, barely = spread(ours - (ours - 0.05)), spread(ours - ours.mean())
    assert clearly.low > 0
    assert barely.low < 0 < barely.high
