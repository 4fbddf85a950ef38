"""The pages, complete without a script: cameras and newest events, past events, one event."""

import pytest

from daemon.archive_reader import ArchivePage
from daemon.pages import duration_text, latest_by_event, rarity, topmost
from daemon.payloads import EventMessage, RegionMessage
from daemon.snapshots import Layers, Part
from tests.backstages import EVENT_ID, FakeBackstage, logged, past
from tests.visitors import visitor


@pytest.fixture
def backstage():
    return FakeBackstage(log=(logged(1), logged(2, type="update"), logged(3, type="end")))


@pytest.fixture
def client(backstage):
    return visitor(backstage)


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


LAYERS = Layers(
    width_px=200,
    height_px=100,
    region=RegionMessage(x=0.25, y=0.5, width=0.125, height=0.25),
    zones={"street": ((0.1, 0.2), (0.9, 0.1), (0.5, 0.6))},
)


def test_the_page_of_an_event_lays_place_zones_and_heat_over_its_picture(client, backstage):
    backstage.archive.past = past((1, EVENT_ID))
    backstage.drawn, backstage.kept = LAYERS, {Part.PICTURE: b"plain", Part.HEAT: b"warm"}
    page = client.get(f"/events/{EVENT_ID}").text
    # On 200 x 100 pixels x = 0.25 is 50, y = 0.5 is 50, and so on.
    assert '<rect class="box" x="50.0" y="50.0" width="25.0" height="25.0"/>' in page
    assert 'points="20.0,20.0 180.0,10.0 100.0,60.0 "' in page
    assert f'<img class="heat" src="/snapshots/{EVENT_ID}/heat.png" alt="">' in page
    assert [name for name in ("place", "zones", "heat map") if f'off"> {name}</label>' in page] == [
        "place",
        "zones",
        "heat map",
    ]


def test_what_an_event_does_not_have_cannot_be_switched(client, backstage):
    backstage.archive.past = past((1, EVENT_ID))
    backstage.drawn = Layers(width_px=200, height_px=100)
    page = client.get(f"/events/{EVENT_ID}").text
    assert f'src="/snapshots/{EVENT_ID}.jpg" width="200" height="100"' in page
    assert "checkbox" not in page


def test_the_page_of_an_anomaly_shows_the_nearest_normal_moment_and_its_time(client, backstage):
    moment = "2026-11-22T09:03:00.000Z"
    event = EventMessage.model_validate_json(logged(1, nearest_normal_utc=moment).payload)
    backstage.archive.past = ArchivePage((event,), None)
    backstage.drawn, backstage.kept = LAYERS, {Part.PICTURE: b"plain", Part.NORMAL: b"calm"}
    page = client.get(f"/events/{EVENT_ID}").text
    assert f'src="/snapshots/{EVENT_ID}/normal.jpg"' in page
    assert f'<figcaption><time datetime="{moment}">' in page
    del backstage.kept[Part.NORMAL]
    assert "nearest normal" not in client.get(f"/events/{EVENT_ID}").text


def test_a_zone_s_name_stands_at_its_highest_corner():
    assert topmost(((0.1, 0.2), (0.9, 0.1), (0.5, 0.1))) == (0.5, 0.1)


@pytest.mark.parametrize("event_id", ["nobody", "..%2f..%2fetc", "x" * 5000])
def test_an_event_that_is_not_known_has_no_page(client, event_id):
    assert client.get(f"/events/{event_id}").status_code == 404


def test_the_page_tells_the_rates_and_lets_the_budget_be_set(client):
    text = client.get("/").text
    assert "a day: 1.2 expected, 0.5 in the last week" in text
    assert 'class="budget" type="number" min="0.1" max="100" step="0.1" value="1.0"' in text


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
