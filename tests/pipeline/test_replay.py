"""Recordings through the live stages: what is learned is normal, what differs is an event with its place."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.checkpoint import Checkpoint
from models.flow import MOTION_DIM
from models.runtime import FrameFeatures
from pipeline.alarm import AlarmSettings
from pipeline.anomaly import AnomalySettings
from pipeline.errors import SourceError
from pipeline.normality import NormalitySettings
from pipeline.replay import ReplaySettings, clips_of, duration_s, replay, taught
from tests import media
from tests.fakes import FakeEncoder, checkpoint

FPS = 5
WIDTH_PX = 320
# A square of 24 px crosses the picture at half its height, 24 px a second.
SQUARE_PX, STEP_PX, ROW_PX = 24, 4.8, 90
SETTINGS = ReplaySettings(
    image_fps=FPS,
    anomaly=AnomalySettings(NormalitySettings(learn_s=40.0), AlarmSettings(block_s=12.0)),
)


@dataclass
class PatchEncoder:
    """Encoder whose grid holds 112 fixed random projections of each cell's 16 x 16 pixels."""

    checkpoint: Checkpoint = field(default_factory=lambda: checkpoint(motion_dim=MOTION_DIM))
    name: str = "patches"

    def __post_init__(self):
        self._projection = np.random.default_rng(0).standard_normal((112, 768)).astype(np.float32) / 768
        self._pooled = FakeEncoder(self.checkpoint)
        self.understand, self.warm_up = self._pooled.understand, self._pooled.warm_up

    def encode(self, pictures):
        patches = pictures.reshape(-1, 14, 16, 14, 16, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 196, 768)
        grid = np.einsum("dp,ncp->ndc", self._projection, patches.astype(np.float32) - 127)
        return FrameFeatures(self._pooled.encode(pictures).pooled, grid.reshape(-1, 112, 14, 14))


def crossing(seconds, *, speed_ratio=1.0, visitor=False, seed=0):
    """Yield pictures of a square that crosses again and again; a visitor stands in the upper right."""
    picture, rng = media.scene(), np.random.default_rng(seed)
    x = 0.0
    for _ in range(round(seconds * FPS)):
        x = (x + STEP_PX * speed_ratio) % (WIDTH_PX - SQUARE_PX)
        frame = np.clip(picture + rng.normal(0, 2.0, picture.shape), 0, 255).astype(np.uint8)
        frame[ROW_PX : ROW_PX + SQUARE_PX, int(x) : int(x) + SQUARE_PX] = 250
        if visitor:
            cv2.circle(frame, (270, 30), 16, (10, 10, 10), -1)
        yield frame


