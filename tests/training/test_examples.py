"""Examples from data folders: which are taken, what they are called, and how they come in batches."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.training.data import numbered, write_table
from tests.training.teaching import FakeStore
from training.data_folder import DataError, Segment
from training.examples import (
    Clips,
    Example,
    TaskData,
    balanced_order,
    batches_of,
    read_examples,
)
from training.windows import WindowSettings

TABLE = (
    "file,label,group,day\na.mp4,brawl,one,mon\nb.mp4,normal,two,mon\nc.mp4,traffic,two,tue\nd.mp4,,one,tue"
)
FIGHT = ["normal", "fight"]


def example(label: int, name: str = "a.mp4", task: str = "fight") -> Example:
    return Example(task, label, Path("/data"), Segment(f"/data/{name}", "x", "data/one"))


def clips(frames: int = 7, num_frames: int = 4, tasks=("activity", "fight")) -> Clips:
    store = FakeStore({"a.mp4": numbered(frames), "b.mp4": numbered(3)})
    return Clips(store, WindowSettings(num_frames), tasks)


def test_labels_are_renamed_and_those_of_no_task_left_out(tmp_path):
    folder = write_table(tmp_path / "street", TABLE)
    found = read_examples(TaskData("fight", folder, renamed={"brawl": "fight"}), FIGHT)
    # traffic is no label of the task, d.mp4 has none.
    assert [(one.file, one.label, one.segment.label, one.task) for one in found] == [
        ("a.mp4", 1, "fight", "fight"),
        ("b.mp4", 0, "normal", "fight"),
    ]


def test_a_group_names_its_folder_and_a_segment_its_whole_path(tmp_path):
    folder = write_table(tmp_path / "street", TABLE)
    (found,) = read_examples(TaskData("fight", folder), FIGHT)
    assert found.segment.group == "street/two"
    assert found.segment.file == str(folder / "b.mp4")
    assert found.folder == folder


def test_another_column_may_name_the_groups(tmp_path):
    folder = write_table(tmp_path / "street", TABLE)
    (found,) = read_examples(TaskData("fight", folder, group_by="day"), FIGHT)
    assert found.segment.group == "street/mon"


def test_segments_keep_their_times(tmp_path):
    table = "file,label,group,start_s,end_s\na.mp4,fight,one,1,2.5\na.mp4,fight,one,4,"
    folder = write_table(tmp_path, table, name="segments.csv")
    found = read_examples(TaskData("fight", folder), FIGHT)
    assert [(one.segment.start_s, one.segment.end_s) for one in found] == [(1, 2.5), (4, None)]


def test_a_folder_without_a_label_of_the_task_is_refused(tmp_path):
    folder = write_table(tmp_path / "street", TABLE)
    message = r"street has no label of fall \(up, down\); it has: brawl, normal, traffic\."
    with pytest.raises(DataError, match=message):
        read_examples(TaskData("fall", folder), ["up", "down"])


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="There is no data folder"):
        read_examples(TaskData("fight", tmp_path / "nowhere"), FIGHT)


def test_an_example_is_cut_evenly():
    cuts = clips().whole([example(0), example(1, "b.mp4")], windows=2)
    # Frame 0 shows no motion: 1 … 6 hold two windows of four at 1 and 3; b.mp4 has frames 1 and 2 only.
    assert [(cut.example.label, cut.window.first, cut.window.stop) for cut in cuts] == [
        (0, 1, 5),
        (0, 3, 7),
        (1, 1, 3),
    ]


def test_drawn_clips_are_one_an_example_from_anywhere_in_it():
    cuts = clips().drawn([example(0)] * 60, np.random.default_rng(0))
    assert len(cuts) == 60
    assert {cut.window.first for cut in cuts} == {1, 2, 3}


def test_a_clip_has_no_label_for_other_tasks():
    cutter = clips()
    cuts = cutter.whole([example(1), example(2, "b.mp4", "activity")], windows=1)
    batch = cutter.batch(cuts)
    assert len(batch) == 2
    assert {task: labels.tolist() for task, labels in batch.labels.items()} == {
        "fight": [1, -100],
        "activity": [-100, 2],
    }


def test_a_batch_is_padded_in_front_to_the_length_of_live_clips():
    cutter = clips()
    batch = cutter.batch(cutter.whole([example(0), example(1, "b.mp4")], windows=1))
    # The middle one of a.mp4's windows begins at frame 2: 6 frames, 2 to spare, one before.
    assert batch.features[..., 0].tolist() == [[2, 3, 4, 5], [0, 0, 1, 2]]
    assert batch.motion[..., 0].tolist() == [[2, 3, 4, 5], [0, 0, 1, 2]]
    assert batch.mask.tolist() == [[True] * 4, [False, False, True, True]]


def test_each_recording_is_read_from_the_store_once():
    store = FakeStore({"a.mp4": numbered(7), "b.mp4": numbered(9)})
    cutter = Clips(store, WindowSettings(4), ("fight",))
    for _ in range(3):
        cutter.batch(cutter.whole([example(0), example(1, "b.mp4")], windows=3))
    assert store.asked == ["a.mp4", "b.mp4"]


def test_every_label_of_every_task_comes_equally_often():
    # Seven, one and one example of three kinds: each comes three times.
    many = [example(0, f"{number}.mp4") for number in range(7)]
    order = balanced_order([*many, example(1), example(1, task="activity")], np.random.default_rng(0))
    counts = Counter((one.task, one.label) for one in order)
    assert counts == {("fight", 0): 3, ("fight", 1): 3, ("activity", 1): 3}
    assert len({one.segment.file for one in order if one.label == 0}) == 3


@pytest.mark.parametrize("seed", range(20))
def test_what_cannot_be_divided_evenly_differs_by_one(seed):
    # Seven or eight of three kinds: 2, 2 and 3, or 2, 3 and 3, whichever.
    members = [*(example(0, f"{number}.mp4") for number in range(4)), example(1), example(1, "b.mp4")]
    for more, counts in ([example(2)], [2, 2, 3]), ([example(2)] * 2, [2, 3, 3]):
        order = balanced_order([*members, *more], np.random.default_rng(seed))
        assert sorted(Counter(one.label for one in order).values()) == counts
        # Of two examples both come, whether there is room for two or three.
        assert {one.file for one in order if one.label == 1} == {"a.mp4", "b.mp4"}


def test_the_order_follows_the_seed():
    members = [example(number % 2, f"{number}.mp4") for number in range(12)]
    one, same, other = (balanced_order(members, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_last_batch_is_shorter():
    cuts = clips().whole([example(0)] * 5, windows=1)
    assert [len(batch) for batch in batches_of(cuts, 2)] == [2, 2, 1]


def test_the_busiest_clip_stands_for_a_recording_whose_label_holds_for_a_part(tmp_path):
    # The motion of a frame is its number: the last window moves most.
    (found,) = read_examples(TaskData("fight", write_table(tmp_path, TABLE), busiest=True), FIGHT)
    cutter = Clips(FakeStore({"b.mp4": numbered(9)}), WindowSettings(4), ("fight",))
    assert [(cut.window.first, cut.window.stop) for cut in cutter.whole([found], windows=3)] == [(5, 9)]
    drawn = cutter.drawn([found] * 60, np.random.default_rng(0))
    # Drawn, it ends there with three or four frames.
    assert {(cut.window.first, cut.window.stop) for cut in drawn} == {(5, 9), (6, 9)}


def test_the_middle_of_a_segment_teaches_too_where_that_is_asked_for(tmp_path):
    table = "file,label,group,start_s,end_s\na.mp4,fight,one,1,1.4\na.mp4,normal,one,3,3.4"
    folder = write_table(tmp_path, table, name="segments.csv")
    cutter = Clips(FakeStore({"a.mp4": numbered(40)}), WindowSettings(4, live_s=2.0), ("fight",))
    plain = read_examples(TaskData("fight", folder), FIGHT)
    both = read_examples(TaskData("fight", folder, middle=True), FIGHT)
    # 5 frames a second: 1.0 ≤ t < 1.4 are the frames 5 and 6; 2 s about 1.2 s are the frames 1 to 10.
    assert spans(cutter.taught(plain, windows=1)) == [(5, 7), (15, 17)]
    assert spans(cutter.taught(both, windows=1)) == [(5, 7), (15, 17), (1, 11), (11, 21)]
    assert spans(cutter.middles(plain)) == [(1, 11), (11, 21)]


def spans(cuts) -> list[tuple[int, int]]:
    return [(cut.window.first, cut.window.stop) for cut in cuts]
