"""What goes with a snapshot is served beside it, and an event of an earlier version still shows."""

import pytest

from daemon.snapshots import Part
from tests.backstages import EVENT_ID, FakeBackstage
from tests.visitors import visitor


@pytest.fixture
def backstage():
    return FakeBackstage(
        kept={Part.PICTURE: b"plain", Part.THUMBNAIL: b"small", Part.HEAT: b"warm", Part.NORMAL: b"calm"}
    )


@pytest.fixture
def client(backstage):
    return visitor(backstage)


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    [
        (f"/thumbnails/{EVENT_ID}.jpg", b"small", "image/jpeg"),
        (f"/snapshots/{EVENT_ID}/heat.png", b"warm", "image/png"),
        (f"/snapshots/{EVENT_ID}/normal.jpg", b"calm", "image/jpeg"),
    ],
)
def test_each_picture_is_served_for_who_asked_alone(client, path, content, media_type):
    answer = client.get(path)
    assert (answer.content, answer.headers["content-type"]) == (content, media_type)
    assert answer.headers["cache-control"].startswith("private")


def test_an_event_without_a_thumbnail_is_shown_by_its_picture(client, backstage):
    del backstage.kept[Part.THUMBNAIL]
    assert client.get(f"/thumbnails/{EVENT_ID}.jpg").content == b"plain"


@pytest.mark.parametrize("event_id", ["1" * 23, "..%2f..%2fetc", "%00"])
@pytest.mark.parametrize("path", ["/thumbnails/{}.jpg", "/snapshots/{}/heat.png", "/snapshots/{}/normal.jpg"])
def test_of_an_event_that_is_not_known_there_is_nothing(client, path, event_id):
    assert client.get(path.format(event_id)).status_code == 404


def test_an_event_without_heat_has_no_layer_of_it(client, backstage):
    del backstage.kept[Part.HEAT]
    answer = client.get(f"/snapshots/{EVENT_ID}/heat.png")
    assert (answer.status_code, answer.json()) == (404, {"error": "no such picture is kept of that event"})
