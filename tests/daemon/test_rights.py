"""Every address in, who may ask for it and of which cameras out: one that the table lacks fails a test."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from daemon.access.guard import Policy
from daemon.access.rights import Account, Role
from daemon.event_log import EventFilter
from daemon.operations import OWN_HEADER, ApiRoute
from daemon.review.desk import Choice
from daemon.search.desk import Alike, Hit, WordsFound
from daemon.snapshots import Part
from tests.backstages import EVENT_ID, FakeBackstage, FakeSearch, logged, past, review_desk
from tests.visitors import PASSWORD, people_of

ROOT = Path(__file__).parents[2]
DONE = {200, 201, 202, 303}
NO_EVENT = EVENT_ID[::-1]
TRACES = (EVENT_ID, "front", "192.0.2.7", '"porch"', ">porch<")
# Whoever administers some cameras may have the one file of all read again.
SHARED = {"POST /api/v1/reload"}
PLACES = {"event_id": EVENT_ID, "camera": "porch", "switch": "anomaly", "number": "0"}
POND = {"name": "pond", "url": "rtsp://192.0.2.8/x"}
SEEN = {"if-match": '"r1"'}


@dataclass(frozen=True, slots=True)
class Row:
    """One address: the least role, None where nobody is asked who he is; what is sent with it.

    `elsewhere` is what an admin of another camera is answered: 404 where it is about a camera, 403 where it
    needs rights on all of them, else 200. `done` is what the least role is answered, beside what is usual.
    """

    role: Role | None = Role.VIEWER
    elsewhere: int = 200
    query: str = ""
    form: dict | None = None
    json: dict | None = None
    headers: dict | None = None
    done: frozenset = frozenset()


OBJECT = Row(elsewhere=404)
ROUTES = {
    "GET /": Row(),
    "GET /events": Row(),
    "GET /events/{event_id}": OBJECT,
    "GET /login": Row(None),
    "POST /login": Row(None, form={"name": "ada", "password": PASSWORD}),
    "POST /logout": Row(None, form={}),
    "GET /account": Row(),
    "POST /account": Row(elsewhere=400, form={"old": ""}, done=frozenset({400})),  # a wrong password
    "GET /snapshots/{event_id}.jpg": OBJECT,
    "GET /clips/{event_id}.mp4": OBJECT,
    "GET /cameras/{camera}.jpg": OBJECT,
    "GET /search": Row(query="?words=fall"),
    "GET /system": Row(),
    "GET /api/v1/search": Row(query="?words=fall"),
    "GET /api/v1/events/{event_id}/similar": OBJECT,
    "GET /thumbnails/{event_id}.jpg": OBJECT,
    "GET /snapshots/{event_id}/heat.png": OBJECT,
    "GET /snapshots/{event_id}/normal.jpg": OBJECT,
    "GET /metrics": Row(elsewhere=403),
    "GET /readyz": Row(elsewhere=403),
    "GET /healthz": Row(None),
    "GET /review": Row(),
    "POST /api/v1/events/{event_id}/label": Row(Role.OPERATOR, 404, "?task=fight&label=normal"),
    "DELETE /api/v1/events/{event_id}/label": Row(Role.OPERATOR, 404),
    "GET /api/v1/models": Row(),
    "POST /api/v1/models/{number}/use": Row(Role.ADMIN, 403),
    "POST /api/v1/retrain": Row(Role.ADMIN, 403),
    "DELETE /api/v1/retrain": Row(Role.ADMIN, 403),
    "GET /api/v1/cameras/{camera}/settings": OBJECT,
    "PUT /api/v1/cameras/{camera}/settings": Row(Role.ADMIN, 404, json={"enabled": False}, headers=SEEN),
    "GET /cameras/{camera}": OBJECT,
    "POST /cameras/{camera}": Row(Role.ADMIN, 404, form={"revision": "r1", "enabled": "false"}),
    "GET /cameras": Row(Role.ADMIN, 403),
    "POST /cameras": Row(Role.ADMIN, 403, form=POND),
    "POST /cameras/{camera}/remove": Row(Role.ADMIN, 403, form={"revision": "r1", "sure": "on"}),
    "POST /api/v1/cameras": Row(Role.ADMIN, 403, json=POND),
    "DELETE /api/v1/cameras/{camera}": Row(Role.ADMIN, 403, headers=SEEN),
    "GET /api/v1/events": Row(),
    "GET /api/v1/cameras": Row(),
    "GET /api/v1/system": Row(),
    "POST /api/v1/reload": Row(Role.ADMIN, 202),
    "POST /api/v1/events/{event_id}/feedback": Row(Role.OPERATOR, 404, "?verdict=not_an_alarm"),
    "POST /api/v1/cameras/{camera}/budget": Row(Role.OPERATOR, 404, "?value=0.5"),
    "POST /api/v1/cameras/{camera}/{switch}": Row(Role.OPERATOR, 404, "?value=OFF"),
    "GET /api/v1/openapi.json": Row(None),
}
GUARDED = [name for name, row in ROUTES.items() if row.role is not None]
CHANGING = [name for name in ROUTES if not name.startswith("GET ")]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return people_of(
        tmp_path_factory.mktemp("accounts"),
        Account("ada", Role.ADMIN),
        Account("olga", Role.OPERATOR),
        Account("vera", Role.VIEWER),
        Account("yuri", Role.ADMIN, frozenset({"yard"})),
    )


@pytest.fixture
def backstage(tmp_path):
    """Show a camera `porch` with an event of which everything is kept, and a label."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    shown = FakeBackstage(
        log=(logged(1),), clips={EVENT_ID: clip}, kept=dict.fromkeys(Part, b"picture"), drawn=None
    )
    shown.archive.past = past((1,))
    (event,) = shown.archive.past.events
    shown.search = FakeSearch(Alike((Hit(event, 1.0),)), WordsFound((event,), Alike((Hit(event, 1.0),))))
    shown.review = review_desk(tmp_path / "dataset", shown.archive)
    shown.review.give(EVENT_ID, Choice("fight", "fight"), by=None)
    return shown


