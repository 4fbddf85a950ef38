"""Requests for an event's snapshot in, its parts out: the picture, whole and small, and what lies over it."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from daemon.access.guard import Guard
from daemon.access.limited import seen_by
from daemon.media import KEEP_A_DAY
from daemon.operations import Answer, ApiRoute, Operation
from daemon.snapshots import Part
from daemon.views import Backstage

SNAPSHOT = Operation(
    "snapshot",
    "/snapshots/{event_id}.jpg",
    "Return an event's plain picture.",
    (Answer("The picture.", media_type="image/jpeg"),),
)
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
            guard.route(SNAPSHOT, self.picture),
            guard.route(THUMBNAIL, self.thumbnail),
            guard.route(HEAT, self.heat),
            guard.route(NORMAL, self.normal),
        ]

    def picture(self, request: Request) -> Response:
        """Return the plain picture."""
        return _answer(self._part(request, Part.PICTURE), "image/jpeg")

    def thumbnail(self, request: Request) -> Response:
        """Return the picture for lists; of an event that was kept without one, the whole picture."""
        picture = self._part(request, Part.THUMBNAIL) or self._part(request, Part.PICTURE)
        return _answer(picture, "image/jpeg")

    def heat(self, request: Request) -> Response:
        """Return the heat map."""
        return _answer(self._part(request, Part.HEAT), "image/png")

    def normal(self, request: Request) -> Response:
        """Return the nearest normal moment."""
        return _answer(self._part(request, Part.NORMAL), "image/jpeg")

    def _part(self, request: Request, part: Part) -> bytes | None:
        return seen_by(request, self._backstage).snapshot(request.path_params["event_id"], part)


def _answer(picture: bytes | None, media_type: str) -> Response:
    if picture is None:
        raise HTTPException(404, "no such picture is kept of that event")
    return Response(picture, media_type=media_type, headers=KEEP_A_DAY)
