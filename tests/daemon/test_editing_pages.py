"""A camera's settings over HTTP: who sees them, who changes them, and what each mistake is answered."""

from dataclasses import replace

import pytest

from daemon.access.rights import Account, Role
from daemon.config_errors import Problem
from daemon.editing.form import RefusedEditError, StaleEditError
from daemon.editing.words import rule_words
from pipeline.errors import SettingsError
from tests.backstages import PORCH_SETTINGS, FakeBackstage
from tests.visitors import people_of, visitor

API = "/api/v1/cameras/porch/settings"
PAGE = "/cameras/porch"
OURS = {"x-videobertd": "1", "if-match": '"r1"'}
FORM = {"revision": "r1", "budget_per_day": "2.5", "clips": "off"}


@pytest.fixture
def backstage():
    return FakeBackstage()


@pytest.fixture
def client(backstage):
    return visitor(backstage)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return one of each role, an admin of another camera, and one of this camera alone."""
    return people_of(
        tmp_path_factory.mktemp("accounts"),
        Account("ada", Role.ADMIN),
        Account("olga", Role.OPERATOR),
        Account("vera", Role.VIEWER),
        Account("yuri", Role.ADMIN, frozenset({"yard"})),
        Account("pete", Role.ADMIN, frozenset({"porch"})),
    )


@pytest.fixture
def enter(backstage, people):
    """Return what lets somebody in."""
    return lambda name: people.visitor(backstage, name)


def put(client, edit=None, headers=OURS):
    return client.put(API, json={"clips": False} if edit is None else edit, headers=headers)


def test_settings_come_with_the_revision_that_a_change_must_name(client):
    answer = client.get(API)
    assert answer.headers["etag"] == '"r1"'
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["camera"], body["in_use"], body["source"]) == ("porch", True, "rtsp://***@192.0.2.7/x")
    assert body["settings"]["rules"][0]["begin"] == "21:00:00"


def test_a_change_is_passed_on_and_answered_with_the_next_revision(client, backstage):
    answer = put(client, {"budget_per_day": 2})
    assert (answer.status_code, answer.headers["etag"], answer.json()["in_use"]) == (200, '"r2"', False)
    assert backstage.settings.asked == [("porch", {"budget_per_day": 2}, "everybody")]


def test_an_etag_that_a_proxy_weakened_is_still_the_same(client):
    assert put(client, headers={**OURS, "if-match": 'W/"r1"'}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": '"r1"'}, 403),
        ({"x-videobertd": "1"}, 428),
        ({**OURS, "if-match": '"r0"'}, 412),
        ({**OURS, "if-match": "*"}, 400),
        ({**OURS, "content-type": "text/plain"}, 415),
        ({**OURS, "content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_a_change_without_what_it_needs_is_refused(client, backstage, headers, status):
    answer = put(client, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert backstage.settings.asked == []


def send(client, body, **headers):
    return client.put(API, content=body, headers={**OURS, "content-type": "application/json", **headers})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b'{"clips": NaN}', 400),
        (b"[" * 60_000, 400),
        (b'{"x": "\xff"}', 400),
        (b" " * 65_537, 413),
        (b" " * 10_000_000, 413),
    ],
)
def test_a_body_that_is_none_is_refused(client, backstage, body, status):
    assert send(client, body).status_code == status
    assert backstage.settings.asked == []


def test_a_body_that_does_not_say_how_long_it_is_is_not_read(client):
    assert send(client, iter([b"{}"])).status_code == 411


def test_a_refusal_names_each_field_once(client, backstage):
    problems = (Problem(("zones", "pool", "polygon"), "crosses"), Problem((), "all"), Problem((), "more"))
    backstage.settings.failure = RefusedEditError(problems)
    answer = put(client)
    assert answer.status_code == 422
    assert answer.json()["problems"] == {"zones.pool.polygon": "crosses", "": "all"}


def test_a_file_that_cannot_be_written_is_a_conflict(client, backstage):
    backstage.settings.failure = SettingsError("the settings file cannot be changed: the disk is full")
    answer = put(client)
    assert (answer.status_code, answer.json()["error"]) == (409, str(backstage.settings.failure))


@pytest.mark.parametrize(("name", "status"), [("ada", 200), ("pete", 200), ("olga", 403), ("vera", 403)])
def test_only_admins_change_settings(enter, backstage, name, status):
    client = enter(name)
    assert (put(client).status_code, client.post(PAGE, data=FORM).status_code // 100) == (
        status,
        4 if status > 400 else 3,
    )
    assert {by for *_, by in backstage.settings.asked} == ({name} if status == 200 else set())


@pytest.mark.parametrize("name", ["ada", "olga", "vera"])
def test_whoever_sees_the_camera_sees_its_settings(enter, name):
    client = enter(name)
    assert (client.get(API).status_code, client.get(PAGE).status_code) == (200, 200)


def test_of_another_s_camera_the_settings_are_not_there(enter, backstage):
    client = enter("yuri")
    for answer in (client.get(API), client.get(PAGE), put(client), client.post(PAGE, data=FORM)):
        assert answer.status_code == 404
        assert answer.json() == {"error": "no camera is named 'porch'"}
    assert backstage.settings.asked == []


def test_a_stranger_sees_no_settings(enter):
    client = enter(None)
    assert [
        client.get(API).status_code,
        put(client).status_code,
        client.post(PAGE, data=FORM).status_code,
    ] == [401] * 3
    assert (
        client.get(PAGE, headers={"accept": "text/html"}).headers["location"] == "/login?next=/cameras/porch"
    )


def test_the_page_shows_zones_rules_and_settings_without_a_script(client):
    page = client.get(PAGE).text
    assert 'points="0.1,0.5 0.4,0.5 0.4,0.9 "' in page
    assert "Whatever moves in pool is an alert, from 21:00 to 07:00." in page
    assert 'name="description" value="front &lt;door&gt;"' in page
    assert 'name="revision" value="r1"' in page


def test_the_page_asks_no_other_host_and_has_no_inline_script(client):
    page = client.get(PAGE).text
    assert page.count("<script") == 1
    assert [word for word in ("http://", "https://", "style=", "onclick") if word in page] == []


@pytest.mark.parametrize("name", ["olga", "vera"])
def test_who_may_not_change_settings_is_shown_no_control_for_it(enter, name):
    page = enter(name).get(PAGE).text
    assert f"{name} may look at them; an admin may change them." in page
    assert [word for word in ("<button", "<template", "data-editable") if word in page] == []
    assert page.count("<input") == page.count("disabled>") + 1  # the revision


def test_what_comes_from_the_environment_is_named_and_cannot_be_changed(client, backstage):
    backstage.settings.shown = replace(PORCH_SETTINGS, locked={"clips": "VIDEOBERTD_CAMERAS__PORCH__CLIPS"})
    page = client.get(PAGE).text
    assert "from the environment: VIDEOBERTD_CAMERAS__PORCH__CLIPS" in page
    assert 'name="clips" checked disabled' in page


def test_what_was_turned_is_told_beside_what_the_file_says(client, backstage):
    backstage.settings.shown = replace(PORCH_SETTINGS, in_file={"anomaly": False})
    assert "turned while it ran; the file says false" in client.get(PAGE).text


def test_a_file_that_cannot_be_changed_has_no_controls_but_a_reason(client, backstage):
    backstage.settings.shown = replace(PORCH_SETTINGS, obstacle="it lies on a read-only file system")
    page = client.get(PAGE).text
    assert "It lies on a read-only file system." in page
    assert "<button" not in page


def test_the_form_is_taken_without_a_script(client, backstage):
    answer = client.post(PAGE, data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cameras/porch?saved")
    assert backstage.settings.asked == [("porch", {"budget_per_day": "2.5", "clips": "off"}, "everybody")]
    assert ">Saved.</p>" in client.get("/cameras/porch?saved").text


def test_of_a_box_that_is_ticked_the_last_word_counts(client, backstage):
    body = "revision=r1&clips=off&clips=on"
    client.post(PAGE, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert backstage.settings.asked == [("porch", {"clips": "on"}, "everybody")]


def test_a_form_with_a_mistake_comes_back_as_it_was_filled_in(client, backstage):
    backstage.settings.failure = RefusedEditError((Problem(("budget_per_day",), "too many"),))
    answer = client.post(PAGE, data={**FORM, "budget_per_day": "1000"})
    assert answer.status_code == 422
    assert 'name="budget_per_day" value="1000"' in answer.text
    assert 'data-problem-of="budget_per_day" role="alert">too many</small>' in answer.text


@pytest.mark.parametrize(
    ("failure", "status", "shown"),
    [
        (StaleEditError("somebody was faster"), 412, 'value="1.0"'),
        (SettingsError("the disk is full"), 409, 'value="2.5"'),
    ],
)
def test_a_form_that_cannot_be_taken_says_why(client, backstage, failure, status, shown):
    backstage.settings.failure = failure
    answer = client.post(PAGE, data=FORM)
    assert answer.status_code == status
    assert f'role="alert">{failure}</p>' in answer.text
    assert f'name="budget_per_day" {shown}' in answer.text


def test_a_form_of_another_site_is_refused(client, backstage):
    assert client.post(PAGE, data=FORM, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post(PAGE, data={**FORM, "description": "x" * 70_000}).status_code == 413
    assert backstage.settings.asked == []


RULE = PORCH_SETTINGS.settings["rules"][0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Whatever moves in pool is an alert, from 21:00 to 07:00."),
        ({"do": "ignore", "end": "21:00:00"}, "All events in pool are told to nobody."),
        (
            {"do": "raise", "zone": "", "kinds": ["anomaly"], "severity": "warning", "days": ["sat", "sun"]},
            "Anomaly events are told as a warning, from 21:00 to 07:00, on sat, sun.",
        ),
        (
            {"do": "ignore", "labels": ["fall", "fight"]},
            "All events called fall or fight in pool are told to nobody, from 21:00 to 07:00.",
        ),
    ],
)
def test_a_rule_is_told_in_a_sentence(changes, words):
    assert rule_words({**RULE, **changes}) == words


@pytest.mark.parametrize(
    ("path", "methods"),
    [(API, "GET, HEAD, PUT"), (PAGE, "GET, HEAD, POST"), ("/cameras/porch.jpg", "GET, HEAD")],
)
def test_an_address_says_all_methods_that_it_takes(client, path, methods):
    answer = client.patch(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, methods)


@pytest.mark.parametrize(
    "edit", [{"budget_per_day": "2"}, {"budget_per_day": True}, {"clips": "on"}, {"clips": 1}, {"rules": {}}]
)
def test_json_has_the_types_of_the_settings(client, backstage, edit):
    answer = put(client, edit)
    assert (answer.status_code, list(answer.json()["problems"])) == (422, list(edit))
    assert backstage.settings.asked == []


def test_json_says_everything_that_a_view_has(client, backstage):
    assert put(client, dict(PORCH_SETTINGS.settings)).status_code == 200
