"""The page and the endpoints, asked as a browser, Prometheus or a stranger would."""

import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from daemon.access.accounts import Accounts
from daemon.access.guard import Policy
from daemon.archive_reader import ArchivePage
from daemon.config import HttpTable
from daemon.event_log import LoggedEvent
from daemon.feedback import FeedbackCommand, FeedbackError, UnknownEventError
from daemon.pages import duration_text, latest_by_event, rarity
from daemon.payloads import EventMessage, FeedbackMessage
from daemon.views import CameraView, SystemView
from daemon.web import Door, create_app
from pipeline.errors import SettingsError
from pipeline.feedback import Verdict
from pipeline.metrics import Metrics
from pipeline.types import CameraStatus
from tests.fakes import ManualClock

EVENT_ID = "00cpd7gq3g0123456789abc"
PORCH = CameraView(
    name="porch",
    description="front <door>",
    source="rtsp://***@192.0.2.7/x",
    status=CameraStatus.ONLINE,
    reason="",
    anomaly_score=0.25,
    calibration_ratio=0.5,
    budget_per_day=1.0,
    budget_used_ratio=0.0,
    expected_per_day=1.2,
    actual_per_day=0.5,
    motion=False,
    behaviour=None,
    active_events=(),
)
SYSTEM = SystemView(
    version="0.1.0",
    model="videobert-small",
    runtime="onnxruntime int8 cpu",
    uptime_s=75.0,
    broker="connected to 127.0.0.1:1883",
    broker_problem="",
    storage_problem="",
    outbox_pending=0,
)


# Nobody is asked who they are, so no account is ever looked up.
EVERYBODY_IN = Door(Accounts(Path("nowhere"), ManualClock()), Policy(asks=False), ManualClock())


@dataclass
class FakeArchive:
    """An archive that a test fills with a page; it keeps what it was asked."""

    past: ArchivePage = field(default_factory=lambda: ArchivePage((), None))
    asked: list = field(default_factory=list)

    def page(self, which):
        self.asked.append(which)
        return self.past

    def messages(self, event_id):
        return tuple(event for event in self.past.events if event.id == event_id)

    def camera_of(self, event_id):
        return next((event.camera for event in self.past.events if event.id == event_id), None)

    def labels(self, cameras=None):
        return ("fall", "unusual") if cameras is None else ("fall",)


@dataclass
class FakeBackstage:
    """Shows what a test puts into it."""

    all_cameras: tuple = (PORCH,)
    own: SystemView = SYSTEM
    log: tuple = ()
    reloads: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    clips: dict = field(default_factory=dict)
    archive: FakeArchive = field(default_factory=FakeArchive)

    def cameras(self):
        return self.all_cameras

    def system(self):
        return self.own

    def events(self, which, *, after, limit):
        self.asked.append((which, after, limit))
        return tuple(entry for entry in self.log if entry.seq > after)[:limit]

    def newest_events(self, which, *, limit):
        return tuple(e for e in self.log if which.cameras is None or e.camera in which.cameras)[-limit:]

    def clip(self, event_id):
        return self.clips.get(event_id)

    def snapshot(self, event_id):
        return b"jpeg" if event_id == EVENT_ID else None

    def picture(self, camera):
        return b"jpeg" if camera == "porch" else None

    def request_reload(self):
        self.reloads.append(1)

    def give_feedback(self, command):
        if command.event != EVENT_ID:
            raise UnknownEventError("no such event")
        if command.verdict is Verdict.WAS_AN_ALARM:
            raise FeedbackError("the disk does not take it")
        self.asked.append(command)
        return FeedbackMessage(event=command.event, verdict=command.verdict, by=command.by)

    def turn(self, camera, switch, text):
        if text == "lots":
            raise SettingsError("budget is a number")
        self.asked.append((camera, switch, text))


