"""The daemon as a whole, without a broker: its start, its end, and what a reload changes."""

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from daemon.app import Daemon, sections_that_need_a_restart
from daemon.config import Settings, load_settings
from daemon.event_log import open_log, select_newest
from daemon.systemd import Systemd
from pipeline.clock import SystemClock
from pipeline.errors import CheckpointError, SettingsError
from tests import media
from tests.fakes import FakeEncoder, checkpoint
from tests.servers import free_port, wait_until


def open_fake(_settings):
    return FakeEncoder(checkpoint(motion_dim=18))


@dataclass
class House:
    """A daemon in a thread, with its settings file and its page."""

    folder: Path
    port: int
    exit_codes: list = field(default_factory=list)

    @property
    def config(self):
        return self.folder / "config.toml"

    def write(self, cameras, extra=""):
        """Write settings with these cameras, name → url."""
        tables = "".join(f'[cameras.{name}]\nurl = "{url}"\nloop = true\n' for name, url in cameras.items())
        head = f'[mqtt]\nport = 1\n[http]\nport = {self.port}\n[storage]\ndata_dir = "{self.folder}/data"\n'
        self.config.write_text(head + extra + tables, encoding="utf-8")

    def daemon(self, environ=None, open_model=open_fake):
        settings = load_settings(self.config, {})
        systemd = Systemd(environ or {})
        return Daemon(self.config, settings, clock=SystemClock(), systemd=systemd, open_model=open_model)

    @contextmanager
    def running(self, **options):
        """Run the daemon while the block lasts."""
        daemon = self.daemon(**options)
        thread = threading.Thread(target=lambda: self.exit_codes.append(daemon.run()))
        thread.start()
        try:
            wait_until(lambda: self.get("/healthz"), 20)
            yield daemon
        finally:
            daemon.request_stop()
            thread.join(20)

    def fetch(self, path):
        """Return the bytes that the page answers, None where nobody does or there is nothing."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.read()
        except OSError:
            return None

    def get(self, path):
        """Return what the page answers in JSON, None where nobody does."""
        answer = self.fetch(path)
        return None if answer is None else json.loads(answer)

    def post(self, path):
        """Return the status of our own page's request."""
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, method="POST", headers={"x-videobertd": "1"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def put(self, path, body, revision):
        """Return what the daemon answers to changed settings."""
        headers = {"x-videobertd": "1", "if-match": revision, "content-type": "application/json"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers, method="PUT"
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def statuses(self):
        """Return the cameras' statuses by name."""
        return {camera["name"]: camera["status"] for camera in self.get("/api/v1/cameras")["cameras"]}

    def log(self):
        """Return all messages of the event log."""
        with open_log(self.folder / "data") as database:
            return [json.loads(one.payload) for one in select_newest(database)]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path, free_port())


@pytest.fixture
def video(tmp_path):
    return media.write_video(tmp_path / "clip.mp4", media.moving_square(20))


def test_a_camera_comes_online_and_its_picture_is_shown(house, video):
    house.write({"porch": video})
    with house.running():
        wait_until(lambda: house.statuses() == {"porch": "online"}, 10)
        # The first frame makes the camera online, and is its newest picture a moment later.
        jpeg = wait_until(lambda: house.fetch("/cameras/porch.jpg"), 10, what="a picture")
    assert jpeg.startswith(b"\xff\xd8")
    assert house.exit_codes == [0]


def test_the_last_scores_of_a_camera_and_frames_a_second_are_kept_while_it_runs(house, video):
    house.write({"porch": video})
    with house.running():
        wait_until(lambda: house.get("/api/v1/cameras")["cameras"][0]["recent_scores"], 10, what="a score")
        page = wait_until(lambda: house.fetch("/system"), 10, what="the page").decode()
    assert re.search(r'data-title="decoded a second">\d', page)  # since the first note they are known
    assert "folder has no card" in page  # nor has the fake model a folder


def test_what_is_private_is_hidden_in_the_camera_s_picture(house, video):
    house.write({"porch": video}, extra='[defaults]\nblur = "all"\n')
    with house.running():
        jpeg = wait_until(lambda: house.fetch("/cameras/porch.jpg"), 10, what="a picture")
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    # 320 x 180 pixels in tiles of 20 x 20; JPEG adds 2 levels within them, the scene itself has 17.
    tiles = shown.reshape(9, 20, 16, 20, 3).astype(float)
    assert abs(tiles - tiles.mean(axis=(1, 3), keepdims=True)).mean() < 4


def test_a_daemon_without_cameras_runs_and_says_so(house, caplog):
    house.write({})
    with house.running():
        assert house.get("/api/v1/cameras") == {"cameras": []}
    assert "no camera is configured" in caplog.text
    assert house.exit_codes == [0]


def test_a_camera_that_is_not_there_leaves_the_others_alone(house, video):
    house.write({"gone": "/no/such.mp4", "porch": video})
    with house.running():
        wait_until(lambda: house.statuses() == {"gone": "offline", "porch": "online"}, 10)


def test_readiness_names_the_broker_that_is_not_there(house):
    house.write({})
    with house.running():
        wait_until(lambda: "cannot be reached" in house.get("/api/v1/system")["broker_problem"], 10)


def test_open_events_end_when_the_daemon_stops(house):
    house.write({"gone": "/no/such.mp4"})
    with house.running():
        wait_until(lambda: house.get("/api/v1/events")["last_seq"] == 1, 10)
    begun, ended = house.log()
    assert (begun["type"], ended["type"], ended["id"]) == ("new", "end", begun["id"])
    assert ended["explanation"] == "The daemon was stopped."


def test_what_a_crash_left_open_ends_at_the_next_start(house):
    house.write({"gone": "/no/such.mp4"})
    with house.running():
        wait_until(lambda: house.get("/api/v1/events")["last_seq"] == 1, 10)
        crashed = (house.folder / "data" / "videobertd.sqlite-wal").read_bytes()
        database = (house.folder / "data" / "videobertd.sqlite").read_bytes()
    for name, content in (("", database), ("-wal", crashed)):
        (house.folder / "data" / f"videobertd.sqlite{name}").write_bytes(content)
    house.write({})
    with house.running():
        pass
    assert [(one["seq"], one["type"]) for one in house.log()] == [(1, "new"), (2, "end")]


def test_a_reload_brings_changes_and_takes_cameras_and_leaves_the_rest(house, video):
    house.write({"stays": video, "goes": video})
    with house.running() as daemon:
        wait_until(lambda: house.statuses() == {"stays": "online", "goes": "online"}, 10)
        house.write({"stays": video, "comes": video})
        daemon.request_reload()
        wait_until(lambda: house.statuses() == {"stays": "online", "comes": "online"}, 10)


def test_a_bad_file_changes_nothing_on_reload(house, video, caplog):
    house.write({"porch": video})
    with house.running() as daemon:
        house.config.write_text("[mqtt]\nport = 0\n", encoding="utf-8")
        daemon.request_reload()
        wait_until(lambda: "nothing has changed" in caplog.text, 10)
        assert list(house.statuses()) == ["porch"]


def test_the_page_can_ask_for_a_reload(house, video):
    house.write({})
    with house.running():
        house.write({"porch": video})
        headers = {"x-videobertd": "1"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{house.port}/api/v1/reload", method="POST", headers=headers
        )
        urllib.request.urlopen(request, timeout=5).close()
        wait_until(lambda: list(house.statuses()) == ["porch"], 10)


def test_a_port_in_use_is_one_sentence_before_any_thread_starts(house):
    house.write({})
    threads = threading.active_count()
    in_use = pytest.raises(SettingsError, match="Address already in use")
    with socket.create_server(("127.0.0.1", house.port)), in_use:
        house.daemon().run()
    assert threading.active_count() == threads


def test_a_second_daemon_on_one_data_folder_is_refused(house):
    house.write({})
    with house.running():
        other = House(house.folder, free_port())
        other.write({})
        with pytest.raises(SettingsError, match="another videobertd is running"):
            other.daemon().run()


def test_a_missing_model_is_told_before_any_thread_starts(house):
    def open_nothing(_settings):
        raise CheckpointError("nowhere is no checkpoint")

    house.write({})
    with pytest.raises(CheckpointError):
        house.daemon(open_model=open_nothing).run()


def test_systemd_hears_of_ready_and_stopping_and_is_fed(house):
    house.write({})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(house.folder / "notify"))
        manager.settimeout(10)
        environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "200000"}
        with house.running(environ=environ):
            assert manager.recv(200) == b"READY=1\nSTATUS=0 of 0 cameras online"
            assert manager.recv(200) == b"WATCHDOG=1\nSTATUS=0 of 0 cameras online"
        messages = iter(lambda: manager.recv(200), b"STOPPING=1")
        assert all(message.startswith(b"WATCHDOG=1") for message in messages)