@pytest.fixture
def client(backstage, people):
    return people.visitor(backstage, None, policy=Policy(asks=True, open_metrics=False))


@pytest.fixture
def ask(client, people):
    """Return what asks for a route of the table in somebody's name, None being nobody's."""

    def asked(name, who, places=PLACES, **headers):
        row, (method, path) = ROUTES[name], name.split(" ")
        token = {"authorization": f"Bearer {people.tokens[who]}"} if who else {}
        sent = {OWN_HEADER: "1", **token, **(row.headers or {}), **headers}
        given = {key: value for key, value in sent.items() if value}
        address = path.format_map(places) + row.query
        return client.request(method, address, data=row.form, json=row.json, headers=given)

    return asked


def changes_of(backstage):
    """Return all that a backstage was asked to change, and the label that it has."""
    changed = [one for one in backstage.asked if not isinstance(one[0], EventFilter)]  # else it was asked
    deeds = (changed, backstage.settings.asked, backstage.models.asked, backstage.reloads)
    return [list(asked) for asked in deeds], backstage.review.label_of(EVENT_ID)


def test_the_table_has_every_route_and_every_request_of_the_document(client):
    routes = client.app.routes
    served = {f"{m} {r.path}" for r in routes if isinstance(r, Route) for m in r.methods - {"HEAD"}}
    assert served == set(ROUTES)
    assert [route.path for route in routes if isinstance(route, Mount)] == ["/static"]
    paths = json.loads((ROOT / "docs/http-api.json").read_text())["paths"]
    assert {f"{m.upper()} {path}" for path, methods in paths.items() for m in methods} <= served


@pytest.mark.parametrize("name", ROUTES)
def test_a_stranger_gets_nothing_but_what_is_open(ask, backstage, name):
    before = changes_of(backstage)
    assert (ask(name, None).status_code == 401) == (ROUTES[name].role is not None)
    assert changes_of(backstage) == before


@pytest.mark.parametrize("name", GUARDED)
def test_each_role_may_do_what_it_may_and_no_less_a_one(ask, backstage, name):
    roles = {"vera": Role.VIEWER, "olga": Role.OPERATOR, "ada": Role.ADMIN}
    before = changes_of(backstage)
    for who in (who for who, role in roles.items() if role < ROUTES[name].role):
        assert ask(name, who).status_code == 403
    assert changes_of(backstage) == before
    least = next(who for who, role in roles.items() if role is ROUTES[name].role)
    assert ask(name, least).status_code in (ROUTES[name].done or DONE)


def test_whoever_may_see_the_camera_finds_each_trace_of_it(ask):
    seen = "".join(ask(name, "vera").text for name in ("GET /", "GET /events", "GET /api/v1/cameras"))
    assert [trace for trace in TRACES if trace not in seen] == []


@pytest.mark.parametrize("name", GUARDED)
def test_of_another_s_camera_there_is_no_trace(ask, backstage, name):
    before = changes_of(backstage)
    answer, row = ask(name, "yuri"), ROUTES[name]
    assert answer.status_code == row.elsewhere
    if row.elsewhere == 404:  # as if there were no such event, no such camera
        nothing = ask(name, "yuri", {"event_id": NO_EVENT, "camera": "nowhere", "switch": "anomaly"})
        said = nothing.text.replace(NO_EVENT, EVENT_ID).replace("nowhere", "porch")
        assert (nothing.status_code, said) == (404, answer.text)
    else:
        assert not [trace for trace in TRACES if trace in answer.text]
    if name not in SHARED:
        assert changes_of(backstage) == before


@pytest.mark.parametrize("name", CHANGING)
def test_no_page_of_another_site_changes_anything(ask, client, backstage, name):
    before = changes_of(backstage)
    is_api = any(isinstance(r, ApiRoute) and r.path == name.split(" ")[1] for r in client.app.routes)
    foreign = {OWN_HEADER: "", "origin": "http://evil.example"}
    answer = ask(name, "ada", **({OWN_HEADER: ""} if is_api else foreign))
    assert answer.status_code == 403
    assert changes_of(backstage) == before
