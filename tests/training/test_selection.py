"""Which unlabelled clips are most worth a label, and that no event is asked about twice."""

import math

import numpy as np
import pytest
import torch

from training.selection import STRATEGIES, Badge, Place, Pool, SelectionSettings, select

SURE, UNSURE = [0.9, 0.1], [0.5, 0.5]


def pool(probabilities, embeddings=None, *, places=None, labelled=()):
    count = len(probabilities)
    return Pool(
        places=places or [Place(f"{index}.mp4", 0, 4) for index in range(count)],
        probabilities=np.array(probabilities, float),
        embeddings=np.ones((count, 1)) if embeddings is None else np.array(embeddings, float),
        labelled=np.array(labelled, float).reshape(len(labelled), 1),
    )


def line(*positions, labelled=()):
    """Clips whose embeddings lie on a line."""
    return pool([UNSURE] * len(positions), [[x] for x in positions], labelled=[[x] for x in labelled])


def chosen(given, strategy, count, **changes):
    return [pick.index for pick in select(given, SelectionSettings(strategy, count, **changes))]


def test_entropy_takes_what_the_model_is_most_unsure_of():
    picks = select(pool([SURE, UNSURE, [0.7, 0.3]]), SelectionSettings("entropy", 2))
    assert [pick.index for pick in picks] == [1, 2]
    # Two equal labels: ln 2; 0.7 and 0.3: 0.250 + 0.361.
    assert [pick.score for pick in picks] == pytest.approx([math.log(2), 0.6109], abs=1e-4)


def test_a_label_that_is_certain_has_no_entropy():
    assert select(pool([[1.0, 0.0]]), SelectionSettings("entropy", 1))[0].score == pytest.approx(0)


def test_k_centre_takes_what_lies_farthest_from_everything_labelled_or_chosen():
    picks = select(line(0, 2, 10, 11, labelled=[0]), SelectionSettings("k-centre", 3))
    # Labelled is 0: 11 is the farthest. Then 2 lies 2 from 0, 10 lies 1 from 11.
    assert [(pick.index, pick.score) for pick in picks] == [(3, 11.0), (1, 2.0), (2, 1.0)]


def test_k_centre_without_labels_begins_far_from_the_mean():
    # The mean of 0, 1 and 5 is 2: 5 lies 3 from it. Then 0 lies 2 from it, 1 only 1: the mean stays a centre.
    assert chosen(line(0, 1, 5), "k-centre", 2) == [2, 0]


def random_pool(count=6, labels=3, width=4):
    rng = np.random.default_rng(0)
    return pool(rng.dirichlet(np.ones(labels), count), rng.normal(size=(count, width)))


def gradients(given):
    """The gradients of the loss in the weights of a linear head, were the likeliest label true."""
    rows = []
    for probabilities, embedding in zip(given.probabilities, given.embeddings, strict=True):
        weight = torch.zeros(given.probabilities.shape[1], given.embeddings.shape[1], dtype=torch.float64)
        weight.requires_grad_()
        # The bias makes the head say just these probabilities.
        logits = weight @ torch.tensor(embedding) + torch.tensor(np.log(probabilities))
        torch.nn.functional.cross_entropy(logits, logits.argmax()).backward()
        rows.append(weight.grad.flatten().numpy())
    return np.stack(rows)


def test_badge_measures_the_gradients_of_the_last_layer():
    given = random_pool()
    explicit, scorer = gradients(given), Badge(given)
    assert scorer.scores == pytest.approx((explicit**2).sum(axis=1))
    for index in (2, 4):
        scorer.took(index)
    nearest = [((explicit - explicit[index]) ** 2).sum(axis=1) for index in (2, 4)]
    assert scorer.scores == pytest.approx(np.minimum(*nearest))


def test_badge_begins_with_the_longest_gradient():
    # Errors (-0.1, 0.1) and (-0.5, 0.5) with embeddings 1, 1 and 3: squares 0.02, 0.5 and 4.5.
    picks = select(pool([SURE, UNSURE, UNSURE], [[1], [1], [3]]), SelectionSettings("badge", 1))
    assert (picks[0].index, picks[0].score) == (2, pytest.approx(4.5))


@pytest.mark.parametrize("seed", range(5))
def test_badge_never_draws_a_copy_while_something_else_is_left(seed):
    given = pool([UNSURE] * 4, [[3, 0], [3, 0], [0, 1], [3, 0]])
    assert chosen(given, "badge", 2, seed=seed) == [0, 2]


def test_badge_draws_in_proportion_to_the_squared_distance():
    # From the first, 5, the squared distances of 4 and 2 are 1 and 9, times 0.5: nine draws in ten take 2.
    given = line(5, 4, 2)
    draws = [chosen(given, "badge", 2, seed=seed)[1] for seed in range(400)]
    assert draws.count(2) / 400 == pytest.approx(0.9, abs=0.05)


def test_badge_takes_copies_where_nothing_else_is_left():
    assert sorted(chosen(line(1, 1, 1), "badge", 3)) == [0, 1, 2]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_seed_chooses_the_same(strategy):
    assert chosen(random_pool(), strategy, 4, seed=3) == chosen(random_pool(), strategy, 4, seed=3)


def windows(recording, *starts_s):
    return [Place(recording, start_s, start_s + 4) for start_s in starts_s]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_two_windows_of_one_event_are_chosen(strategy):
    given = random_pool(5)
    given = pool(given.probabilities, given.embeddings, places=windows("a.mp4", 0, 2, 4, 6, 8))
    # Windows of 4 s that lie 5 s or more apart begin 9 s or more apart: there is room for one.
    assert len(chosen(given, strategy, 5)) == 1


def test_windows_of_one_recording_may_follow_after_the_gap():
    given = pool([UNSURE] * 4, places=windows("a.mp4", 0, 8, 9, 18))
    # 0–4 and 9–13 lie 5 s apart, and 13 and 18 too.
    assert chosen(given, "entropy", 4) == [0, 2, 3]
    assert chosen(given, "entropy", 4, gap_s=6) == [0, 3]


def test_every_recording_is_asked_about_before_one_is_asked_twice():
    places = [*windows("a.mp4", 0, 20, 40), *windows("b.mp4", 0)]
    # The model is least sure of the first three, and they are of one recording.
    given = pool([UNSURE, UNSURE, UNSURE, SURE], places=places)
    assert chosen(given, "entropy", 2) == [0, 3]
    assert chosen(given, "entropy", 4) == [0, 3, 1, 2]


def test_times_of_other_recordings_do_not_matter():
    assert chosen(pool([UNSURE] * 3), "entropy", 3) == [0, 1, 2]