def logged(seq, event_id=EVENT_ID, **changes):
    """Return one line of the event log."""
    fields = {
        "id": event_id,
        "seq": seq,
        "camera": "porch",
        "type": "new",
        "kind": "anomaly",
        "label": "unusual",
        "score": 0.9,
        "severity": "alert",
        "start_utc": "2026-11-22T10:00:00.000Z",
        "explanation": "moves <faster> than usual",
    }
    message = EventMessage.model_validate({**fields, **changes})
    return LoggedEvent(seq, "porch", message.to_json(), pending=False)


@pytest.fixture
def backstage():
    return FakeBackstage(log=(logged(1), logged(2, type="update"), logged(3, type="end")))


@pytest.fixture
def client(backstage):
    registry = CollectorRegistry()
    Metrics(registry).camera_up.labels("porch").set(1)
    app = create_app(backstage, registry, HttpTable(), door=EVERYBODY_IN)
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        yield client


def test_the_page_shows_cameras_and_events_without_a_script(client):
    page = client.get("/").text
    assert 'data-name="porch"' in page
    assert "moves &lt;faster&gt; than usual" in page
    assert "front &lt;door&gt;" in page


def test_the_page_knows_the_last_seq_so_that_nothing_is_missed(client):
    assert 'data-last-seq="3"' in client.get("/").text


def test_an_event_is_one_row_however_many_messages_it_has(client):
    assert client.get("/").text.count(f'data-id="{EVENT_ID}"') == 1


def test_the_page_says_what_to_do_without_cameras(backstage, client):
    backstage.all_cameras = ()
    assert 'class="empty" >No camera yet' in client.get("/").text


def test_the_page_asks_no_other_host_and_has_no_inline_script(client):
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert "<script src=" in page
    assert page.count("<script") == 1
    assert "style=" not in page


def past(*events, older=None):
    return ArchivePage(tuple(EventMessage.model_validate_json(logged(*e).payload) for e in events), older)


def test_past_events_are_shown_with_a_link_to_older_ones_that_keeps_the_filter(client, backstage):
    backstage.archive.past = past((1,), older=7)
    page = client.get("/events?camera=porch&since=2026-11-01").text
    assert f'href="/events/{EVENT_ID}"' in page
    assert 'href="/events?camera=porch&amp;since=2026-11-01&amp;before=7"' in page
    assert backstage.archive.asked[0].camera == "porch"


def test_a_filter_stands_in_the_form_escaped(client):
    page = client.get("/events?label=%3Cb%3E").text
    assert "<option selected>&lt;b&gt;</option>" in page
    assert "No event matches." in page


def test_a_filter_that_cannot_be_used_is_refused_in_one_sentence(client):
    answer = client.get("/events?since=now")
    assert (answer.status_code, answer.json()) == (400, {"error": "since must be a day such as 2026-11-24"})


def test_the_page_of_an_event_shows_its_video_and_its_course(client, backstage, tmp_path):
    backstage.archive.past = past((1,))
    backstage.clips[EVENT_ID] = tmp_path
    page = client.get(f"/events/{EVENT_ID}").text
    assert f'src="/clips/{EVENT_ID}.mp4" poster="/snapshots/{EVENT_ID}.jpg"' in page
    assert page.count("moves &lt;faster&gt; than usual") == 2  # what was said of it, and its course


def test_the_page_of_an_event_without_a_video_shows_its_picture(client, backstage):
    backstage.archive.past = past((1,))
    page = client.get(f"/events/{EVENT_ID}").text
    assert "<video" not in page
    assert f'<img class="whole" src="/snapshots/{EVENT_ID}.jpg"' in page


