"""`[notify.<name>]`: where the URL may come from, what is refused, and what becomes of a table."""

import io
from datetime import time
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from daemon.check import check_all
from daemon.config import load_settings
from daemon.notify.assembly import notify_rule
from daemon.notify.rule import NotifyRule
from daemon.notify_command import run_notify_test
from pipeline.errors import SettingsError
from pipeline.schedule import Day, Schedule
from pipeline.types import EventKind, Severity
from tests.hooks import running_hook

CAMERA = '[cameras.porch]\nurl = "clip.mp4"\n'
POOL = "[cameras.porch.zones.pool]\npolygon = [[0, 0], [1, 0], [1, 1]]\n"


def load(folder, text, environ=None):
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, environ or {})


def refusal(folder, text, environ=None):
    with pytest.raises(SettingsError) as raised:
        load(folder, text, environ)
    return str(raised.value).removeprefix(f"{folder}/")


def test_a_url_comes_from_variables_and_is_never_shown(tmp_path):
    text = '[notify.phone]\nurl = "json://me:${PASSWORD}@192.0.2.7/"\n'
    table = load(tmp_path, text, {"PASSWORD": "a@b"}).notify["phone"]
    assert table.read_url() == "json://me:a%40b@192.0.2.7/"
    assert "a%40b" not in repr(table)


def test_the_environment_may_hold_the_whole_table(tmp_path):
    environ = {"VIDEOBERTD_NOTIFY__PHONE__URL": "json://192.0.2.7/token"}
    assert load(tmp_path, "", environ).notify["phone"].read_url() == "json://192.0.2.7/token"


def test_a_file_may_hold_the_url(tmp_path):
    (tmp_path / "url").write_text("json://192.0.2.7/token\n")
    settings = load(tmp_path, f'[notify.phone]\nurl_file = "{tmp_path}/url"\n')
    assert settings.notify["phone"].read_url() == "json://192.0.2.7/token"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'url = "tgram://s3cret/1"\n',
            "config.toml: notify.phone.url: holds secrets: write ${NAME}, or use url_file",
        ),
        (
            'url = "${NOWHERE}"\n',
            "config.toml: notify.phone.url: the environment variable NOWHERE is not set",
        ),
        ("", "config.toml: notify.phone: needs either url, as ${NAME}, or url_file"),
        (
            'url = "${URL}"\ndays = []\n',
            "config.toml: notify.phone: days must name one day at least, or be left out",
        ),
        (
            'url = "${URL}"\ncooldown_s = "tgram://s3cret/1"\n',
            "config.toml: notify.phone.cooldown_s: this value is not allowed: must be a number",
        ),
        (
            'url = "${URL}"\ncameras = ["yard"]\n',
            'config.toml: notify.phone.cameras: "yard" is not there; there is porch',
        ),
        (
            'url = "${URL}"\nzones = ["pond"]\n',
            'config.toml: notify.phone.zones: "pond" is not there; there is pool',
        ),
        (
            'url = "${URL}"\nurls = "tgram://s3cret/1"\n',
            'config.toml: notify.phone.urls: unknown setting; did you mean "url"?',
        ),
    ],
)
def test_a_table_that_cannot_be_used_is_answered_by_one_line_without_its_secrets(tmp_path, text, sentence):
    environ = {"URL": "json://192.0.2.7"}
    assert refusal(tmp_path, f"[notify.phone]\n{text}{CAMERA}{POOL}", environ) == sentence


def test_a_url_in_place_of_a_table_is_not_shown(tmp_path):
    told = refusal(tmp_path, '[notify]\nphone = "tgram://s3cret/1"\n')
    assert told == "config.toml: notify.phone: this value is not allowed: must be a table"


def test_a_table_becomes_a_rule(tmp_path):
    text = """[notify.phone]
url = "${URL}"
cameras = ["porch"]
kinds = ["anomaly", "behaviour"]
labels = ["fall"]
zones = ["pool"]
severity = "warning"
on = "both"
cooldown_s = 60
quiet_begin = "22:00"
quiet_end = "07:00"
days = ["fri"]
time_zone = "Europe/Berlin"
max_age_s = 600
"""
    table = load(tmp_path, text + CAMERA + POOL, {"URL": "json://192.0.2.7"}).notify["phone"]
    assert notify_rule(table) == NotifyRule(
        cameras=frozenset({"porch"}),
        kinds=frozenset({EventKind.ANOMALY, EventKind.BEHAVIOUR}),
        labels=frozenset({"fall"}),
        zones=frozenset({"pool"}),
        severity=Severity.WARNING,
        ends=True,
        cooldown_s=60,
        quiet=Schedule(time(22), time(7), frozenset({Day.FRI})),
        time_zone=ZoneInfo("Europe/Berlin"),
        max_age_s=600,
    )


def test_without_quiet_hours_there_are_none_and_with_end_beginnings_are_not_told(tmp_path):
    table = load(tmp_path, '[notify.phone]\nurl = "${URL}"\non = "end"\n', {"URL": "json://x"}).notify[
        "phone"
    ]
    assert notify_rule(table) == NotifyRule(begins=False, ends=True)


@pytest.fixture
def hook():
    pytest.importorskip("apprise", reason="videobertd[notify] is not installed")
    with running_hook() as service:
        yield service


def trial(folder, *names, width=200):
    """Run notify-test; return its exit code and what it printed."""
    console = Console(width=width, file=io.StringIO())
    code = run_notify_test(folder / "config.toml", names, console)
    return code, console.file.getvalue()


def test_notify_test_sends_one_message_and_says_who_took_it(tmp_path, hook):
    (tmp_path / "good").write_text(hook.url)
    (tmp_path / "bad").write_text("json://127.0.0.1:1/t0ken")
    tables = "".join(f'[notify.{name}]\nurl_file = "{tmp_path}/{name}"\n' for name in ("good", "bad"))
    (tmp_path / "config.toml").write_text(tables)
    code, printed = trial(tmp_path)
    assert code == 3
    assert [line.split() for line in printed.splitlines()[1:]] == [
        ["ok", "notify.good", "the", "message", "was", "taken"],
        ["fails", "notify.bad", "the", "service", "cannot", "be", "reached"],
    ]
    assert hook.titles == ["videobertd: test"]
    assert trial(tmp_path, "good")[0] == 0


@pytest.mark.parametrize(
    ("text", "names", "sentence"),
    [
        ("", (), "config.toml has not a table [notify.<name>]; there is none"),
        ('[notify.a]\nurl_file = "config.toml"\n', ("b",), "config.toml has not [notify.b]; there is a"),
        (
            '[notify.a]\nurl_file = "config.toml"\n',
            (),
            "notify.a: apprise does not know this kind of URL, or a part of it is missing",
        ),
    ],
)
def test_notify_test_names_what_is_missing(tmp_path, text, names, sentence):
    text = text.replace("config.toml", f"{tmp_path}/config.toml")
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsError) as raised:
        run_notify_test(tmp_path / "config.toml", names)
    assert str(raised.value).removeprefix(f"{tmp_path}/") == sentence


def test_check_reads_each_url_and_sends_nothing(tmp_path, hook):
    (tmp_path / "good").write_text(hook.url)
    (tmp_path / "bad").write_text("nonsense://s3cret")
    tables = "".join(f'[notify.{name}]\nurl_file = "{tmp_path}/{name}"\n' for name in ("good", "bad"))
    findings = {finding.subject: finding for finding in check_all(load(tmp_path, tables))}
    assert findings["notify.good"].ok
    assert findings["notify.bad"].words.startswith("notify.bad: apprise does not know this kind of URL")
    assert hook.taken == []
