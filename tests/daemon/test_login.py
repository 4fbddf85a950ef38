"""The door in front of the page: who is let in, to what, and what others are told."""

import shutil

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from daemon.access.accounts import FILE_NAME, Accounts
from daemon.access.attempts import FREE
from daemon.access.guard import COOKIE, Policy
from daemon.access.rights import Account, Role
from daemon.config import HttpTable
from daemon.web import Door, create_app
from pipeline.metrics import Metrics
from tests.backstages import EVENT_ID, PORCH, FakeBackstage, logged, past
from tests.disks import full_disk
from tests.fakes import ManualClock

PASSWORD = "correct horse"
HTTP = HttpTable(host="0.0.0.0")
POSTS = {"x-videobertd": "1"}
PAGE = {"accept": "text/html"}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """Return a folder with four accounts: to hash a password is meant to take long."""
    folder = tmp_path_factory.mktemp("accounts")
    accounts = Accounts(folder, ManualClock())
    accounts.add(Account("ada", Role.ADMIN), PASSWORD)
    accounts.add(Account("olga", Role.OPERATOR), PASSWORD)
    accounts.add(Account("vera", Role.VIEWER), PASSWORD)
    accounts.add(Account("yuri", Role.OPERATOR, frozenset({"yard"})), PASSWORD)
    return folder


@pytest.fixture
def accounts(made_once, tmp_path):
    shutil.copy(made_once / FILE_NAME, tmp_path)
    return Accounts(tmp_path, ManualClock())


@pytest.fixture
def backstage():
    shown = FakeBackstage(log=(logged(1),))
    shown.archive.past = past((1,))
    return shown


def client_of(backstage, accounts, policy=None, clock=None, registry=None):
    registry = registry or CollectorRegistry()
    metrics = Metrics(registry)
    metrics.camera_up.labels("porch").set(1)
    door = Door(
        accounts,
        policy or Policy(asks=True),
        clock or ManualClock(),
        lambda reason: metrics.login_failures.labels(reason).inc(),
    )
    app = create_app(backstage, registry, HTTP, door=door)
    return TestClient(app, base_url="http://cams.example:8080", follow_redirects=False)


@pytest.fixture
def client(backstage, accounts):
    return client_of(backstage, accounts)


def log_in(client, name, password=PASSWORD, **options):
    return client.post("/login", data={"name": name, "password": password}, **options)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/events",
        "/api/v1/cameras",
        "/api/v1/system",
        "/events",
        f"/events/{EVENT_ID}",
        f"/snapshots/{EVENT_ID}.jpg",
        f"/snapshots/{EVENT_ID}/heat.png",
        f"/snapshots/{EVENT_ID}/normal.jpg",
        f"/thumbnails/{EVENT_ID}.jpg",
        f"/clips/{EVENT_ID}.mp4",
        "/cameras/porch.jpg",
        "/account",
    ],
)
def test_a_stranger_is_shown_nothing(client, path):
    assert client.get(path).status_code == 401
    redirect = client.get(path, headers=PAGE)
    assert (redirect.status_code, redirect.headers["location"]) == (303, f"/login?next={path}")


@pytest.mark.parametrize("path", ["/login", "/healthz", "/static/page.css", "/metrics", "/readyz"])
def test_the_door_itself_and_the_watch_are_open(client, path):
    assert client.get(path).status_code in {200, 503}


def test_closed_metrics_are_for_whoever_sees_all_cameras(backstage, accounts):
    closed = client_of(backstage, accounts, Policy(asks=True, open_metrics=False))
    log_in(closed, "yuri")
    assert closed.get("/metrics").status_code == 403
    log_in(closed, "vera")
    assert closed.get("/metrics").status_code == 200


def test_a_login_leads_back_to_the_filter_that_was_asked_for(client):
    location = client.get("/events?camera=porch", headers=PAGE).headers["location"]
    assert location == "/login?next=/events%3Fcamera%3Dporch"


def test_a_word_is_that_of_the_account(client, backstage):
    log_in(client, "olga")
    client.post(f"/api/v1/events/{EVENT_ID}/feedback?verdict=not_an_alarm&by=ada", headers=POSTS)
    assert backstage.asked[-1].by == "olga"


def test_behind_a_proxy_each_sender_is_slowed_for_itself(backstage, accounts):
    policy = Policy(asks=True, trusted_proxies=("192.0.2.9",))
    app = client_of(backstage, accounts, policy).app
    proxy = TestClient(app, client=("192.0.2.9", 5000), follow_redirects=False)
    for _ in range(5):
        log_in(proxy, "nobody", headers={"x-forwarded-for": "198.51.100.1"})
    assert log_in(proxy, "vera", headers={"x-forwarded-for": "198.51.100.1"}).status_code == 429
    assert log_in(proxy, "vera", headers={"x-forwarded-for": "198.51.100.2"}).status_code == 303


