"""What becomes of a label: who gave it, what follows from it, and the dataset that training takes."""

import csv

import pytest

from daemon.archive_reader import ArchivePage
from daemon.feedback import FeedbackCommand, UnknownEventError
from daemon.payloads import EventMessage
from daemon.review.desk import Choice
from daemon.review.labels import FILE_NAME, LabelError, Part, part_of, truths_of
from pipeline.feedback import Verdict
from tests.backstages import TASKS, FakeArchive, FakeClips, logged, review_desk
from tests.media import still_scene, write_video

ONE, TWO, THREE = (f"00cpd7gq3g0123456789ab{number}" for number in "123")
BEHAVIOUR = {"kind": "behaviour", "label": "fight", "type": "end", "end_utc": "2026-11-22T10:00:08.000Z"}
FIGHT, NO_FIGHT, CRASH = Choice("fight", "fight"), Choice("fight", "normal"), Choice("crash", "crash")


def message(event_id=ONE, **changes):
    return EventMessage.model_validate_json(logged(1, event_id, **{**BEHAVIOUR, **changes}).payload)


@pytest.fixture
def archive():
    return FakeArchive()


@pytest.fixture
def clips(tmp_path):
    """The clip of event ONE: 20 s at 2 frames a second."""
    return FakeClips({ONE: write_video(tmp_path / "one.mp4", still_scene(40), fps=2)})


@pytest.fixture
def desk(tmp_path, archive, clips):
    archive.past = ArchivePage((message(ONE), message(TWO)), None)
    return review_desk(tmp_path / "dataset", archive, clips=clips)


def rows(tmp_path, task):
    """Return the rows of a task's table below its header, [] where there is none."""
    table = tmp_path / "dataset" / task / "segments.csv"
    return list(csv.reader(table.read_text().splitlines()))[1:] if table.exists() else []


def test_a_label_is_kept_with_who_gave_it_and_when(desk):
    desk.give(ONE, FIGHT, by="ada")
    given = desk.label_of(ONE)
    assert (given.label, given.by, given.given_utc) == ("fight", "ada", "2023-11-14T22:13:20.000Z")
    assert (given.camera, given.seen, given.group) == ("porch", "fight", "porch 2026-11-22")


# The clip is 20 s long and ends 5 s after the event, which lasted 8 s: 7 … 15. The model looked 4 s back,
# and told the end 5 s late: 3 … 10.
def test_a_labelled_event_becomes_a_row_and_a_clip(desk, tmp_path):
    desk.give(ONE, FIGHT, by=None)
    assert rows(tmp_path, "fight") == [[f"{ONE}.mp4", "fight", "porch 2026-11-22", "3.0", "10.0"]]
    assert (tmp_path / "dataset/fight" / f"{ONE}.mp4").exists()


def test_a_clip_takes_no_room_twice_and_outlives_its_event(desk, tmp_path):
    desk.give(ONE, FIGHT, by=None)
    kept = tmp_path / "dataset/fight" / f"{ONE}.mp4"
    assert kept.samefile(tmp_path / "one.mp4")
    (tmp_path / "one.mp4").unlink()  # as retention does
    assert kept.stat().st_size > 0


def test_a_second_label_replaces_the_first(desk, tmp_path):
    desk.give(ONE, FIGHT, by="ada")
    desk.give(ONE, NO_FIGHT, by="olga")
    assert [row[1] for row in rows(tmp_path, "fight")] == ["normal"]
    assert desk.label_of(ONE).by == "olga"


def test_what_was_taken_for_a_fight_and_is_a_crash_is_no_fight(desk, tmp_path):
    desk.give(ONE, CRASH, by=None)
    assert [row[1] for row in rows(tmp_path, "crash")] == ["crash"]
    assert [row[1] for row in rows(tmp_path, "fight")] == ["normal"]
    desk.give(ONE, FIGHT, by=None)
    assert (rows(tmp_path, "crash"), (tmp_path / "dataset/crash" / f"{ONE}.mp4").exists()) == ([], False)


@pytest.mark.parametrize(
    ("task", "label", "truths"),
    [
        ("fight", "normal", {"fight": "normal"}),
        ("crash", "normal", {"crash": "normal"}),  # says nothing of fights
        ("activity", "walk", {"activity": "walk"}),  # neither does this
        ("crash", "crash", {"crash": "crash", "fight": "normal"}),
    ],
)
def test_only_another_alarm_contradicts_the_one_that_was_told(task, label, truths):
    assert truths_of("fight", task, label, tasks=TASKS) == truths


def test_an_anomaly_can_be_given_a_label_that_contradicts_nothing():
    assert truths_of("unusual", "fight", "fight", tasks=TASKS) == {"fight": "fight"}


def test_a_label_that_is_taken_back_takes_row_and_clip_along(desk, tmp_path):
    desk.give(ONE, FIGHT, by=None)
    desk.take_back(ONE)
    assert (rows(tmp_path, "fight"), desk.label_of(ONE)) == ([], None)
    assert list((tmp_path / "dataset/fight").iterdir()) == []
    with pytest.raises(UnknownEventError, match="has no label"):
        desk.take_back(ONE)


