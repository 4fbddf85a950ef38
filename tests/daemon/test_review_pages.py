"""The review's addresses: who may label what, and what the page shows."""

import pytest

from daemon.access.rights import Account, Role
from daemon.review.labels import FILE_NAME
from tests.backstages import EVENT_ID, FakeArchive, FakeBackstage, FakeClips, past, review_desk
from tests.media import still_scene, write_video
from tests.visitors import people_of

OURS = {"x-videobertd": "1"}
LABEL = f"/api/v1/events/{EVENT_ID}/label"


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_of(
        tmp_path_factory.mktemp("accounts"),
        Account("olga", Role.OPERATOR),
        Account("vera", Role.VIEWER),
        Account("yuri", Role.OPERATOR, frozenset({"yard"})),
    )


@pytest.fixture
def backstage(tmp_path):
    archive = FakeArchive(past((1, EVENT_ID)))
    clips = FakeClips({EVENT_ID: write_video(tmp_path / "one.mp4", still_scene(20), fps=2)})
    return FakeBackstage(archive=archive, review=review_desk(tmp_path / "dataset", archive, clips=clips))


@pytest.fixture
def ask(people, backstage):
    """Ask as somebody: method, path, name."""

    def asked(method, path, name="olga", headers=OURS):
        return people.visitor(backstage, name).request(method, path, headers=headers)

    return asked


def test_an_operator_says_what_an_event_was_in_their_own_name(ask, backstage):
    answer = ask("POST", f"{LABEL}?task=fight&label=fight")
    assert (answer.status_code, answer.json()["by"], answer.json()["label"]) == (200, "olga", "fight")
    assert backstage.review.label_of(EVENT_ID).by == "olga"


def test_a_label_is_taken_back(ask, backstage):
    ask("POST", f"{LABEL}?task=fight&label=fight")
    assert ask("DELETE", LABEL).status_code == 200
    assert backstage.review.label_of(EVENT_ID) is None
    assert ask("DELETE", LABEL).status_code == 404


def test_a_viewer_may_look_and_say_nothing(ask, backstage):
    page = ask("GET", "/review", "vera")
    assert page.status_code == 200
    assert "<button" not in page.text
    assert ask("POST", f"{LABEL}?task=fight&label=fight", "vera").status_code == 403
    assert backstage.review.label_of(EVENT_ID) is None


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_of_another_camera_there_is_no_event_to_label(ask, backstage, method):
    ask("POST", f"{LABEL}?task=fight&label=fight")
    assert ask(method, f"{LABEL}?task=fight&label=normal", "yuri").status_code == 404
    assert backstage.review.label_of(EVENT_ID).label == "fight"


def test_the_review_of_some_cameras_has_no_trace_of_others(ask):
    ask("POST", f"{LABEL}?task=fight&label=fight")
    page = ask("GET", "/review", "yuri").text
    assert EVENT_ID not in page
    assert "Nothing has a label yet." in page
    assert "No event waits for a label" in page


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_without_our_header_nothing_is_changed(ask, backstage, method):
    ask("POST", f"{LABEL}?task=fight&label=fight")
    assert ask(method, f"{LABEL}?task=fight&label=normal", headers={}).status_code == 403
    assert backstage.review.label_of(EVENT_ID).label == "fight"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"{LABEL}?task=fight&label=sleep", 404, "there is no label 'sleep'"),
        (f"{LABEL}?task=fight&label=fight&by=eve", 400, "unknown parameter 'by'"),
        ("/api/v1/events/nothing/label?task=fight&label=fight", 404, "there is no event"),
    ],
)
def test_a_label_that_cannot_be_taken_says_why(ask, path, status, words):
    answer = ask("POST", path)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_the_page_shows_counts_labels_and_what_to_label_next(ask):
    assert f'data-id="{EVENT_ID}"' in ask("GET", "/review").text  # most worth a label
    ask("POST", f"{LABEL}?task=fight&label=normal")
    page = ask("GET", "/review").text
    assert "<td>fight</td><td>normal</td><td>1</td>" in page
    assert "no fight</a> at porch, taken for unusual" in page
    assert "No event waits for a label" in page


def test_the_event_page_shows_the_label_that_was_given(ask):
    assert "Remove the label" in ask("GET", f"/events/{EVENT_ID}").text
    ask("POST", f"{LABEL}?task=crash&label=crash")
    page = ask("GET", f"/events/{EVENT_ID}").text
    assert '<option data-task="crash" value="crash" selected>' in page
    assert "labelled by olga" in page


def test_a_damaged_file_of_labels_is_told_on_the_page(ask, tmp_path):
    ask("POST", f"{LABEL}?task=fight&label=fight")
    (tmp_path / "dataset" / FILE_NAME).write_text("{")
    assert "repair it, or move it away" in ask("GET", "/review").text
