"""Notices in, apprise's hundred services out; its own words are heard for their codes, never printed."""

import logging
import re
from typing import Any, Protocol

from daemon.notify.notice import Notice
from pipeline.errors import SettingsError, VideobertdError
from pipeline.types import Severity

# What a server's answer says of the same message in an hour: nothing (busy, or asked too often), or no.
_TEMPORARY = frozenset({408, 425, 429})
_CODE = re.compile(r"error=(\d{3})\b")
_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.ALERT: "failure"}
JPEG = "image/jpeg"


class ServiceError(VideobertdError):
    """Raised when a notice could not be handed over; `reason` is its metric label."""

    def __init__(self, reason: str, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class Service(Protocol):
    """Whoever takes notices."""

    def send(self, notice: Notice) -> None:
        """Hand over a notice.

        Raises:
            ServiceError: it was not taken.
        """


class AppriseService:
    """One apprise URL; it sends in the thread that calls, which waits for seconds at most."""

    def __init__(self, backend: Any, target: Any) -> None:
        self._backend = backend
        self._target = target

    def send(self, notice: Notice) -> None:
        """Hand over a notice.

        Raises:
            ServiceError: the service refused it, or did not answer.
        """
        heard: list[str] = []
        taken = self._target.notify(
            title=notice.title,
            body=notice.body,
            notify_type=_TYPES[notice.severity],
            body_format="text",
            attach=self._attachment(notice),
            log_callback=lambda entry, _service: heard.append(entry.message),
        )
        if not taken:
            raise service_error(heard)

    def _attachment(self, notice: Notice) -> Any:
        if notice.picture is None:
            return None
        return self._backend.attachment.memory.AttachMemory(
            content=notice.picture, name=notice.picture_name, mimetype=JPEG
        )


def service_error(heard: list[str]) -> ServiceError:
    """Return what apprise's own words mean; they may hold a token or an address and are not repeated."""
    codes = [int(match[1]) for match in map(_CODE.search, heard) if match]
    if not codes:
        return ServiceError("unreachable", "the service cannot be reached")
    code = codes[-1]
    refused = 400 <= code < 500 and code not in _TEMPORARY
    return ServiceError("refused" if refused else "busy", f"the service answers {code}")


def open_service(url: str) -> AppriseService:
    """Return the service behind an apprise URL; nothing is sent.

    Raises:
        SettingsError: apprise is not installed, or does not know this URL.
    """
    _silence()
    try:
        import apprise  # noqa: PLC0415 - an optional extra
        import apprise.attachment.memory  # noqa: PLC0415
    except ImportError as error:
        raise SettingsError("notifications need apprise: pip install 'videobertd[notify]'") from error
    # Without a time limit of its own apprise sends in our thread, whose end nobody waits for.
    asset = apprise.AppriseAsset(async_mode=False, app_id="videobertd", service_timeout=0)
    target = apprise.Apprise(asset=asset)
    if not target.add(url):
        raise SettingsError("apprise does not know this kind of URL, or a part of it is missing")
    return AppriseService(apprise, target)


def _silence() -> None:
    """Keep apprise's log to `log_callback`: at some levels it prints what it sends and where to."""
    apprise = logging.getLogger("apprise")
    apprise.propagate = False
    apprise.addHandler(logging.NullHandler())  # without one, warnings would go to standard error
