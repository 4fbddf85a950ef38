"""Events in, their videos out; and cameras in, their newest pictures."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from daemon.access.guard import Guard
from daemon.access.limited import seen_by
from daemon.answers import fresh
from daemon.operations import Answer, ApiRoute, Header, Operation
from daemon.views import Backstage

# What is kept of an event never changes, but whoever logs out must not find it in a shared cache.
KEEP_A_DAY = {"cache-control": "private, max-age=86400"}
# One part, as players ask for; each part of several would need a size check of its own.
RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-[0-9]{1,18})")

CLIP = Operation(
    "clip",
    "/clips/{event_id}.mp4",
    "Return an event's video, which begins before it; it is written when the event has ended.",
    (
        Answer("The video.", media_type="video/mp4"),
        Answer("The part that was asked for.", status=206, media_type="video/mp4"),
    ),
    headers=(Header("range", "Which part of the file, as in `bytes=0-1023`.", f"^{RANGE.pattern}$"),),
    refusals={400: "The range is none, or more than one.", 416: "The range lies beyond the end."},
)
PICTURE = Operation(
    "picture",
    "/cameras/{camera}.jpg",
    "Return a camera's newest picture.",
    (Answer("The picture.", media_type="image/jpeg"),),
)


class Media:
    """The endpoints; `event_files` refuses what is no event's id."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[ApiRoute]:
        """Return the addresses, each with its description."""
        return [
            guard.route(CLIP, self.clip),
            guard.route(PICTURE, self.picture),
        ]

    def clip(self, request: Request) -> Response:
        """Return an event's video, or the part of it that a player asks for."""
        path = seen_by(request, self._backstage).clip(request.path_params["event_id"])
        if path is None:
            raise HTTPException(404, "no clip is kept of that event, or not yet: it is written when it ends")
        _check_range(request.headers.get("range"), path.stat().st_size)
        return FileResponse(path, media_type="video/mp4", headers=KEEP_A_DAY)

    def picture(self, request: Request) -> Response:
        """Return a camera's newest picture."""
        jpeg = seen_by(request, self._backstage).picture(request.path_params["camera"])
        if jpeg is None:
            raise HTTPException(404, "no camera of that name has delivered a picture yet")
        return fresh(Response(jpeg, media_type="image/jpeg"))


def _check_range(header: str | None, size: int) -> None:
    """Refuse a range that the file does not have, in JSON as all else is refused.

    Raises:
        HTTPException: 400 for what is no range, 416 for one that begins behind the end.
    """
    if header is None:
        return
    found = RANGE.fullmatch(header)
    if found is None or (found[2] and int(found[1]) > int(found[2])):
        raise HTTPException(400, "a range is like bytes=0-1023")
    if int(found[1] or 0) >= size:
        raise HTTPException(416, f"the file has {size} bytes", {"content-range": f"bytes */{size}"})
