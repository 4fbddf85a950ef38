"""From labels to another model under a running daemon: made by a real training, changed with nothing lost."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.review.dataset import DatasetFolder
from daemon.review.labels import GivenLabel, Part, write_labels
from tests.daemons import LOCAL, OWN, DaemonProcess, shelve_twin
from tests.media import moving_square, still_scene, write_video
from tests.servers import Subscriber, free_port, needs_mosquitto, wait_until

pytestmark = pytest.mark.e2e
WATCHED = """
loop = true
[cameras.square.zones.all]
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
[[cameras.square.rules]]
do = "watch"
zone = "all"
"""


def ask(daemon: DaemonProcess, path: str, method: str = "GET") -> dict:
    url = f"http://127.0.0.1:{daemon.http_port}{path}"
    request = urllib.request.Request(url, method=method, headers={"x-videobertd": "1"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def label_clips(folder: Path) -> None:
    """Label sixteen clips of eight days: a square that walks is a fight, a still scene is none."""
    given = []
    for number in range(16):
        label, event = ("normal", "fight")[number % 2], f"00cpd7gq3g0123456789{number:03}"
        pictures = moving_square(40) if label == "fight" else still_scene(40, seed=number)
        (folder / "fight").mkdir(parents=True, exist_ok=True)
        write_video(folder / "fight" / f"{event}.mp4", pictures, fps=10)
        given.append(
            GivenLabel(
                event=event,
                camera="porch",
                seen="fight",
                start_utc=f"2026-11-{1 + number // 2:02}T10:00:00.000Z",
                task="fight",
                label=label,
                truths={"fight": label},
                by="ada",
                given_utc="2026-11-22T10:00:00.000Z",
                part=Part(start_s=0.0, end_s=4.0),
            )
        )
    write_labels(folder, given)
    DatasetFolder(folder, 1e9).write(given)


@pytest.fixture
def trainer(tmp_path) -> Iterator[DaemonProcess]:
    """Run a daemon without cameras, to whose events labels were given."""
    pytest.importorskip("torch", reason="torch is not installed")
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=free_port(), cameras={})
    label_clips(daemon.data_dir / "dataset")
    daemon.start()
    yield daemon
    daemon.stop()


def test_labels_become_a_model_that_is_offered_taken_and_given_back(trainer):
    ask(trainer, "/api/v1/retrain", "POST")
    wait_until(lambda: not ask(trainer, "/api/v1/models")["retraining"]["is_running"], 300, what="the model")
    view = ask(trainer, "/api/v1/models")
    assert view["retraining"]["problem"] == ""
    (model,) = view["models"]
    fight = model["report"]["tasks"]["fight"]
    assert fight["is_better"], fight["reason"]
    assert fight["clips"] == {"normal": 8, "fight": 8}
    assert fight["after"]["accuracy"] > fight["before"]["accuracy"]
    assert ask(trainer, "/api/v1/system")["model"] == OWN
    ask(trainer, "/api/v1/models/1/use", "POST")
    assert ask(trainer, "/api/v1/system")["model"] == LOCAL
    assert trainer.metric("videobert_model_info", f'{{model="{LOCAL}",runtime="onnxruntime int8 cpu"}}') == 1
    trainer.stop()
    trainer.start()
    assert ask(trainer, "/api/v1/system")["model"] == LOCAL
    ask(trainer, "/api/v1/models/0/use", "POST")
    assert ask(trainer, "/api/v1/system")["model"] == OWN


def test_a_daemon_that_stops_ends_the_training(trainer):
    ask(trainer, "/api/v1/retrain", "POST")
    assert trainer.stop() == 0
    assert "retraining was ended" in trainer.log()
    trainer.start()
    assert ask(trainer, "/api/v1/models")["models"] == []


@pytest.fixture
def watcher(tmp_path, broker) -> Iterator[DaemonProcess]:
    """Run a daemon whose camera sees something walk by every 16 seconds, for 4 seconds."""
    pictures = [*moving_square(40), *still_scene(120)]
    video = write_video(tmp_path / "square.mp4", pictures, fps=10)
    daemon = DaemonProcess(tmp_path / "daemon", mqtt_port=broker.port, cameras={"square": str(video)})
    daemon.defaults = WATCHED
    shelve_twin(daemon.data_dir / "models")
    daemon.start()
    yield daemon
    daemon.stop()


@needs_mosquitto
def test_changing_the_model_again_and_again_loses_no_event_and_ends_none(watcher, broker):
    with Subscriber(broker.port, "videobert/square/event", session="witness") as subscriber:

        def heard() -> list[dict]:
            messages = map(json.loads, subscriber.payloads("videobert/square/event"))
            return list({message["seq"]: message for message in messages}.values())

        def crossed() -> bool:
            """Say whether an event began under one model and ended under the other."""
            begun = {one["id"]: one["model"] for one in heard() if one["type"] == "new"}
            return any(begun[one["id"]] != one["model"] for one in heard() if one["type"] == "end")

        changes, pairs = 0, 0
        while pairs < 2 or not crossed():
            ask(watcher, f"/api/v1/models/{1 - changes % 2}/use", "POST")
            changes += 1
            pairs = sum(one["type"] == "end" for one in heard())
            assert changes < 1000
        events = heard()
    assert changes >= 10
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert {one["label"] for one in events} == {"presence in all"}
    assert {one["model"] for one in events} == {OWN, LOCAL}
    begun, ended = ([one["id"] for one in events if one["type"] == kind] for kind in ("new", "end"))
    assert ended == begun[: len(ended)]
    assert watcher.camera_up("square") == 1