@pytest.mark.parametrize("event_id", ["nobody", "..%2f..%2fetc", "x" * 5000])
def test_an_event_that_is_not_known_has_no_page(client, event_id):
    assert client.get(f"/events/{event_id}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/api/cameras", "/nowhere", "/static/page.js", "/metrics"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"


def test_events_after_a_seq_come_as_they_were_published(client):
    answer = client.get("/api/events?after=1").json()
    assert (answer["last_seq"], [event["seq"] for event in answer["events"]]) == (3, [2, 3])
    assert answer["events"][0]["schema"] == 1


def test_without_after_the_newest_events_come(client):
    answer = client.get("/api/events?limit=2").json()
    assert [event["seq"] for event in answer["events"]] == [2, 3]


def test_nothing_new_keeps_the_seq(client):
    assert client.get("/api/events?after=3").json() == {"last_seq": 3, "events": []}


def test_filters_reach_the_log(client, backstage):
    client.get("/api/events?after=0&camera=porch&kind=anomaly&limit=7")
    which, after, limit = backstage.asked[0]
    assert (which.camera, which.kind, after, limit) == ("porch", "anomaly", 0, 7)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("after=-1", "after must be a whole number from 0 to 9223372036854775807"),
        ("after=x", "after must be a whole number from 0 to 9223372036854775807"),
        ("after=99999999999999999999", "after must be a whole number from 0 to 9223372036854775807"),
        ("limit=0", "limit must be a whole number from 1 to 500"),
        ("limit=501", "limit must be a whole number from 1 to 500"),
        ("kind=ufo", "kind must be one of anomaly, behaviour, camera"),
        ("before=1", "unknown parameter 'before'; there are after, limit, camera, kind, label, id"),
    ],
)
def test_a_bad_query_is_answered_by_400_and_a_sentence(client, query, sentence):
    answer = client.get(f"/api/events?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_cameras_are_given_as_json(client):
    (camera,) = client.get("/api/cameras").json()["cameras"]
    assert (camera["name"], camera["status"], camera["calibration_ratio"]) == ("porch", "online", 0.5)


def test_an_event_picture_is_served(client):
    answer = client.get(f"/snapshots/{EVENT_ID}.jpg")
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")


def test_an_event_video_is_served_in_the_parts_that_a_player_asks_for(client, backstage, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"0123456789")
    backstage.clips[EVENT_ID] = tmp_path / "clip.mp4"
    whole = client.get(f"/clips/{EVENT_ID}.mp4")
    part = client.get(f"/clips/{EVENT_ID}.mp4", headers={"range": "bytes=2-4"})
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "video/mp4")
    assert (part.status_code, part.content) == (206, b"234")


def test_a_video_that_is_not_there_says_why_it_may_not_be(client):
    answer = client.get(f"/clips/{EVENT_ID}.mp4")
    assert (answer.status_code, "written when it ends" in answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "../../config", "x" * 23, "%00", EVENT_ID.upper()]
)
def test_a_picture_name_is_an_event_id_and_never_a_path(client, name):
    assert client.get(f"/snapshots/{name}.jpg").status_code == 404


@pytest.mark.parametrize("path", ["/static/../config.py", "/static/%2e%2e/config.py", "/static/..%2fweb.py"])
def test_static_files_end_at_their_folder(client, path):
    assert client.get(path).status_code == 404


def test_the_newest_picture_of_a_camera_is_never_cached(client):
    assert client.get("/cameras/porch.jpg").headers["cache-control"] == "no-store"
    assert client.get("/cameras/attic.jpg").status_code == 404


def test_healthz_says_that_the_process_lives(client):
    assert client.get("/healthz").json() == {"alive": True}


def test_readyz_is_200_when_all_is_well(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})


def test_readyz_is_503_and_names_what_is_missing(client, backstage):
    attic = replace(PORCH, name="attic", status=CameraStatus.OFFLINE, reason="nothing answers")
    shed = replace(PORCH, name="shed", status=CameraStatus.DISABLED)
    backstage.all_cameras = (PORCH, attic, shed)
    backstage.own = replace(SYSTEM, broker_problem="refused: bad user name or password")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {
        "broker": "refused: bad user name or password",
        "cameras.attic": "offline: nothing answers",
    }


def test_reload_is_asked_for_by_our_own_page(client, backstage):
    assert client.post("/api/reload", headers={"x-videobertd": "1"}).status_code == 202
    assert len(backstage.reloads) == 1


def test_reload_is_refused_to_a_form_on_another_site(client, backstage):
    assert client.post("/api/reload").status_code == 403
    assert client.get("/api/reload").status_code == 405
    assert backstage.reloads == []


