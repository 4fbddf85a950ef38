"""Questions over HTTP in, the events that were found out: as JSON, and as a page that needs no script."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon.access.guard import Guard, account_of
from daemon.access.limited import seen_by
from daemon.answers import as_json
from daemon.operations import Answer, Operation
from daemon.queries import read_query
from daemon.rendering import show
from daemon.search.desk import Alike, WordsFound
from daemon.search.queries import DEFAULT_LIMIT, SimilarQuery, WordsQuery, parse_form
from daemon.views import Backstage

SIMILAR = Operation(
    "similarEvents",
    "/api/v1/events/{event_id}/similar",
    "Return past events whose clips look like an event's.",
    (Answer("The events, the most alike first; why there can be none.", Alike),),
    query=SimilarQuery,
)
WORDS = Operation(
    "searchEvents",
    "/api/v1/search",
    "Return past events of which all the words are written, and those that look like what they say.",
    (Answer("Both, and how far to trust the latter.", WordsFound),),
    query=WordsQuery,
)


class SearchPages:
    """The addresses of search."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses; who may look at events may look for them."""
        return [
            Route("/search", guard.protect(self.page)),
            guard.route(WORDS, self.words),
            guard.route(SIMILAR, self.similar),
        ]

    def page(self, request: Request) -> Response:
        """Show what words find, or the form alone where there are none."""
        try:
            asked = parse_form(request.query_params)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        backstage, found = seen_by(request, self._backstage), None
        if asked.words:
            found = backstage.search.words(asked.words, asked.which, limit=DEFAULT_LIMIT)
        return show(
            "search.html",
            words=asked.words,
            wanted=asked.wanted,
            found=found,
            cameras=[camera.name for camera in backstage.cameras()],
            labels=backstage.archive.labels(),
            may=account_of(request).rights,
        )

    def words(self, request: Request) -> Response:
        """Return what words find."""
        asked = read_query(WordsQuery, request.query_params)
        search = seen_by(request, self._backstage).search
        return as_json(search.words(asked.words, asked.which, limit=asked.limit))

    def similar(self, request: Request) -> Response:
        """Return the events that are like one."""
        asked = read_query(SimilarQuery, request.query_params)
        event_id = request.path_params["event_id"]
        alike = seen_by(request, self._backstage).search.similar(event_id, asked.which, limit=asked.limit)
        if alike is None:
            raise HTTPException(404, "there is no such event, or it is older than events are kept")
        return as_json(alike)