def test_a_label_whose_clip_is_not_there_yet_waits_for_it(desk, tmp_path, clips):
    desk.give(TWO, FIGHT, by=None)
    assert rows(tmp_path, "fight") == []
    clips.paths[TWO] = clips.paths[ONE]
    (count,) = desk.overview().counts
    assert (count.events, count.with_clip) == (1, 1)
    assert [row[0] for row in rows(tmp_path, "fight")] == [f"{TWO}.mp4"]


def test_a_clip_for_which_there_is_no_room_is_refused_and_nothing_changes(tmp_path, archive, clips, desk):
    size_bytes = clips.paths[ONE].stat().st_size
    small = review_desk(tmp_path / "dataset", archive, clips=clips, max_bytes=size_bytes - 1)
    with pytest.raises(LabelError, match=r"raise storage\.keep_dataset_gb"):
        small.give(ONE, FIGHT, by=None)
    assert (small.label_of(ONE), rows(tmp_path, "fight")) == (None, [])


@pytest.mark.parametrize("choice", [Choice("fight", "crash"), Choice("", ""), Choice("sleep", "normal")])
def test_a_label_that_no_task_has_is_refused_with_those_that_there_are(desk, choice):
    with pytest.raises(ValueError, match="fight: normal, fight"):
        desk.give(ONE, choice, by=None)


def test_an_event_that_is_not_known_or_is_about_the_camera_has_no_label(desk, archive):
    with pytest.raises(UnknownEventError):
        desk.give(THREE, FIGHT, by=None)
    archive.past = ArchivePage((message(ONE, kind="camera", label="frozen"),), None)
    with pytest.raises(LabelError, match="about the camera itself"):
        desk.give(ONE, FIGHT, by=None)


def test_a_damaged_file_of_labels_is_not_written_over(desk, tmp_path):
    desk.give(ONE, FIGHT, by=None)
    (tmp_path / "dataset" / FILE_NAME).write_text("[{")
    with pytest.raises(LabelError, match="repair it, or move it away"):
        desk.give(ONE, NO_FIGHT, by=None)
    assert (tmp_path / "dataset" / FILE_NAME).read_text() == "[{"


@pytest.mark.parametrize("damage", [lambda table: table.unlink(), lambda table: table.write_bytes(b"\xff")])
def test_a_table_that_a_crash_left_behind_is_made_anew(desk, tmp_path, damage):
    desk.give(ONE, FIGHT, by=None)
    damage(tmp_path / "dataset/fight/segments.csv")
    desk.refresh()
    assert len(rows(tmp_path, "fight")) == 1


@pytest.mark.parametrize(("verdict", "label"), [("was_an_alarm", "fight"), ("not_an_alarm", "normal")])
def test_a_verdict_on_a_behaviour_is_a_label(desk, verdict, label):
    desk.judge(FeedbackCommand(event=ONE, verdict=Verdict(verdict), by="mqtt"), "fight")
    assert (desk.label_of(ONE).label, desk.label_of(ONE).by) == (label, "mqtt")


def test_an_activity_that_was_none_needs_another_name(desk):
    assert desk.own_choice("walk", Verdict.NOT_AN_ALARM) is None
    with pytest.raises(LabelError, match="no label that says not_an_alarm of walk"):
        desk.judge(FeedbackCommand(event=ONE, verdict=Verdict.NOT_AN_ALARM), "walk")


# Thresholds are 0.5 for fights and 0.8 for crashes: 0.85 is 0.05 above, 0.6 is 0.1 above.
def test_the_behaviour_nearest_to_its_threshold_is_most_worth_a_label(desk, archive, clips):
    events = (message(ONE, score=0.6), message(TWO, label="crash", score=0.85), message(THREE, score=0.51))
    archive.past = ArchivePage(events, None)
    clips.paths |= {TWO: clips.paths[ONE]}  # the third has no clip
    worth = desk.overview().worth
    assert [event.id for event in worth] == [TWO, ONE]
    desk.give(TWO, CRASH, by=None)
    assert TWO not in {event.id for event in desk.overview().worth}


def test_the_overview_of_some_cameras_holds_no_other(desk):
    desk.give(ONE, FIGHT, by=None)
    assert desk.overview({"yard"}).given == desk.overview({"yard"}).counts == ()
    assert [one.event for one in desk.overview({"porch"}).given] == [ONE]


# 60 s of an event of 300 s: cut off, so it is known by its beginning, 5 s in.
def test_a_clip_that_was_cut_off_is_read_from_its_beginning():
    lasting = message(end_utc="2026-11-22T10:05:00.000Z")
    part = part_of(lasting, clip_s=60.0, rolls=(5.0, 5.0), sees_s=4.0)
    assert part == Part(start_s=1.0, end_s=60.0)


@pytest.mark.parametrize("clip_s", [0.4, 1.0, 3.0, 9.0, 11.0])
def test_a_part_is_never_empty_nor_outside_its_clip(clip_s):
    brief = message(end_utc="2026-11-22T10:00:01.000Z")
    part = part_of(brief, clip_s=clip_s, rolls=(5.0, 5.0), sees_s=4.0)
    assert 0 <= part.start_s < part.end_s <= clip_s