class BrokenEncoder(FakeEncoder):
    """An encoder with a bug."""

    def encode(self, pictures):
        raise RuntimeError("a bug")


def test_a_thread_that_fails_stops_everything_with_exit_code_1(house, video):
    house.write({"porch": video})
    daemon = house.daemon(open_model=lambda _settings: BrokenEncoder(checkpoint(motion_dim=18)))
    assert daemon.run() == 1


def test_what_was_learned_is_saved_at_the_end(house, video):
    house.write({"porch": video})
    with house.running():
        wait_until(lambda: house.statuses() == {"porch": "online"}, 10)
    assert (house.folder / "data" / "learned" / "porch.npz").stat().st_size > 0


def test_sections_other_than_cameras_need_a_restart():
    before = Settings()
    after = Settings(mqtt={"port": 1}, logging={"level": "debug"}, cameras={"a": {"url": "a.mp4"}})
    assert sections_that_need_a_restart(before, after) == ["logging", "mqtt"]


def test_a_word_on_an_event_and_a_budget_from_the_page_are_kept(house):
    house.write({"gone": "/no/such.mp4"})
    with house.running():
        (event,) = wait_until(lambda: house.get("/api/v1/events")["events"], 10)
        # That a camera is away is not to be taught, and an event that never was is not known.
        assert house.post(f"/api/v1/events/{event['id']}/feedback?verdict=not_an_alarm") == 409
        assert house.post("/api/v1/events/never/feedback?verdict=not_an_alarm") == 404
        assert house.post("/api/v1/cameras/gone/budget?value=0.5") == 200
    with house.running():
        assert house.get("/api/v1/cameras")["cameras"][0]["budget_per_day"] == 0.5


SETTINGS = "/api/v1/cameras/gone/settings"


def test_settings_that_are_saved_are_in_use_without_a_restart_and_after_one(house):
    house.write({"gone": "/no/such.mp4"})
    with house.running():
        assert house.post("/api/v1/cameras/gone/budget?value=9") == 200
        seen = house.get(SETTINGS)
        assert (seen["settings"]["budget_per_day"], seen["in_file"]) == (9.0, {"budget_per_day": 1.0})
        house.put(
            SETTINGS,
            {"budget_per_day": 2.5, "zones": {"door": {"polygon": [[0, 0], [1, 0], [1, 1]]}}},
            seen["revision"],
        )
        wait_until(lambda: house.get(SETTINGS)["in_use"], 10, what="the reload")
        assert house.get("/api/v1/cameras")["cameras"][0]["budget_per_day"] == 2.5
    # What was turned before is forgotten: from now on the file counts.
    with house.running():
        assert house.get(SETTINGS)["in_file"] == {}
        assert house.get("/api/v1/cameras")["cameras"][0]["budget_per_day"] == 2.5
    assert list(load_settings(house.config, {}).cameras["gone"].zones) == ["door"]
