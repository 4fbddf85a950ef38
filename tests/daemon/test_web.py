"""The endpoints, asked as a browser, Prometheus or a stranger would."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from daemon.config import HttpTable
from daemon.feedback import FeedbackCommand
from daemon.web import create_app
from pipeline.feedback import Verdict
from pipeline.metrics import Metrics
from pipeline.types import CameraStatus
from tests.backstages import EVENT_ID, EVERYBODY_IN, PORCH, SYSTEM, FakeBackstage, logged
from tests.visitors import visitor


@pytest.fixture
def backstage():
    return FakeBackstage(log=(logged(1), logged(2, type="update"), logged(3, type="end")))


@pytest.fixture
def client(backstage):
    registry = CollectorRegistry()
    Metrics(registry).camera_up.labels("porch").set(1)
    return visitor(backstage, registry)


@pytest.mark.parametrize("path", ["/", "/api/v1/cameras", "/nowhere", "/static/page.js", "/metrics"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"


def test_events_after_a_seq_come_as_they_were_published(client):
    answer = client.get("/api/v1/events?after=1").json()
    assert (answer["last_seq"], [event["seq"] for event in answer["events"]]) == (3, [2, 3])
    assert answer["events"][0]["schema"] == 1


def test_without_after_the_newest_events_come(client):
    answer = client.get("/api/v1/events?limit=2").json()
    assert [event["seq"] for event in answer["events"]] == [2, 3]


def test_nothing_new_keeps_the_seq(client):
    assert client.get("/api/v1/events?after=3").json() == {"last_seq": 3, "events": []}


def test_filters_reach_the_log(client, backstage):
    client.get("/api/v1/events?after=0&camera=porch&kind=anomaly&limit=7")
    which, after, limit = backstage.asked[0]
    assert (which.camera, which.kind, after, limit) == ("porch", "anomaly", 0, 7)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("after=-1", "after must be a whole number"),
        ("after=x", "after must be a whole number"),
        ("after=9999999999999999999", "after must be at most 9223372036854775807"),
        ("limit=0", "limit must be at least 1"),
        ("limit=501", "limit must be at most 500"),
        ("kind=ufo", "kind must be one of 'anomaly', 'behaviour', 'camera'"),
        ("before=1", "unknown parameter 'before'; there are after, limit, camera, kind, label, id"),
    ],
)
def test_a_bad_query_is_answered_by_400_and_a_sentence(client, query, sentence):
    answer = client.get(f"/api/v1/events?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_cameras_are_given_as_json(client):
    (camera,) = client.get("/api/v1/cameras").json()["cameras"]
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
    assert client.post("/api/v1/reload", headers={"x-videobertd": "1"}).status_code == 202
    assert len(backstage.reloads) == 1


def test_reload_is_refused_to_a_form_on_another_site(client, backstage):
    assert client.post("/api/v1/reload").status_code == 403
    assert client.get("/api/v1/reload").status_code == 405
    assert backstage.reloads == []


OWN = {"x-videobertd": "1"}
DISMISS = f"/api/v1/events/{EVENT_ID}/feedback?verdict=not_an_alarm"


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
        ("/api/v1/events/gone/feedback?verdict=not_an_alarm", 404, "no such event"),
        (f"/api/v1/events/{EVENT_ID}/feedback?verdict=was_an_alarm", 409, "the disk does not take it"),
        (f"/api/v1/events/{EVENT_ID}/feedback?verdict=maybe", 400, "verdict must be one of "),
        (f"/api/v1/events/{EVENT_ID}/feedback", 400, "verdict is required"),
        (f"{DISMISS}&event=other", 400, "unknown parameter 'event'; there are verdict, by"),
        (f"{DISMISS}&colour=red", 400, "unknown parameter 'colour'"),
        (f"{DISMISS}&verdict=was_an_alarm", 400, "verdict is given 2 times"),
        (f"/api/v1/events/{65 * 'e'}/feedback?verdict=not_an_alarm", 404, "no event has so long an id"),
        ("/api/v1/cameras/porch/budget?value=lots", 400, "value must be a number"),
        ("/api/v1/cameras/porch/budget?value=nan", 400, "value must be "),
        ("/api/v1/cameras/porch/budget", 400, "value is required"),
        ("/api/v1/cameras/nowhere/budget?value=1", 404, "no camera is named 'nowhere'"),
        ("/api/v1/cameras/porch/lights?value=ON", 404, "no switch is named 'lights'"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_sentence(client, backstage, path, status, error):
    answer = client.post(path, headers=OWN)
    assert (answer.status_code, answer.json()["error"][: len(error)]) == (status, error)
    assert backstage.asked == []


@pytest.mark.parametrize("path", [DISMISS, "/api/v1/cameras/porch/budget?value=2"])
def test_nothing_is_changed_by_a_form_on_another_site(client, backstage, path):
    assert client.post(path).status_code == 403
    assert client.get(path, headers=OWN).status_code == 405
    assert backstage.asked == []


def test_a_switch_is_turned_from_our_own_page(client, backstage):
    assert client.post("/api/v1/cameras/porch/budget?value=0.5", headers=OWN).status_code == 200
    assert backstage.asked == [("porch", "budget", "0.5")]


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
