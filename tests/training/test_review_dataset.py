"""What the daemon makes of people's labels is a data folder as it stands."""

import pytest

from daemon.archive_reader import ArchivePage
from daemon.payloads import EventMessage
from daemon.review.desk import Choice
from tests.backstages import FakeArchive, FakeClips, logged, review_desk
from tests.media import still_scene, write_video

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from training.data_folder import load_data_folder
from training.splits import leave_one_group_out

EVENTS = tuple(f"00cpd7gq3g0123456789ab{number}" for number in "123")


@pytest.fixture
def dataset(tmp_path):
    """Three labelled fights of two days, the last of which was none."""
    archive = FakeArchive()
    archive.past = ArchivePage(
        tuple(
            EventMessage.model_validate_json(
                logged(
                    1,
                    event,
                    kind="behaviour",
                    label="fight",
                    start_utc=f"2026-11-{day}T10:00:00.000Z",
                    end_utc=f"2026-11-{day}T10:00:08.000Z",
                ).payload
            )
            for event, day in zip(EVENTS, (21, 21, 22), strict=True)
        ),
        None,
    )
    clip = write_video(tmp_path / "one.mp4", still_scene(40), fps=2)
    desk = review_desk(tmp_path / "dataset", archive, clips=FakeClips(dict.fromkeys(EVENTS, clip)))
    for event, label in zip(EVENTS, ("fight", "fight", "normal"), strict=True):
        desk.give(event, Choice("fight", label), by=None)
    return load_data_folder(tmp_path / "dataset/fight")


def test_a_dataset_folder_is_read_as_it_stands(dataset):
    assert [(segment.label, segment.start_s, segment.end_s) for segment in dataset.segments] == [
        ("fight", 3.0, 10.0),
        ("fight", 3.0, 10.0),
        ("normal", 3.0, 10.0),
    ]
    assert dataset.files == tuple(f"{event}.mp4" for event in EVENTS)


def test_what_one_camera_saw_on_one_day_stays_on_one_side(dataset):
    splits = leave_one_group_out(dataset.segments)
    assert [sorted(segment.file[22:23] for segment in split.test) for split in splits] == [["1", "2"], ["3"]]
