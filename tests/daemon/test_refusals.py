"""What is answered to requests that cannot be met: a sentence, in JSON for programs, on a page for people."""

import socket
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from daemon.body_limit import MAX_BODY_BYTES
from daemon.config import HttpTable
from daemon.web import create_app
from tests.backstages import EVENT_ID, EVERYBODY_IN, FakeBackstage
from tests.visitors import served, visitor

PAGE = {"accept": "text/html,application/xhtml+xml"}


class BrokenBackstage(FakeBackstage):
    """A backstage with a fault."""

    def system(self):
        raise KeyError("secret")


def app_of(backstage):
    return create_app(backstage, CollectorRegistry(), HttpTable(), door=EVERYBODY_IN)


@pytest.fixture
def client():
    return visitor(FakeBackstage())


@pytest.fixture
def port():
    """Serve the application as the daemon does, and give the port."""
    with served(app_of(FakeBackstage())) as url:
        yield urlsplit(url).port


def exchange(port: int, request: bytes) -> str:
    """Send bytes as they are; return the answer, which ends with the connection, however that ends."""
    parts = []
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        suppress(ConnectionError),
    ):
        connection.sendall(request)
        parts.extend(iter(lambda: connection.recv(65536), b""))
    return b"".join(parts).decode()


def test_people_are_told_on_a_page_and_programs_in_json(client):
    page, told = client.get("/nowhere", headers=PAGE), client.get("/nowhere")
    assert (page.status_code, told.status_code) == (404, 404)
    assert "There is nothing at this address." in page.text
    assert told.json() == {"error": "there is nothing at this address"}


def test_the_api_answers_json_whoever_asks(client):
    assert client.get("/api/v1/nowhere", headers=PAGE).json() == {"error": "there is nothing at this address"}


def test_what_a_request_says_is_text_on_the_page(client):
    page = client.get("/events?kind=<script>", headers=PAGE)
    assert (page.status_code, "<script>" in page.text) == (400, False)


def test_a_refusal_is_kept_nowhere(client):
    assert client.get(f"/clips/{EVENT_ID}.mp4").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v1/events", {"GET", "HEAD"}),
        ("GET", "/api/v1/reload", {"POST"}),
        ("PUT", "/api/v1/retrain", {"POST", "DELETE"}),
        ("TRACE", "/", {"GET", "HEAD"}),
        ("PUT", "/login", {"GET", "HEAD", "POST"}),
    ],
)
def test_another_method_is_refused_with_those_that_are_taken(client, method, path, allowed):
    answer = client.request(method, path)
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, allowed)
    assert answer.json() == {"error": "this address does not take that method"}


def test_head_is_answered_like_get_without_the_body(client):
    answer = client.head("/api/v1/cameras")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("headers", [{}, PAGE], ids=["program", "browser"])
def test_a_fault_of_ours_tells_nothing_of_itself(headers):
    client = TestClient(
        app_of(BrokenBackstage()), base_url="http://127.0.0.1:8080", raise_server_exceptions=False
    )
    answer = client.get("/" if headers else "/api/v1/system", headers=headers)
    assert (answer.status_code, "secret" in answer.text) == (500, False)
    assert "fault of videobertd" in answer.text


@pytest.mark.parametrize("query", ["%00", "%ff%fe", "%F0%9F%92%A9", "a" * 4000, "%0d%0aset-cookie:x"])
@pytest.mark.parametrize("name", ["camera", "kind", "label", "id", "after", "%ff"])
def test_odd_bytes_in_a_query_are_an_answer_or_a_sentence(client, name, query):
    answer = client.get(f"/api/v1/events?{name}={query}")
    assert answer.status_code in (200, 400)
    assert set(answer.json()) in ({"last_seq", "events"}, {"error"})


@pytest.mark.parametrize("path", ["/api/v1/cameras/%00/budget", "/api/v1/cameras/..%2f..%2fetc/budget"])
def test_odd_names_in_a_path_are_not_found(client, path):
    answer = client.post(f"{path}?value=1", headers={"x-videobertd": "1"})
    assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.parametrize("header", ["", "bytes", "bytes=5-2", "bytes=0-1,3-4", "bytes=-", "lines=1-2"])
def test_what_is_no_range_of_a_video_is_refused(client_with_clip, header):
    answer = client_with_clip.get(f"/clips/{EVENT_ID}.mp4", headers={"range": header})
    assert (answer.status_code, answer.json()) == (400, {"error": "a range is like bytes=0-1023"})


def test_a_range_behind_the_end_is_refused_with_the_size(client_with_clip):
    answer = client_with_clip.get(f"/clips/{EVENT_ID}.mp4", headers={"range": "bytes=10-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */10")


def test_the_last_bytes_of_a_video_are_given(client_with_clip):
    answer = client_with_clip.get(f"/clips/{EVENT_ID}.mp4", headers={"range": "bytes=-3"})
    assert (answer.status_code, answer.content) == (206, b"789")


@pytest.fixture
def client_with_clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"0123456789")
    backstage = replace(FakeBackstage(), clips={EVENT_ID: path})
    return visitor(backstage)


def test_ten_megabytes_are_refused_before_they_are_read(port):
    head = b"POST /login HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10000000\r\n\r\n"
    answer = exchange(port, head)  # nothing of the body is ever sent
    assert answer.startswith("HTTP/1.1 413 ")
    assert f"at most {MAX_BODY_BYTES} bytes" in answer


def test_a_body_of_unknown_length_is_refused(port):
    head = b"POST /api/v1/reload HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    assert exchange(port, head).startswith("HTTP/1.1 411 ")


@pytest.mark.parametrize(("size", "is_read"), [(60_000, True), (1_000_000, False)])
def test_headers_are_read_as_far_as_64_kib(port, size, is_read):
    head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: "
    answer = exchange(port, head + size * b"a" + b"\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 ") is is_read


def test_a_body_of_the_largest_size_passes(client):
    answer = client.post("/api/v1/reload", headers={"x-videobertd": "1"}, content=MAX_BODY_BYTES * b"a")
    assert answer.status_code == 202
    assert client.post("/api/v1/reload", content=(MAX_BODY_BYTES + 1) * b"a").status_code == 413