def test_metrics_can_be_closed(backstage, accounts):
    closed = client_of(backstage, accounts, Policy(asks=True, open_metrics=False))
    assert [closed.get(path).status_code for path in ("/metrics", "/readyz", "/healthz")] == [401, 401, 200]


def test_a_login_leads_on_and_lasts(client):
    answer = log_in(client, "vera")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "data:x"])
def test_a_login_never_leads_to_another_site(client, target):
    answer = client.post("/login", params={"next": target}, data={"name": "vera", "password": PASSWORD})
    assert answer.headers["location"] == "/"


def test_a_login_on_a_full_disk_says_so_and_the_log_says_why(client, accounts, caplog):
    key = accounts.add_token("ada", "test")
    change = {"old": PASSWORD, "new": "another password", "again": "another password"}
    with full_disk():
        answers = (
            log_in(client, "ada", headers=PAGE),
            client.post("/account", data=change, headers={"authorization": f"Bearer {key}"}),
        )
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("accounts cannot be read or written now" in answer.text for answer in answers)
    assert "access.sqlite" not in answers[0].text + answers[1].text
    assert caplog.text.count("access.sqlite cannot be used for accounts: ") == 2
    assert "Traceback" not in caplog.text


def test_a_wrong_password_and_an_unknown_name_look_alike(client):
    wrong, unknown = log_in(client, "vera", "wrong password"), log_in(client, "nobody")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.text == unknown.text


def test_refused_logins_are_counted_by_their_reason(backstage, accounts):
    registry = CollectorRegistry()
    client = client_of(backstage, accounts, registry=registry)
    for _ in range(FREE + 2):
        log_in(client, "vera", "wrong")
    counts = {
        reason: registry.get_sample_value("videobert_login_failures_total", {"reason": reason})
        for reason in ("wrong", "too_often")
    }
    assert counts == {"wrong": FREE, "too_often": 2}


def test_guessing_is_slowed(client):
    for _ in range(5):
        log_in(client, "vera", "wrong password")
    answer = log_in(client, "vera")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_of_another_site_is_refused(client, origin):
    assert log_in(client, "vera", headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("origin", ["http://cams.example:8080", "https://public.example"])
def test_a_form_of_our_own_is_taken_as_a_browser_sends_it(backstage, accounts, origin):
    client = client_of(backstage, accounts, Policy(asks=True, public_host="public.example"))
    # Under this policy browsers name the origin of a form; under `no-referrer` they would send `null`.
    assert client.get("/login").headers["referrer-policy"] == "same-origin"
    assert log_in(client, "vera", headers={"origin": origin}).status_code == 303


def test_a_form_that_is_too_large_is_refused(client):
    assert log_in(client, "vera", "x" * 10_000).status_code == 413


def test_after_a_logout_nothing_is_shown(client):
    log_in(client, "vera")
    key = client.cookies[COOKIE]
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get("/api/v1/system", headers={"cookie": f"{COOKIE}={key}"}).status_code == 401


@pytest.mark.parametrize(
    ("name", "answers"),
    [("vera", [403, 403, 403]), ("olga", [200, 200, 403]), ("ada", [200, 200, 202])],
)
def test_a_role_may_do_what_it_may(client, name, answers):
    log_in(client, name)
    posts = (
        f"/api/v1/events/{EVENT_ID}/feedback?verdict=not_an_alarm",
        "/api/v1/cameras/porch/anomaly?value=ON",
    )
    got = [client.post(path, headers=POSTS).status_code for path in (*posts, "/api/v1/reload")]
    assert got == answers


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("vera", {"data-verdict": False, 'input class="budget"': False, 'id="reload"': False}),
        ("olga", {"data-verdict": True, 'input class="budget"': True, 'id="reload"': False}),
        ("ada", {"data-verdict": True, 'input class="budget"': True, 'id="reload"': True}),
    ],
)
def test_nobody_is_shown_a_control_that_would_be_refused(client, name, controls):
    log_in(client, name)
    page, archive, event = (client.get(path).text for path in ("/", "/events", f"/events/{EVENT_ID}"))
    assert {words: words in page for words in controls} == controls
    for other in (archive, event):
        assert ("data-verdict" in other) == controls["data-verdict"]
    assert 'class="budget"' in page  # whoever may not change it sees it


def test_without_our_header_even_an_admin_changes_nothing(client):
    log_in(client, "ada")
    assert client.post("/api/v1/reload").status_code == 403


