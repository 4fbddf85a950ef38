"""How the daemon does, on a page for people: what is fast, what was lost, what is kept, what runs."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon.access.guard import Guard
from daemon.access.limited import seen_by
from daemon.rendering import TEMPLATES, show
from daemon.system.card import inline, read_card
from daemon.views import Backstage

# The reasons of docs/metrics.md in words.
REASONS = {
    "overload": "this machine was too slow",
    "removed": "the camera was taken out of the settings",
    "shutdown": "the daemon was stopping",
    "nothing_to_repeat": "still from the start",
    "no_pts": "before the stream's clock was known",
    "decode_error": "damaged",
    "unreachable": "could not be reached",
    "refused": "refused user or password",
    "stalled": "sent nothing any more",
    "ended": "ended the stream",
    "garbled": "sent what could not be read",
}


class SystemPages:
    """The page of the daemon itself."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[Route]:
        """Return its address; programs have /metrics and /api/v1/system."""
        return [Route("/system", guard.protect(self.page))]

    def page(self, request: Request) -> Response:
        """Show what is measured of the cameras that the account sees, and of all only to who sees all."""
        backstage = seen_by(request, self._backstage)
        measures = backstage.measures()
        return show(
            "system.html",
            system=backstage.system(),
            statuses={camera.name: camera.status for camera in backstage.cameras()},
            measures=measures,
            card=read_card(measures.card),
        )


def bytes_text(count: int) -> str:
    """Return 0 as "0 MB", 2_340_000 as "2.3 MB" and 12_000_000_000 as "12 GB"."""
    value, unit = (count / 1e9, "GB") if count >= 1e9 else (count / 1e6, "MB")
    return f"{value:.1f} {unit}" if 0 < value < 10 else f"{value:.0f} {unit}"


def delay_text(seconds: float | None) -> str:
    """Return None as "–", 0.0421 as "42 ms" and 2.34 as "2.3 s"."""
    if seconds is None:
        return "–"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def reason_words(reason: str) -> str:
    """Return a metric's reason in words; one without words as it is."""
    return REASONS.get(reason, reason)


TEMPLATES.filters["bytes"] = bytes_text
TEMPLATES.filters["delay"] = delay_text
TEMPLATES.filters["reason"] = reason_words
TEMPLATES.filters["inline"] = inline
