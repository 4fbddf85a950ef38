"""HTTP requests in; pages, and all that programs ask for, out: here the routes of every module are joined.

Who may ask for what is said beside each route. GET changes nothing.

daemon/access/pages.py   /login  /logout  /account
this file                /  /events  /events/<event>
daemon/search/pages.py   /search  /api/v1/search  /api/v1/events/<event>/similar
daemon/api.py            /api/v1/…, JSON for programs and for the page's script
daemon/review/pages.py   /review, and what its buttons ask for
daemon/system/pages.py   /system
daemon/media.py          /clips/<event>.mp4  /cameras/<name>.jpg
daemon/event_pictures.py /snapshots/<event>.jpg  …/heat.png  …/normal.jpg  /thumbnails/<event>.jpg
daemon/editing/          /cameras  /cameras/<name>, and /api/v1/cameras/<name>/settings
daemon/watch.py          /metrics  /healthz  /readyz
daemon/openapi.py        /api/v1/openapi.json, what programs may ask and are answered
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from daemon.access.accounts import Accounts, AccountsError
from daemon.access.guard import Guard, Policy, account_of
from daemon.access.limited import seen_by
from daemon.access.pages import AccessPages
from daemon.api import Api
from daemon.archive import parse_filter, to_query
from daemon.body_limit import BodyLimit
from daemon.config import LOOPBACK, HttpTable
from daemon.editing.pages import EditingPages
from daemon.editing.roster import RosterPages
from daemon.event_pictures import EventPictures
from daemon.media import Media
from daemon.openapi import document_route
from daemon.pages import render_archive, render_event, render_page
from daemon.refusals import refuse
from daemon.rendering import as_page
from daemon.review.pages import ReviewPages
from daemon.search.pages import SearchPages
from daemon.security_headers import SecurityHeaders
from daemon.system.pages import SystemPages
from daemon.views import Backstage
from daemon.watch import Watch
from pipeline.clock import Clock

STATIC_DIR = Path(__file__).parent / "static"


class Pages:
    """What people look at; each endpoint is a plain function that Starlette runs in a thread."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses of these pages."""
        return [
            Route("/", guard.protect(self.page)),
            Route("/events", guard.protect(self.archive)),
            Route("/events/{event_id}", guard.protect(self.event)),
        ]

    def page(self, request: Request) -> Response:
        """Show cameras and newest events, complete without a script."""
        page = render_page(seen_by(request, self._backstage), account_of(request).rights)
        return as_page(page)

    def archive(self, request: Request) -> Response:
        """Show past events by the filter of the address."""
        try:
            wanted = parse_filter(request.query_params)
            which = to_query(wanted)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        may = account_of(request).rights
        page = render_archive(seen_by(request, self._backstage), wanted, which, may=may)
        return as_page(page)

    def event(self, request: Request) -> Response:
        """Show one event: its video, its picture, what was said of it and when."""
        event_id, may = request.path_params["event_id"], account_of(request).rights
        page = render_event(seen_by(request, self._backstage), event_id, may=may)
        if page is None:
            raise HTTPException(404, "there is no such event, or it is older than events are kept")
        return as_page(page)


@dataclass(frozen=True, slots=True)
class Door:
    """Who comes in: the accounts, and which of them are asked for what."""

    accounts: Accounts
    policy: Policy
    clock: Clock
    count_failure: Callable[[str], object] = lambda _reason: None


def create_app(
    backstage: Backstage, registry: CollectorRegistry, http: HttpTable, *, door: Door
) -> Starlette:
    """Compose the routes; hosts are checked where only this machine is meant to reach us."""
    guard = Guard(door.accounts, door.policy)
    access = AccessPages(door.accounts, door.policy, door.clock, count_failure=door.count_failure)
    return Starlette(
        routes=[
            *Pages(backstage).routes(guard),
            *access.routes(guard),
            *Media(backstage).routes(guard),  # before pages: `/cameras/<name>.jpg` is no camera's page
            *SearchPages(backstage).routes(guard),
            *EventPictures(backstage).routes(guard),
            *SystemPages(backstage).routes(guard),
            *Watch(backstage, registry).routes(guard),
            *ReviewPages(backstage).routes(guard),
            *EditingPages(backstage, door.policy).routes(guard),
            *RosterPages(backstage, door.policy).routes(guard),
            *Api(backstage).routes(guard),  # after the settings, which are no switch
            document_route(guard),
            Mount("/static", StaticFiles(directory=STATIC_DIR)),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(BodyLimit),
            Middleware(TrustedHostMiddleware, allowed_hosts=_allowed_hosts(http), www_redirect=False),
        ],
        exception_handlers={HTTPException: refuse, AccountsError: refuse, Exception: refuse},
    )


def _allowed_hosts(http: HttpTable) -> list[str]:
    """Return the names under which we answer; against pages that rebind their name to 127.0.0.1."""
    if http.host not in LOOPBACK:
        return ["*"]
    public = urlsplit(http.public_url).hostname
    return [*sorted(LOOPBACK), "[::1]", *([public] if public else [])]
