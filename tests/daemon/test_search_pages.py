"""Search over HTTP: who may find what, what is refused, and pages that need no script."""

from datetime import datetime

import pytest

from daemon.access.rights import Account, Role
from daemon.archive_reader import ArchivePage
from daemon.event_log import BegunFilter
from daemon.payloads import EventMessage
from daemon.search.desk import Alike, Hit, WordsFound
from tests.backstages import EVENT_ID, FakeBackstage, logged, past
from tests.visitors import people_of, visitor

OTHER_ID = "00cpd7gq3g0123456789abd"
SIMILAR = f"/api/v1/events/{EVENT_ID}/similar"


def message(event_id=OTHER_ID, **changes):
    return EventMessage.model_validate_json(logged(4, event_id, **changes).payload)


@pytest.fixture
def backstage():
    shown = FakeBackstage()
    shown.archive.past = past((1,))
    shown.search.alike = Alike((Hit(message(), 0.83),))
    shown.search.found = WordsFound(
        (message(),), Alike((Hit(message(), 0.5),)), "fight", "Trust <it> little."
    )
    return shown


@pytest.fixture
def client(backstage):
    return visitor(backstage)


def test_events_like_one_come_with_how_alike_they_are(client, backstage):
    answer = client.get(f"{SIMILAR}?limit=3&camera=yard&label=fall").json()
    assert [(hit["likeness"], hit["event"]["id"]) for hit in answer["hits"]] == [(0.83, OTHER_ID)]
    assert backstage.search.asked == [(EVENT_ID, BegunFilter(camera="yard", label="fall"), 3)]


def test_of_an_event_that_is_not_known_there_is_nothing_alike(client, backstage):
    backstage.search.alike = None
    assert client.get(SIMILAR).status_code == 404


def test_words_find_what_is_written_and_what_looks_like_it(client, backstage):
    answer = client.get("/api/v1/search?words=two men fight&since=2026-11-01").json()
    assert [event["id"] for event in answer["said"]] == [OTHER_ID]
    assert [hit["likeness"] for hit in answer["alike"]["hits"]] == [0.5]
    assert (answer["nearest"], answer["trust"]) == ("fight", "Trust <it> little.")
    ((text, which, limit),) = backstage.search.asked
    assert (text, limit) == ("two men fight", 10)
    assert which.since_utc_s == datetime(2026, 11, 1).astimezone().timestamp()  # where the daemon is


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/api/v1/search", "words is required"),
        ("/api/v1/search?words=", "words"),
        (f"/api/v1/search?words={'a' * 201}", "200"),
        ("/api/v1/search?words=a&limit=0", "limit"),
        ("/api/v1/search?words=a&limit=101", "limit"),
        ("/api/v1/search?words=a&limit=1e9", "whole number"),
        ("/search?words=a&before=3", "no further pages"),
        ("/api/v1/search?words=a&since=yesterday", "since"),
        ("/api/v1/search?words=a&sql=1", "unknown parameter"),
        (f"{SIMILAR}?words=a", "unknown parameter"),
        (f"{SIMILAR}?since=1700000000", "must be a day such as 2026-11-24"),
        (f"{SIMILAR}?since=2026-13-01", "since"),
        ("/search?words=a%00b", "printable"),
        ("/search?words=a&since=yesterday", "since must be a day"),
        (f"{SIMILAR}?limit=x", "whole number"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_sentence(client, address, words):
    answer = client.get(address)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_days_that_no_event_can_have_begun_on_are_those_nearest_to_them(client, backstage):
    assert client.get(f"{SIMILAR}?since=0001-01-01&until=9999-12-31").status_code == 200
    ((_, which, _),) = backstage.search.asked
    # 1971 began a year after 1970, 9000 ends thousands of years later, give or take a time zone.
    assert which.since_utc_s == pytest.approx(365 * 86400, abs=86400)
    assert which.until_utc_s > 200e9


def test_the_page_of_an_event_shows_what_is_like_it(client):
    page = client.get(f"/events/{EVENT_ID}").text
    assert "More like this" in page
    assert f'href="/events/{OTHER_ID}"' in page
    assert '<progress max="1" value="0.83">83 %</progress>' in page


def test_the_page_of_an_event_says_why_nothing_is_like_it(client, backstage):
    backstage.search.alike = Alike(remark="No clip of it.")
    assert "No clip of it." in client.get(f"/events/{EVENT_ID}").text
    backstage.search.alike = Alike()
    assert "Nothing like it was seen before." in client.get(f"/events/{EVENT_ID}").text


def test_the_archive_has_a_box_for_words(client):
    assert '<form id="search" action="/search"' in client.get("/events").text


def test_the_page_of_a_search_says_how_far_to_trust_it_and_keeps_what_was_asked(client):
    page = client.get("/search?words=<b>&camera=porch&since=2026-11-01").text
    assert "Trust &lt;it&gt; little." in page
    assert "something like “fight”" in page
    assert 'value="&lt;b&gt;"' in page
    assert "<option selected>porch</option>" in page
    assert 'value="2026-11-01"' in page
    assert page.count(f'data-id="{OTHER_ID}"') == 2


def test_without_words_the_page_is_the_form_alone_and_asks_nothing(client, backstage):
    assert "What is written of them" not in client.get("/search").text
    assert backstage.search.asked == []


def test_a_search_that_finds_nothing_says_so(client, backstage):
    backstage.search.found = WordsFound((), Alike(remark="None of these words is known."))
    page = client.get("/search?words=giraffe").text
    assert "No event has all these words." in page
    assert "None of these words is known." in page


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_of(tmp_path_factory.mktemp("accounts"), Account("guest", Role.VIEWER, frozenset({"porch"})))


@pytest.fixture
def porch_only(backstage, people):
    """Return a client of somebody with rights on the porch alone."""
    return people.visitor(backstage, "guest")


def test_an_example_of_another_camera_is_not_there_for_who_may_not_see_it(porch_only, backstage):
    assert porch_only.get(SIMILAR).status_code == 200
    backstage.archive.past = ArchivePage((message(EVENT_ID, camera="yard"),), None)
    assert porch_only.get(SIMILAR).status_code == 404
    assert porch_only.get(f"/events/{EVENT_ID}").status_code == 404


def test_only_events_of_ones_own_cameras_are_looked_for_whatever_is_asked(porch_only, backstage):
    porch_only.get(SIMILAR)
    porch_only.get(f"{SIMILAR}?camera=yard")
    porch_only.get("/api/v1/search?words=fall&camera=yard")
    porch_only.get("/search?words=fall")
    assert [which.cameras for _, which, _ in backstage.search.asked] == [("porch",)] * 4


@pytest.mark.parametrize("address", [SIMILAR, "/api/v1/search?words=a", "/search?words=a"])
def test_whoever_is_not_known_finds_nothing(backstage, people, address):
    assert people.visitor(backstage, None).get(address).status_code == 401
    assert backstage.search.asked == []