def test_of_another_s_camera_there_is_no_trace(client, backstage):
    log_in(client, "yuri")
    assert client.get("/api/v1/cameras").json() == {"cameras": []}
    for path in (
        f"/events/{EVENT_ID}",
        f"/snapshots/{EVENT_ID}.jpg",
        f"/snapshots/{EVENT_ID}/heat.png",
        f"/snapshots/{EVENT_ID}/normal.jpg",
        f"/thumbnails/{EVENT_ID}.jpg",
        f"/clips/{EVENT_ID}.mp4",
        "/cameras/porch.jpg",
    ):
        assert client.get(path).status_code == 404
    page = client.get("/").text
    assert 'data-name="porch"' not in page
    assert EVENT_ID not in page
    client.get("/events")
    assert backstage.archive.asked[-1].cameras == ("yard",)


def test_another_s_camera_cannot_be_changed(client):
    log_in(client, "yuri")
    word = client.post(f"/api/v1/events/{EVENT_ID}/feedback?verdict=not_an_alarm", headers=POSTS)
    switch = client.post("/api/v1/cameras/porch/anomaly?value=OFF", headers=POSTS)
    assert (word.status_code, switch.status_code) == (404, 404)


def test_the_events_of_some_cameras_are_asked_for_as_such(client, backstage):
    log_in(client, "yuri")
    client.get("/api/v1/events?after=0")
    assert backstage.asked[-1][0].cameras == ("yard",)


def test_a_program_sends_its_token(client, accounts):
    token = accounts.add_token("vera", "phone")
    assert client.get("/api/v1/system", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert client.get("/api/v1/system", headers={"authorization": "Bearer wrong"}).status_code == 401


def test_wrong_tokens_shut_nobody_out(client, accounts):
    # 256 random bits are guessed by nobody; an old token in a program must not cost its neighbours theirs.
    token = accounts.add_token("vera", "dashboard")
    assert len(token) == 43  # 32 bytes in base64 without padding
    wrong = [client.get("/api/v1/system", headers={"authorization": f"Bearer {n}"}) for n in range(50)]
    assert {answer.status_code for answer in wrong} == {401}
    assert client.get("/api/v1/system", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_made_password_must_be_changed_first(client, accounts):
    accounts.set_password("vera", "made for you", must_change=True)
    log_in(client, "vera", "made for you")
    assert client.get("/", headers=PAGE).headers["location"] == "/account"
    assert client.get("/api/v1/system").status_code == 403
    form = {"old": "made for you", "new": "chosen by vera", "again": "chosen by vera"}
    assert client.post("/account", data=form).headers["location"] == "/"
    assert client.get("/api/v1/system").status_code == 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"old": "wrong password"}, "The present password is wrong."),
        ({"again": "other"}, "The new password was typed in two ways."),
        ({"new": PASSWORD, "again": PASSWORD}, "The new password is the old one."),
        ({"new": "short", "again": "short"}, "A password has 10 letters at least."),
    ],
)
def test_a_password_that_is_not_taken_says_why(client, change, sentence):
    log_in(client, "vera")
    form = {"old": PASSWORD, "new": "another password", "again": "another password"} | change
    answer = client.post("/account", data=form)
    assert answer.status_code == 400
    assert sentence in answer.text


def test_a_proxy_is_believed_only_where_it_is_trusted(backstage, accounts):
    named = {"remote-user": "vera"}
    policy = Policy(asks=True, proxy_header="Remote-User", trusted_proxies=("192.0.2.0/24",))
    stranger = client_of(backstage, accounts, policy)
    assert stranger.get("/api/v1/system", headers=named).status_code == 401
    proxy = TestClient(stranger.app, base_url="http://cams.example", client=("192.0.2.9", 5000))
    assert proxy.get("/api/v1/system", headers=named).status_code == 200
    assert proxy.get("/api/v1/system", headers={"remote-user": "nobody"}).status_code == 401


def test_behind_https_the_cookie_is_for_https_only(backstage, accounts):
    policy = Policy(asks=True, trusted_proxies=("192.0.2.9",))
    proxy = TestClient(
        client_of(backstage, accounts, policy).app, client=("192.0.2.9", 5000), follow_redirects=False
    )
    assert "Secure" in log_in(proxy, "vera", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "Secure" not in log_in(proxy, "vera").headers["set-cookie"]


def test_where_nobody_is_asked_everybody_may_do_everything(backstage, accounts):
    everybody = client_of(backstage, accounts, Policy(asks=False))
    assert everybody.get("/api/v1/cameras").json()["cameras"][0]["name"] == PORCH.name
    assert everybody.post("/api/v1/reload", headers=POSTS).status_code == 202
    assert "Nobody is asked to log in here" in everybody.get("/account").text
