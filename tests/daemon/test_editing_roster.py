"""Cameras that come and go over HTTP: who may, and what each mistake is answered."""

import pytest

from daemon.access.rights import Account, Role
from daemon.config_errors import Problem
from daemon.editing.form import RefusedEditError
from pipeline.errors import SettingsError
from tests.backstages import FakeBackstage
from tests.visitors import people_of, visitor

API = "/api/v1/cameras"
OURS = {"x-videobertd": "1", "if-match": '"r1"'}
POND = {"name": "pond", "url": "rtsp://user:pa55@192.0.2.8/x"}


@pytest.fixture
def backstage():
    return FakeBackstage()


@pytest.fixture
def client(backstage):
    return visitor(backstage)


def test_a_camera_is_added_by_a_program(client, backstage):
    answer = client.post(API, json=POND, headers=OURS)
    assert (answer.status_code, answer.json()["camera"]) == (201, "pond")
    assert backstage.settings.asked == [("pond", POND["url"], "everybody")]


def test_a_camera_is_added_by_the_form(client, backstage):
    answer = client.post("/cameras", data=POND)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cameras/pond")
    assert backstage.settings.asked == [("pond", POND["url"], "everybody")]


def test_a_form_with_a_mistake_comes_back_without_the_url(client, backstage):
    backstage.settings.failure = RefusedEditError((Problem(("url",), "cannot be used"),))
    answer = client.post("/cameras", data=POND)
    assert answer.status_code == 422
    assert '<small role="alert">cannot be used</small>' in answer.text
    assert 'name="name" value="pond"' in answer.text
    assert "pa55" not in answer.text


@pytest.mark.parametrize(("failure", "status"), [(SettingsError("full"), 409), (RefusedEditError(()), 422)])
def test_a_program_is_told_what_is_wrong(client, backstage, failure, status):
    backstage.settings.failure = failure
    assert client.post(API, json=POND, headers=OURS).status_code == status


@pytest.mark.parametrize(
    ("wish", "field"),
    [({"name": "a b", "url": "x"}, "name"), ({"name": "a"}, "url"), ({**POND, "x": 1}, "x")],
)
def test_a_wish_that_is_none_is_refused_by_its_field(client, backstage, wish, field):
    answer = client.post(API, json=wish, headers=OURS)
    assert (answer.status_code, list(answer.json()["problems"])) == (422, [field])
    assert backstage.settings.asked == []


def test_a_camera_is_removed_by_a_program_that_has_seen_it(client, backstage):
    assert client.delete(f"{API}/porch", headers={"x-videobertd": "1"}).status_code == 428
    assert client.delete(f"{API}/porch", headers={**OURS, "if-match": '"r0"'}).status_code == 412
    assert client.delete(f"{API}/porch", headers={"if-match": '"r1"'}).status_code == 403
    assert client.delete(f"{API}/yard", headers=OURS).status_code == 404
    assert backstage.settings.asked == []
    assert client.delete(f"{API}/porch", headers=OURS).json() == {"removed": "porch"}
    assert backstage.settings.asked == [("porch", "removed", "everybody")]


def test_a_camera_is_removed_by_a_form_only_where_that_is_meant(client, backstage):
    assert client.post("/cameras/porch/remove", data={"revision": "r1"}).status_code == 400
    assert backstage.settings.asked == []
    answer = client.post("/cameras/porch/remove", data={"revision": "r1", "sure": "on"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_another_site_s_form_neither_adds_nor_removes(client, backstage):
    evil = {"origin": "https://evil.example"}
    assert client.post("/cameras", data=POND, headers=evil).status_code == 403
    removal = {"revision": "r1", "sure": "on"}
    assert client.post("/cameras/porch/remove", data=removal, headers=evil).status_code == 403
    assert client.post(API, json=POND).status_code == 403
    assert backstage.settings.asked == []


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_of(
        tmp_path_factory.mktemp("accounts"),
        Account("vera", Role.VIEWER),
        Account("olga", Role.OPERATOR),
        Account("pete", Role.ADMIN, frozenset({"porch"})),
        Account("ada", Role.ADMIN),
    )


@pytest.mark.parametrize("name", ["vera", "olga", "pete"])
def test_only_admins_of_all_cameras_add_and_remove(people, backstage, name):
    client = people.visitor(backstage, name)
    answers = (
        client.get("/cameras"),
        client.post("/cameras", data=POND),
        client.post(API, json=POND, headers=OURS),
        client.post("/cameras/porch/remove", data={"revision": "r1", "sure": "on"}),
        client.delete(f"{API}/porch", headers=OURS),
    )
    assert [answer.status_code for answer in answers] == [403] * 5
    assert backstage.settings.asked == []
    assert "Add a camera" not in client.get("/").text
    assert "Remove this camera" not in client.get("/cameras/porch").text


def test_an_admin_of_all_cameras_is_shown_the_way(people, backstage):
    client = people.visitor(backstage, "ada")
    assert 'href="/cameras">Add a camera</a>' in client.get("/").text
    assert 'action="/cameras/porch/remove"' in client.get("/cameras/porch").text
    assert client.get("/cameras").text.count("<input") == 2
