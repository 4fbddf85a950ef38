"""HTTP requests in; the page, events, pictures, metrics and health out. Only POST changes anything.

Who may ask for what is said beside each route; `daemon/access` has the login and its pages.

/                          the page                     /metrics   for Prometheus
/events?camera=…           past events                  /events/<event>   one of them
/api/v1/events?after=<seq>  messages, oldest first    /healthz   the process lives
/api/v1/cameras  /api/v1/system  how things stand     /readyz    200, or 503 and what is missing
/snapshots/<event>.jpg     an event's picture           /cameras/<name>.jpg   the newest picture
/clips/<event>.mp4         an event's video

POST, with the header `x-videobertd`:
/api/v1/reload                                    read the settings again
/api/v1/events/<id>/feedback?verdict=<v>&by=<who> say that it was no alarm, or that it was one
/api/v1/cameras/<name>/<switch>?value=<v>         turn a camera's switch, or set its budget
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from daemon.access.accounts import Accounts
from daemon.access.guard import Guard, Policy, account_of
from daemon.access.limited import LimitedBackstage
from daemon.access.pages import AccessPages
from daemon.access.rights import EVERYBODY, Role
from daemon.archive import parse_filter, to_query
from daemon.config import LOOPBACK, HttpTable
from daemon.feedback import FeedbackError, UnknownEventError
from daemon.pages import render_archive, render_event, render_page
from daemon.queries import parse_event_query, parse_feedback_query
from daemon.security_headers import SecurityHeaders
from daemon.views import Backstage, CameraView, SystemView
from pipeline.clock import Clock
from pipeline.errors import SettingsError
from pipeline.types import CameraStatus

STATIC_DIR = Path(__file__).parent / "static"
# A browser sends a header of our own to another site only after asking it: no page elsewhere can change us.
OWN_HEADER = "x-videobertd"


class Web:
    """The endpoints; each is a plain function that Starlette runs in a thread."""

    def __init__(self, backstage: Backstage, registry: CollectorRegistry) -> None:
        self._backstage = backstage
        self._registry = registry

    def _seen(self, request: Request) -> Backstage:
        """Return what the account behind a request may see; whoever only watches over us sees all."""
        account = getattr(request.state, "account", EVERYBODY)
        limits = account.cameras
        return self._backstage if limits is None else LimitedBackstage(self._backstage, limits)

    def page(self, request: Request) -> Response:
        """Show cameras and newest events, complete without a script."""
        return Response(render_page(self._seen(request)), media_type="text/html")

    def archive(self, request: Request) -> Response:
        """Show past events by the filter of the address."""
        try:
            wanted = parse_filter(request.query_params)
            which = to_query(wanted)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        return _fresh(Response(render_archive(self._seen(request), wanted, which), media_type="text/html"))

    def event(self, request: Request) -> Response:
        """Show one event: its video, its picture, what was said of it and when."""
        page = render_event(self._seen(request), request.path_params["event_id"])
        if page is None:
            raise HTTPException(404, "there is no such event, or it is older than events are kept")
        return _fresh(Response(page, media_type="text/html"))

    def events(self, request: Request) -> Response:
        """Return messages after a seq, or the newest ones, as they were published."""
        try:
            query = parse_event_query(request.query_params)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        if query.after is None:
            found = self._seen(request).newest_events(query.which, limit=query.limit)
        else:
            found = self._seen(request).events(query.which, after=query.after, limit=query.limit)
        last_seq = found[-1].seq if found else query.after or 0
        messages = ",".join(event.payload for event in found)
        return _fresh(
            Response(f'{{"last_seq":{last_seq},"events":[{messages}]}}', media_type="application/json")
        )

    def cameras(self, request: Request) -> Response:
        """Return every camera's view."""
        return _fresh(JSONResponse({"cameras": [asdict(camera) for camera in self._seen(request).cameras()]}))

    def system(self, request: Request) -> Response:
        """Return the daemon's view."""
        return _fresh(JSONResponse(asdict(self._seen(request).system())))

    def snapshot(self, request: Request) -> Response:
        """Return an event's picture; `event_files` refuses what is no event's id."""
        jpeg = self._seen(request).snapshot(request.path_params["event_id"])
        if jpeg is None:
            raise HTTPException(404, "no picture is kept of that event")
        return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=86400"})

    def clip(self, request: Request) -> Response:
        """Return an event's video, or the part of it that a player asks for."""
        path = self._seen(request).clip(request.path_params["event_id"])
        if path is None:
            raise HTTPException(404, "no clip is kept of that event, or not yet: it is written when it ends")
        headers = {"cache-control": "private, max-age=86400"}
        return FileResponse(path, media_type="video/mp4", headers=headers)

    def picture(self, request: Request) -> Response:
        """Return a camera's newest picture."""
        jpeg = self._seen(request).picture(request.path_params["camera"])
        if jpeg is None:
            raise HTTPException(404, "no camera of that name has delivered a picture yet")
        return _fresh(Response(jpeg, media_type="image/jpeg"))

    def metrics(self, request: Request) -> Response:
        """Return all metrics in the form that the caller understands."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"content-type": content_type})

    def health(self, request: Request) -> Response:
        """Say that the process lives."""
        del request
        return _fresh(JSONResponse({"alive": True}))

    def readiness(self, request: Request) -> Response:
        """Say whether all is as it should be, with 503 and a reason each where it is not."""
        problems = find_problems(self._seen(request).cameras(), self._seen(request).system())
        body = {"ready": not problems, "problems": problems}
        return _fresh(JSONResponse(body, status_code=503 if problems else 200))

    def reload(self, request: Request) -> Response:
        """Ask for the settings to be read again; the log says what came of it."""
        _refuse_strangers(request)
        self._seen(request).request_reload()
        return JSONResponse({"reload": "requested"}, status_code=202)

    def feedback(self, request: Request) -> Response:
        """Take somebody's word on an event."""
        _refuse_strangers(request)
        event_id = request.path_params["event_id"]
        try:
            command = parse_feedback_query(event_id, request.query_params)
            account = account_of(request)
            if account is not EVERYBODY:  # nobody speaks in another's name
                command = command.model_copy(update={"by": account.name})
            answer = self._seen(request).give_feedback(command)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        except UnknownEventError as error:
            raise HTTPException(404, str(error)) from error
        except FeedbackError as error:
            raise HTTPException(409, str(error)) from error
        return _fresh(Response(answer.to_json(), media_type="application/json"))

    def turn(self, request: Request) -> Response:
        """Turn a camera's switch."""
        _refuse_strangers(request)
        camera, switch = request.path_params["camera"], request.path_params["switch"]
        try:
            self._seen(request).turn(camera, switch, request.query_params.get("value", ""))
        except SettingsError as error:
            raise HTTPException(400, str(error)) from error
        return _fresh(JSONResponse({"camera": camera, "turned": switch}))


