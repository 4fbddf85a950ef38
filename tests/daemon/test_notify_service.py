"""apprise against a real HTTP server: what arrives, what a failure is called, and that nothing is printed."""

import logging
import subprocess
import sys

import pytest

from daemon.logs import configure_logging
from daemon.notify.notice import Notice
from daemon.notify.service import ServiceError, open_service, service_error
from pipeline.errors import SettingsError
from pipeline.types import Severity
from tests.hooks import running_hook

pytest.importorskip("apprise", reason="videobertd[notify] is not installed")
NOTICE = Notice("porch: fall", "a <b> & c\nhttps://cams.example/events/1", Severity.ALERT)


@pytest.fixture
def hook():
    with running_hook() as service:
        yield service


@pytest.fixture
def printed(capfd):
    """Log everything as the daemon does at its most talkative; call it for what was printed."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    configure_logging("debug", "text")
    root.debug("the log works")

    def read():
        text = capfd.readouterr().err
        assert "the log works" in text
        return text

    yield read
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_a_notice_arrives_as_it_was_written_with_its_picture(hook):
    picture = b"\xff\xd8\xff" + bytes(5000)
    service = open_service(hook.url)
    service.send(Notice(NOTICE.title, NOTICE.body, Severity.WARNING, picture, "porch-1.jpg"))
    (taken,) = hook.taken
    assert (taken.title, taken.body, taken.kind) == (NOTICE.title, NOTICE.body, "warning")
    assert taken.pictures == {"porch-1.jpg": picture}


@pytest.mark.parametrize(
    ("code", "reason"), [(403, "refused"), (404, "refused"), (429, "busy"), (500, "busy")]
)
def test_a_failure_is_named_after_the_answer(hook, code, reason):
    hook.code = code
    with pytest.raises(ServiceError, match=f"the service answers {code}") as raised:
        open_service(hook.url).send(NOTICE)
    assert raised.value.reason == reason


def test_a_service_that_is_not_there_is_unreachable(hook):
    service = open_service(hook.url)
    hook.stop()
    with pytest.raises(ServiceError, match="cannot be reached") as raised:
        service.send(NOTICE)
    assert raised.value.reason == "unreachable"


def test_the_last_code_counts_where_apprise_tried_more_than_once():
    words = ["Failed to send: Too many requests, error=429.", "Failed to send: Forbidden., error=403."]
    assert str(service_error(words)) == "the service answers 403"


@pytest.mark.parametrize("url", ["nonsense://s3cret", "tgram://s3cret", "", "s3cret"])
def test_what_is_no_url_of_apprise_is_refused_without_being_printed(url, printed):
    with pytest.raises(SettingsError, match="apprise does not know") as raised:
        open_service(url)
    assert "s3cret" not in f"{raised.value}{printed()}"


def test_nothing_of_the_url_is_printed_at_any_level(hook, printed):
    open_service(hook.url).send(NOTICE)
    hook.code = 404
    with pytest.raises(ServiceError):
        open_service(hook.url).send(NOTICE)
    told = printed()
    assert [word for word in ("s3cret", "t0ken", "porch: fall") if word in told] == []


def test_without_apprise_one_sentence_says_what_to_install():
    code = (
        "import sys; sys.modules['apprise'] = None\n"
        "from daemon.notify.service import open_service\n"
        "from pipeline.errors import SettingsError\n"
        "try: open_service('json://192.0.2.7')\n"
        "except SettingsError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "notifications need apprise: pip install 'videobertd[notify]'\n"
