"""Questions and wishes of programs in, JSON out: events, cameras, feedback and switches under /api/v1/.

Each endpoint is a plain function that Starlette runs in a thread; each route says what it takes and gives.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from daemon.access.guard import Guard, account_of
from daemon.access.limited import seen_by
from daemon.access.rights import EVERYBODY, Role
from daemon.answers import Cameras, Messages, Reload, Turned, as_json, fresh
from daemon.feedback import MAX_ID_LETTERS, FeedbackCommand, FeedbackError, UnknownEventError
from daemon.operations import Answer, ApiRoute, Operation
from daemon.payloads import FeedbackMessage
from daemon.queries import BudgetQuery, EventsQuery, FeedbackQuery, SwitchQuery, read_query
from daemon.topics import ON_OFF_SWITCHES
from daemon.views import Backstage, SystemView
from pipeline.errors import SettingsError

EVENTS = Operation(
    "events",
    "/api/v1/events",
    "Return messages of events as they were published: the first after a `seq`, or the newest.",
    (Answer("The messages, oldest first.", Messages),),
    query=EventsQuery,
)
CAMERAS = Operation(
    "cameras",
    "/api/v1/cameras",
    "Return how each camera stands now.",
    (Answer("The cameras, in the order of the settings.", Cameras),),
)
SYSTEM = Operation(
    "system",
    "/api/v1/system",
    "Return how the daemon itself stands now.",
    (Answer("Its version, model, broker and problems.", SystemView),),
)
RELOAD = Operation(
    "reload",
    "/api/v1/reload",
    "Have the settings file read again; a bad one changes nothing, and the log says what came of it.",
    (Answer("It will be read.", Reload, status=202),),
    method="POST",
    role=Role.ADMIN,
)
FEEDBACK = Operation(
    "giveFeedback",
    "/api/v1/events/{event_id}/feedback",
    "Say of an anomaly that it was no alarm, or that it was one; the newest word counts.",
    (Answer("What was kept; it is published as well.", FeedbackMessage),),
    method="POST",
    role=Role.OPERATOR,
    query=FeedbackQuery,
    refusals={409: "Nothing can be learned from this event, or the disk does not take it."},
)
BUDGET = Operation(
    "setBudget",
    "/api/v1/cameras/{camera}/budget",
    "Set how many anomaly alarms a day are accepted of a camera.",
    (Answer("It is set, and kept over a restart.", Turned),),
    method="POST",
    role=Role.OPERATOR,
    query=BudgetQuery,
)
SWITCH = Operation(
    "turnSwitch",
    "/api/v1/cameras/{camera}/{switch}",
    "Turn a camera, or one of its two kinds of detection, on or off.",
    (Answer("It is turned, and kept over a restart.", Turned),),
    method="POST",
    role=Role.OPERATOR,
    query=SwitchQuery,
)


class Api:
    """What programs and the page's own script ask for."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[ApiRoute]:
        """Return the addresses, each with its description."""
        return [
            guard.route(EVENTS, self.events),
            guard.route(CAMERAS, self.cameras),
            guard.route(SYSTEM, self.system),
            guard.route(RELOAD, self.reload),
            guard.route(FEEDBACK, self.feedback),
            guard.route(BUDGET, self.budget),
            guard.route(SWITCH, self.turn),
        ]

    def events(self, request: Request) -> Response:
        """Return messages after a seq, or the newest ones, as they were published."""
        query = read_query(EventsQuery, request.query_params)
        if query.after is None:
            found = seen_by(request, self._backstage).newest_events(query.which, limit=query.limit)
        else:
            found = seen_by(request, self._backstage).events(
                query.which, after=query.after, limit=query.limit
            )
        last_seq = found[-1].seq if found else query.after or 0
        messages = ",".join(event.payload for event in found)
        return fresh(
            Response(f'{{"last_seq":{last_seq},"events":[{messages}]}}', media_type="application/json")
        )

    def cameras(self, request: Request) -> Response:
        """Return every camera's view."""
        return as_json(Cameras(seen_by(request, self._backstage).cameras()))

    def system(self, request: Request) -> Response:
        """Return the daemon's view."""
        return as_json(seen_by(request, self._backstage).system())

    def reload(self, request: Request) -> Response:
        """Ask for the settings to be read again; the log says what came of it."""
        seen_by(request, self._backstage).request_reload()
        return as_json(Reload(), status_code=202)

    def feedback(self, request: Request) -> Response:
        """Take somebody's word on an event."""
        said = read_query(FeedbackQuery, request.query_params)
        account = account_of(request)
        by = said.by if account is EVERYBODY else account.name  # nobody speaks in another's name
        event_id = request.path_params["event_id"]
        if len(event_id) > MAX_ID_LETTERS:
            raise HTTPException(404, "no event has so long an id")
        try:
            answer = seen_by(request, self._backstage).give_feedback(
                FeedbackCommand(event=event_id, verdict=said.verdict, by=by)
            )
        except UnknownEventError as error:
            raise HTTPException(404, str(error)) from error
        except FeedbackError as error:
            raise HTTPException(409, str(error)) from error
        return fresh(Response(answer.to_json(), media_type="application/json"))

    def turn(self, request: Request) -> Response:
        """Turn a camera's switch."""
        switch = request.path_params["switch"]
        if switch not in ON_OFF_SWITCHES:
            raise HTTPException(404, f"no switch is named {switch!r}; there are {', '.join(ON_OFF_SWITCHES)}")
        return self._turn(request, switch, read_query(SwitchQuery, request.query_params).value)

    def budget(self, request: Request) -> Response:
        """Set a camera's alarms a day."""
        return self._turn(request, "budget", str(read_query(BudgetQuery, request.query_params).value))

    def _turn(self, request: Request, switch: str, text: str) -> Response:
        backstage, camera = seen_by(request, self._backstage), request.path_params["camera"]
        if camera not in {view.name for view in backstage.cameras()}:
            raise HTTPException(404, f"no camera is named {camera!r}")
        try:
            backstage.turn(camera, switch, text)
        except SettingsError as error:
            raise HTTPException(400, str(error)) from error
        return as_json(Turned(camera, switch))