def find_problems(cameras: tuple[CameraView, ...], system: SystemView) -> dict[str, str]:
    """Return what is not as it should be: `broker`, `storage` or `cameras.<name>`, and why."""
    own = {"broker": system.broker_problem, "storage": system.storage_problem}
    well = {CameraStatus.ONLINE, CameraStatus.DISABLED}
    theirs = {
        f"cameras.{camera.name}": f"{camera.status}: {camera.reason}" if camera.reason else str(camera.status)
        for camera in cameras
        if camera.status not in well
    }
    return {name: problem for name, problem in {**own, **theirs}.items() if problem}


@dataclass(frozen=True, slots=True)
class Door:
    """Who comes in: the accounts, and which of them are asked for what."""

    accounts: Accounts
    policy: Policy
    clock: Clock


def create_app(
    backstage: Backstage, registry: CollectorRegistry, http: HttpTable, *, door: Door
) -> Starlette:
    """Compose the routes; hosts are checked where only this machine is meant to reach us."""
    web, guard = Web(backstage, registry), Guard(door.accounts, door.policy)
    pages = AccessPages(door.accounts, door.policy, door.clock)
    see, operate, administer = guard.protect, Role.OPERATOR, Role.ADMIN
    return Starlette(
        routes=[
            Route("/", see(web.page)),
            Route("/events", see(web.archive)),
            Route("/events/{event_id}", see(web.event)),
            Route("/api/v1/events", see(web.events)),
            Route("/api/v1/cameras", see(web.cameras)),
            Route("/api/v1/system", see(web.system)),
            Route("/api/v1/reload", see(web.reload, administer), methods=["POST"]),
            Route("/api/v1/events/{event_id}/feedback", see(web.feedback, operate), methods=["POST"]),
            Route("/api/v1/cameras/{camera}/{switch}", see(web.turn, operate), methods=["POST"]),
            Route("/snapshots/{event_id}.jpg", see(web.snapshot)),
            Route("/clips/{event_id}.mp4", see(web.clip)),
            Route("/cameras/{camera}.jpg", see(web.picture)),
            Route("/metrics", guard.watch(web.metrics)),
            Route("/readyz", guard.watch(web.readiness)),
            Route("/healthz", web.health),
            Mount("/static", StaticFiles(directory=STATIC_DIR)),
            *pages.routes(guard),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=_allowed_hosts(http), www_redirect=False),
        ],
        exception_handlers={HTTPException: _error_response},
    )


def _allowed_hosts(http: HttpTable) -> list[str]:
    """Return the names under which we answer; against pages that rebind their name to 127.0.0.1."""
    if http.host not in LOOPBACK:
        return ["*"]
    public = urlsplit(http.public_url).hostname
    return [*sorted(LOOPBACK), "[::1]", *([public] if public else [])]


def _refuse_strangers(request: Request) -> None:
    """Let in only who sends our own header, as no form or script of another site can."""
    if OWN_HEADER not in request.headers:
        raise HTTPException(403, f"the header {OWN_HEADER} is missing")


def _error_response(request: Request, error: Exception) -> Response:
    del request
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    return JSONResponse({"error": detail}, status_code=status)


def _fresh(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