def write_folder(folder, pictures):
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{index:04d}.jpg"), picture[..., ::-1])
    return folder


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Return the events of three recordings by name, played after a lesson of 90 s in two parts."""
    lesson, clips = tmp_path_factory.mktemp("lesson"), tmp_path_factory.mktemp("clips")
    write_folder(lesson / "01", crossing(60))
    write_folder(lesson / "02", crossing(30, seed=1))
    write_folder(clips / "same", crossing(30, seed=2))
    visitor = crossing(30, seed=3, visitor=True)
    write_folder(clips / "visitor", [*crossing(5, seed=2), *visitor, *crossing(12, seed=4)])
    write_folder(clips / "runner", [*crossing(5, seed=2), *crossing(8, seed=3, speed_ratio=3.0)])
    names = ("same", "runner", "visitor")
    sources = [clips / name for name in names]
    results = list(replay(sources, encoder=PatchEncoder(), settings=SETTINGS, learn=[lesson]))
    return {name: [e for r in results if Path(r.source).name == name for e in r.events] for name in names}


def test_more_of_the_same_raises_no_event(events):
    assert events["same"] == []


def test_a_thing_that_stays_where_nothing_ever_was_is_one_event_at_its_place(events):
    first, *_, last = events["visitor"]
    assert (first.phase, first.kind, first.label) == ("new", "anomaly", "unusual")
    # The circle spans 254…286 of 320 and 14…46 of 180: its middle is (0.84, 0.17).
    region = first.region
    assert region.x <= 0.84 <= region.x + region.width
    assert region.y <= 0.17 <= region.y + region.height
    assert region.width * region.height < 0.1
    assert first.explanation.startswith("Something new has been standing here for 1")
    assert (last.phase, last.id) == ("end", first.id)
    assert last.explanation == "The picture is as usual again."


def test_three_times_the_usual_speed_is_an_event_in_its_row(events):
    first, *_ = events["runner"]
    assert first.explanation.startswith("Moves ")
    # The square spans 90…114 of 180 rows.
    assert first.region.y <= 0.57 <= first.region.y + first.region.height


def test_an_event_that_is_open_when_the_recording_ends_is_ended_with_it(events):
    phases = [event.phase for event in events["runner"]]
    assert (phases.count("new"), phases.count("end"), phases[-1]) == (1, 1, "end")
    assert events["runner"][-1].explanation == "The recording has ended."


def test_every_sampled_frame_is_reported_with_its_source_and_time(tmp_path):
    clip = write_folder(tmp_path / "clip", crossing(2))
    settings = ReplaySettings(image_fps=10.0)
    results = list(replay([clip], encoder=PatchEncoder(), settings=settings))
    # Ten images are one second; the checkpoint asks for five frames of it.
    assert [round(result.time_s, 1) for result in results] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert {result.source for result in results} == {str(clip)}


def test_frames_are_sampled_at_the_rate_of_the_settings(tmp_path):
    clip = write_folder(tmp_path / "clip", crossing(2))
    settings = ReplaySettings(sample_fps=10.0, image_fps=10.0)
    assert len(list(replay([clip], encoder=PatchEncoder(), settings=settings))) == 10


def test_a_folder_of_folders_is_several_recordings(tmp_path):
    for name in ("02", "01"):
        write_folder(tmp_path / name, crossing(0.2))
    assert clips_of(tmp_path) == [tmp_path / "01", tmp_path / "02"]
    assert clips_of(tmp_path / "01") == [tmp_path / "01"]


def test_the_duration_of_images_is_their_number_over_their_rate(tmp_path):
    assert duration_s(write_folder(tmp_path / "clip", crossing(2)), image_fps=4.0) == 2.5


def test_a_recording_that_is_not_there_is_a_source_error(tmp_path):
    with pytest.raises(SourceError):
        list(replay([tmp_path / "none.mp4"], encoder=PatchEncoder(), settings=ReplaySettings()))
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("none.mp4", "text.mp4"):
        with pytest.raises(SourceError, match=f"{name} cannot be read"):
            duration_s(tmp_path / name, image_fps=10.0)


def test_without_a_budget_one_alarm_in_the_time_that_was_learned_is_accepted(tmp_path):
    lesson, clip = (
        write_folder(tmp_path / "lesson", crossing(40)),
        write_folder(tmp_path / "clip", crossing(2)),
    )
    (result, *_) = replay([clip], encoder=PatchEncoder(), settings=SETTINGS, learn=[lesson])
    (strict, *_) = replay(
        [clip], encoder=PatchEncoder(), settings=replace(SETTINGS, budget_per_day=1.0), learn=[lesson]
    )
    # One in 40 s is 2160 a day: the same score lies higher on its scale than with a budget of 1.
    assert result.anomaly.normality.score == strict.anomaly.normality.score
    assert result.anomaly.level >= strict.anomaly.level


def test_every_frame_of_the_source_belongs_to_the_sampled_frame_before_it(tmp_path):
    clip = write_folder(tmp_path / "clip", crossing(1))
    settings = ReplaySettings(sample_fps=2.0, image_fps=5.0)
    results = list(replay([clip], encoder=PatchEncoder(), settings=settings))
    # Five images, 0.2 s apart; at 2 fps those nearest to 0.0 and 0.5 s are sampled: 0.4 comes before 0.6.
    assert [result.frame_times_s for result in results] == [(0.0, 0.2), (0.4, 0.6, 0.8)]


def test_a_player_tells_of_each_lesson_and_what_budget_follows(tmp_path):
    for name in ("02", "01"):
        write_folder(tmp_path / name, crossing(4))
    told = []
    player = taught([tmp_path], encoder=PatchEncoder(), settings=SETTINGS, on_lesson=told.append)
    assert told == [tmp_path / "01", tmp_path / "02"]
    # One alarm in 8 s.
    assert player.settings.budget_per_day == 10_800