OWN = {"x-videobertd": "1"}
DISMISS = f"/api/events/{EVENT_ID}/feedback?verdict=not_an_alarm"


def test_feedback_is_taken_from_our_own_page(client, backstage):
    answer = client.post(f"{DISMISS}&by=anna", headers=OWN)
    assert (answer.status_code, answer.json()["verdict"], answer.json()["by"]) == (
        200,
        "not_an_alarm",
        "anna",
    )
    assert backstage.asked == [
        FeedbackCommand(event=EVENT_ID, verdict=Verdict.NOT_AN_ALARM, by="anna"),
    ]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/events/gone/feedback?verdict=not_an_alarm", 404, "no such event"),
        (f"/api/events/{EVENT_ID}/feedback?verdict=was_an_alarm", 409, "the disk does not take it"),
        (f"/api/events/{EVENT_ID}/feedback?verdict=maybe", 400, "verdict: "),
        (f"/api/events/{EVENT_ID}/feedback", 400, "verdict: Field required"),
        (f"{DISMISS}&event=other", 400, "event is given by the path alone"),
        (f"{DISMISS}&colour=red", 400, "colour: "),
        ("/api/cameras/porch/budget?value=lots", 400, "budget is a number"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_sentence(client, backstage, path, status, error):
    answer = client.post(path, headers=OWN)
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (status, error)
    assert backstage.asked == []


@pytest.mark.parametrize("path", [DISMISS, "/api/cameras/porch/budget?value=2"])
def test_nothing_is_changed_by_a_form_on_another_site(client, backstage, path):
    assert client.post(path).status_code == 403
    assert client.get(path, headers=OWN).status_code == 405
    assert backstage.asked == []


def test_a_switch_is_turned_from_our_own_page(client, backstage):
    assert client.post("/api/cameras/porch/budget?value=0.5", headers=OWN).status_code == 200
    assert backstage.asked == [("porch", "budget", "0.5")]


def test_the_page_tells_the_rates_and_lets_the_budget_be_set(client):
    text = client.get("/").text
    assert "a day: 1.2 expected, 0.5 in the last week" in text
    assert 'class="budget" type="number" min="0.1" max="100" step="0.1" value="1.0"' in text


def test_a_foreign_host_name_is_refused_on_loopback(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400


def test_the_public_host_name_is_accepted_on_loopback(backstage):
    http = HttpTable(public_url="https://cctv.example/")
    with TestClient(
        create_app(backstage, CollectorRegistry(), http, door=EVERYBODY_IN), base_url="http://cctv.example"
    ) as client:
        assert client.get("/healthz").status_code == 200


def test_any_host_name_is_accepted_where_the_network_is_let_in(backstage):
    app = create_app(backstage, CollectorRegistry(), HttpTable(host="0.0.0.0"), door=EVERYBODY_IN)
    with TestClient(app, base_url="http://nas.lan:8080") as client:
        assert client.get("/healthz").status_code == 200


def test_metrics_are_given_in_the_prometheus_text_format(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'videobert_camera_up{camera="porch"} 1.0' in answer.text


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_wrong_with_the_metrics(client):
    text = client.get("/metrics").text
    command = ["promtool", "check", "metrics"]
    result = subprocess.run(command, check=False, input=text, text=True, capture_output=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_event_that_began_last_stands_first():
    later = logged(2, "1" * 23, start_utc="2026-11-22T10:00:01.000Z")
    rows = latest_by_event([logged(1), later, logged(3, type="end")])
    assert [(row.id[0], row.type) for row in rows] == [("1", "new"), ("0", "end")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (4.2, "4 s"), (75, "1 min 15 s"), (3700, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("p_value", "words"),
    [
        (0.01, "· once in 100 normal minutes"),
        (0.001, "· once in 1000 normal minutes"),
        (1e-8, "· less than once in 1000 normal minutes"),
        (None, ""),
    ],
)
def test_an_extrapolated_p_value_is_not_taken_at_its_word(p_value, words):
    assert rarity(EventMessage.model_validate_json(logged(1, p_value=p_value).payload)) == words
