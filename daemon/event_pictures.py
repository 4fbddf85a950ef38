"""Requests for what goes with an event's snapshot in, files out: the thumbnail and the layers over it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from daemon.access.guard import Guard
from daemon.access.limited import seen_by
from daemon.media import KEEP_A_DAY
from daemon.operations import Answer, ApiRoute, Operation
from daemon.snapshots import Part
from daemon.views import Backstage

THUMBNAIL = Operation(
    "thumbnail",
    "/thumbnails/{event_id}.jpg",
    "Return an event's picture in small, with its place drawn in.",
    (Answer("The picture.", media_type="image/jpeg"),),
)
HEAT = Operation(
    "heat",
    "/snapshots/{event_id}/heat.png",
    "Return how unusual each part of an event's picture was, to be laid over it.",
    (Answer("The heat map, clear where nothing was unusual.", media_type="image/png"),),
)
NORMAL = Operation(
    "normal_moment",
    "/snapshots/{event_id}/normal.jpg",
    "Return, in small, the normal moment that looked most like an anomaly's beginning.",
    (Answer("The picture.", media_type="image/jpeg"),),
)


class EventPictures:
    """The endpoints; `daemon/snapshots.py` refuses what is no event's id."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[ApiRoute]:
        """Return the addresses of these pictures, each with its description."""
        return [
            guard.route(THUMBNAIL, self.thumbnail),
            guard.route(HEAT, self.heat),
            guard.route(NORMAL, self.normal),
        ]

    def thumbnail(self, request: Request) -> Response:
        """Return the picture for lists; of an event that was kept without one, the whole picture."""
        event_id, seen = request.path_params["event_id"], seen_by(request, self._backstage)
        return _answer(seen.snapshot(event_id, Part.THUMBNAIL) or seen.snapshot(event_id), "image/jpeg")

    def heat(self, request: Request) -> Response:
        """Return the heat map."""
        seen = seen_by(request, self._backstage)
        return _answer(seen.snapshot(request.path_params["event_id"], Part.HEAT), "image/png")

    def normal(self, request: Request) -> Response:
        """Return the nearest normal moment."""
        seen = seen_by(request, self._backstage)
        return _answer(seen.snapshot(request.path_params["event_id"], Part.NORMAL), "image/jpeg")


def _answer(picture: bytes | None, media_type: str) -> Response:
    if picture is None:
        raise HTTPException(404, "no such picture is kept of that event")
    return Response(picture, media_type=media_type, headers=KEEP_A_DAY)
