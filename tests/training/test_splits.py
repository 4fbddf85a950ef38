import pytest

from training.data_folder import DataError, Segment
from training.splits import LeakError, Split, demand_no_leak, fixed_split, grouped_k_fold, leave_one_group_out


def clips(groups: int, *, each: int = 4) -> list[Segment]:
    """Return as many clips of both labels in each group."""
    return [
        Segment(f"{group}-{number}.mp4", ("fight", "normal")[number % 2], f"g{group}")
        for group in range(groups)
        for number in range(each)
    ]


def groups(segments) -> set[str]:
    return {segment.group for segment in segments}


def test_every_clip_is_tested_once_and_no_group_is_on_both_sides():
    segments = clips(10)
    splits = grouped_k_fold(segments, folds=5, seed=0)
    assert sorted(s.name for split in splits for s in split.test) == sorted(s.name for s in segments)
    assert all(not groups(split.train) & groups(split.test) for split in splits)
    assert all(len(split.train) + len(split.test) == 40 for split in splits)


def test_labels_are_spread_over_the_folds():
    # Ten groups of one label and ten of the other, all of one size: each of five folds has two of both.
    segments = [Segment(f"{g}.mp4", "fight" if g < 10 else "normal", f"g{g}") for g in range(20)]
    for split in grouped_k_fold(segments, folds=5, seed=3):
        assert sorted(segment.label for segment in split.test) == ["fight"] * 2 + ["normal"] * 2


def test_the_seed_decides_the_folds():
    segments = clips(10)
    first, again, other = (grouped_k_fold(segments, folds=5, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(DataError, match="5 folds need as many groups; there are 3: g0, g1, g2"):
        grouped_k_fold(clips(3), folds=5, seed=0)


def test_each_group_is_left_out_once():
    splits = leave_one_group_out(clips(3))
    assert [split.name for split in splits] == ["without g0", "without g1", "without g2"]
    assert [groups(split.test) for split in splits] == [{"g0"}, {"g1"}, {"g2"}]


def test_listed_groups_are_the_test_side():
    split = fixed_split(clips(4), ["g1", "g3"])
    assert (groups(split.train), groups(split.test)) == ({"g0", "g2"}, {"g1", "g3"})


def test_an_unknown_group_is_refused_with_those_that_are_known():
    with pytest.raises(DataError, match="no groups g9; known are g0, g1"):
        fixed_split(clips(2), ["g9"])


def test_one_group_cannot_be_split():
    with pytest.raises(DataError, match="leaves one side empty"):
        leave_one_group_out(clips(1))


def test_a_split_with_a_group_on_both_sides_cannot_be_made():
    one, two = Segment("a.mp4", "fight", "park"), Segment("b.mp4", "normal", "park")
    with pytest.raises(LeakError, match="the groups park"):
        Split("leaky", (one,), (two,))


def test_a_recording_on_both_sides_is_a_leak_even_in_two_groups():
    one, two = Segment("a.mp4", "walk", "morning", 0, 5), Segment("a.mp4", "walk", "noon", 5, 9)
    with pytest.raises(LeakError, match=r"parts of a\.mp4: group by recording"):
        demand_no_leak([one], [two])
