"""Clips through the live stages: a score for each frame, and the alarms as a subscriber hears them."""

import numpy as np
import pytest

from models.flow import MOTION_DIM
from pipeline.alarm import AlarmSettings
from pipeline.anomaly import Anomaly, AnomalySettings
from pipeline.normality import NormalityScore, NormalitySettings
from pipeline.replay import ReplayResult, ReplaySettings
from pipeline.types import Event, EventKind, EventPhase, Severity
from tests.fakes import FakeEncoder, checkpoint
from tests.media import moving_square, still_scene, write_images, write_video
from tests.training.anomalies import LEFT_TOP
from training.anomaly_folder import Clip, load_clips
from training.anomaly_scores import clip_scores, per_frame, score_clips

ENCODER = FakeEncoder(checkpoint(motion_dim=MOTION_DIM))
SETTINGS = ReplaySettings(
    image_fps=5.0, anomaly=AnomalySettings(NormalitySettings(learn_s=2.0), AlarmSettings(block_s=2.0))
)


def event(phase, *, kind=EventKind.ANOMALY, score=0.6, words="Moves fast."):
    return Event(
        "1", "replay", phase, kind, "unusual", score, Severity.WARNING, 0.0, words, 0.0, region=LEFT_TOP
    )


def result(time_s, score, *, events=(), frame_times_s=()):
    heat = np.full((14, 14), score, np.float32)
    rarities = {"appearance": 0.0, "motion": score}
    said = NormalityScore(score, 0 * heat, heat, LEFT_TOP, "Moves fast.", rarities, heat=heat)
    return ReplayResult("walk", time_s, Anomaly(said, 0.5, None), tuple(events), frame_times_s or (time_s,))


def scores(*results, path="walk.mp4"):
    return clip_scores(Clip("walk", path), results, image_fps=10.0)


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "walk.mp4", still_scene(2))


def test_frames_between_sampled_ones_keep_the_last_score():
    assert per_frame(np.array([0, 0.1, 0.2, 0.3]), [0.0, 0.2], [3.0, 5.0]).tolist() == [3, 3, 5, 5]


def test_frames_before_the_first_judgement_and_those_without_one_have_score_0():
    assert per_frame(np.array([0, 0.1, 0.2]), [0.1, 0.2], [float("nan"), 5.0]).tolist() == [0, 0, 5]
    assert per_frame(np.array([0, 0.1]), [], []).tolist() == [0, 0]


def test_a_video_has_the_frames_that_were_decoded(video):
    found = scores(result(0.0, 3.0, frame_times_s=(0.0, 0.04)), result(0.08, 5.0), path=video)
    assert found.times_s.tolist() == [0.0, 0.04, 0.08]
    assert found.scores.tolist() == [3, 3, 5]
    assert [one.frame for one in found.judged] == [0, 2]


def test_an_image_folder_has_a_frame_for_each_image_even_a_damaged_one(tmp_path):
    folder = write_images(tmp_path / "walk", still_scene(4))
    (folder / "1.jpg").write_text("no image")
    found = scores(result(0.0, 3.0), result(0.2, 5.0, frame_times_s=(0.2, 0.3)), path=folder)
    assert found.scores.tolist() == [3, 3, 5, 5]


def test_each_part_has_scores_of_its_own_and_the_rarest_ones_heat_is_kept(video):
    found = scores(result(0.0, 3.0), path=video)
    assert (found.of_part("motion").tolist(), found.of_part("appearance").tolist()) == ([3.0], [0.0])
    assert found.judged[0].heat.max() == 3.0


def test_an_alarm_lasts_from_its_first_message_to_its_last(video):
    new = event(EventPhase.NEW, words="Moves 3.0 times as fast.")
    found = scores(
        result(0.0, 1.0, events=[new]),
        result(0.2, 1.0, events=[event(EventPhase.UPDATE)]),
        result(0.4, 1.0, events=[event(EventPhase.END, score=0.9, words="As usual again.")]),
        path=video,
    )
    (alarm,) = found.alarms
    assert (alarm.start_s, alarm.end_s, alarm.score) == (0.0, 0.4, 0.9)
    assert (alarm.region, alarm.words) == (LEFT_TOP, "Moves 3.0 times as fast.")


def test_events_of_another_kind_are_no_alarms(video):
    begun = event(EventPhase.NEW, kind=EventKind.CAMERA)
    ended = event(EventPhase.END, kind=EventKind.CAMERA)
    assert scores(result(0.0, 1.0, events=[begun]), result(0.2, 1.0, events=[ended]), path=video).alarms == ()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the folder of two normal clips and that of one test clip; 5 images are a second."""
    base = tmp_path_factory.mktemp("clips")
    for name in ("01", "02"):
        write_images(base / "train" / name, moving_square(20))
    write_images(base / "test" / "a", moving_square(12, begins=4))
    return base / "train", base / "test"


def test_clips_are_scored_after_the_lessons_and_each_is_told_of(folders):
    train, test = (load_clips(folder) for folder in folders)
    told = []
    found = score_clips(train, test, encoder=ENCODER, settings=SETTINGS, on_clip=told.append)
    assert [path.name for path in told] == ["01", "02", "a"]
    (clip,) = found.clips
    assert (clip.clip.name, len(clip.scores)) == ("a", 12)
    assert found.parts == ("motion", "size", "standing", "appearance", "surprise")
    # One alarm in the 8 s that were learned.
    assert found.settings.budget_per_day == 10_800
    assert found.seconds > 0


def test_what_is_left_as_learned_does_not_depend_on_the_clip_before(folders):
    train, test = (load_clips(folder) for folder in folders)

    def last(clips, *, learns_on):
        session = score_clips(train, clips, encoder=ENCODER, settings=SETTINGS, learns_on=learns_on)
        return session.clips[-1].scores.tolist()

    many = [*test * 6]
    assert last(many, learns_on=False) == last(test, learns_on=False)
    assert last(many, learns_on=True) != last(test, learns_on=True)
