"""The demo's cameras, settings and screen."""

import io
import tomllib

import av
import pytest
from rich.console import Console

from daemon.config import load_settings
from daemon.demo.feeds import load_file
from daemon.demo.gauges import Gauges
from daemon.demo.run import run_demo
from daemon.demo.scenes import Film
from daemon.demo.script import PLAZA, ROOM
from daemon.demo.settings import DemoPlaces, settings_text
from daemon.demo.stage import DemoCamera, GivenCamera, Stage, camera_of, shoot_films
from daemon.demo.subscriber import Heard
from daemon.demo.table import Moment, live_view, plain_event, summary_lines
from daemon.demo.verdict import findings
from pipeline.errors import SettingsError
from tests.demo.events import heard_at


class Clock:
    def __init__(self):
        self.now_s = 500.0

    def monotonic_s(self):
        return self.now_s

    def utc_s(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stage(video, clock):
    loop = load_file(video)
    film = Film(loop.parameter_sets, (loop.segment,))
    with Stage({PLAZA: film, ROOM: film}, clock) as running:
        yield running


def shown(renderable):
    console = Console(file=io.StringIO(), width=140)
    console.print(renderable)
    return console.file.getvalue()


def test_cameras_of_the_stage_can_be_watched(stage, read_frames):
    assert [camera.name for camera in stage.cameras] == [PLAZA, ROOM]
    assert len(read_frames(stage.cameras[0].url, 2)) == 2


def test_a_camera_goes_away_and_comes_back_by_the_script(stage, clock, read_frames):
    read_frames(stage.cameras[1].url, 1)  # the script begins
    clock.now_s += 76.0  # the script has it away from 75 s to 82 s
    stage.perform()
    with pytest.raises(av.HTTPNotFoundError):
        read_frames(stage.cameras[1].url, 1)
    assert len(read_frames(stage.cameras[0].url, 1)) == 1
    clock.now_s += 7.0
    stage.perform()
    assert len(read_frames(stage.cameras[1].url, 1)) == 1


@pytest.mark.parametrize(
    ("at_s", "words"), [(10.0, "usual life"), (121.0, "plaza: somebody runs across the plaza")]
)
def test_the_stage_says_what_happens(stage, clock, read_frames, at_s, words):
    read_frames(stage.cameras[0].url, 1)  # the script begins
    clock.now_s += at_s
    assert stage.words == words


def test_only_what_will_be_seen_is_rendered():
    films = shoot_films(Console(file=io.StringIO()), seconds=0.4)
    assert {name: len(film.seconds) for name, film in films.items()} == {PLAZA: 3, ROOM: 3}


def test_a_file_of_the_users_plays_in_a_loop(video):
    assert camera_of(str(video)) == DemoCamera("video", str(video), "the video that you gave", loop=True)


def test_an_address_of_the_users_is_taken_as_it_is():
    assert camera_of("rtsp://camera/1").url == "rtsp://camera/1"


def test_a_file_that_is_not_there_is_the_users_mistake():
    with pytest.raises(SettingsError, match=r"nowhere\.mp4 is neither a URL nor a file"):
        run_demo(1.0, "nowhere.mp4")


def test_a_given_camera_has_no_script(clock):
    scenery = GivenCamera(DemoCamera("video", "rtsp://camera/1", ""), clock)
    clock.now_s += 3.0
    assert (scenery.playing_s, scenery.has_script) == (3.0, False)


def test_the_settings_can_be_read_by_the_daemon(tmp_path):
    cameras = [
        DemoCamera("plaza", "rtsp://127.0.0.1:8554/plaza", 'a "square"'),
        DemoCamera("video", "a.mp4", "", loop=True),
    ]
    places = DemoPlaces(mqtt_port=1884, http_port=8081, folder=tmp_path)
    places.config.write_text(settings_text(places, cameras), encoding="utf-8")
    settings = load_settings(places.config, {})
    assert (settings.mqtt.port, settings.mqtt.protocol, settings.http.port) == (1884, "3.1.1", 8081)
    assert settings.storage.data_dir == tmp_path / "data"
    assert [(camera.url, camera.loop) for camera in settings.cameras.values()] == [
        ("rtsp://127.0.0.1:8554/plaza", False),
        ("a.mp4", True),
    ]


def test_a_folder_with_quotes_in_its_name_stays_valid_toml(tmp_path):
    places = DemoPlaces(1884, 8081, tmp_path / 'a "b" \\c')
    text = settings_text(places, [])
    assert tomllib.loads(text)["storage"]["data_dir"] == str(places.folder / "data")


def test_the_screen_shows_cameras_events_and_addresses():
    heard = Heard((heard_at(531.5),), {"plaza": "online"})
    moment = Moment(
        heard, Gauges(), began_s=500.0, playing_s=32.0, fps={"plaza": 9.9}, urls={"page": "http://x"}
    )
    text = shown(live_view(moment))
    for piece in ("plaza", "online", "9.9", "31.5 s", "anomaly unusual", "faster than usual", "http://x"):
        assert piece in text


def test_an_event_is_one_plain_line_without_a_terminal():
    assert plain_event(heard_at(531.5), 500.0) == (
        "  31.5 s  plaza    new    anomaly unusual (score 0.80): Movement that is faster than usual."
    )


def test_the_summary_says_what_was_reported_and_what_was_not():
    gauges = Gauges({"plaza": 400}, {"plaza": 200}, 0, {0.1: 1, float("inf"): 1}, clips=1)
    heard = Heard((heard_at(531.5),))
    lines = summary_lines(heard, gauges, findings(heard.events, began_s=500.0, playing_s=50.0))
    assert lines == [
        "frames: plaza 400 (analysed 200); dropped 0",
        "events: anomaly unusual 1; messages 1, missing 0",
        "clips kept: 1",
        "captured → acknowledged by the broker: p50 0.05 s, p99 0.10 s",
        "   30 s  plaza: somebody runs across the plaza → anomaly unusual after 1.5 s",
        "   42 s  plaza: a cart crosses the plaza → not reported",
    ]
