"""The forms of the HTTP API's JSON answers; docs/http-api.json is made from them."""

from dataclasses import asdict, dataclass
from typing import Literal

from starlette.responses import JSONResponse, Response

from daemon.payloads import EventMessage
from daemon.views import CameraView


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of events, oldest first, and the `seq` to go on from; each is as it was published."""

    last_seq: int
    events: tuple[EventMessage, ...]


@dataclass(frozen=True, slots=True)
class Cameras:
    """All cameras that the account may see, in the order of the settings."""

    cameras: tuple[CameraView, ...]


@dataclass(frozen=True, slots=True)
class Turned:
    """What was turned."""

    camera: str
    turned: str


@dataclass(frozen=True, slots=True)
class Reload:
    """That the settings will be read; the log says what came of it."""

    reload: Literal["requested"] = "requested"


@dataclass(frozen=True, slots=True)
class Health:
    """That the process lives."""

    alive: Literal[True] = True


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether all is as it should be; if not, what is wrong by `broker`, `storage` or `cameras.<name>`."""

    ready: bool
    problems: dict[str, str]


def as_json(answer: object, status_code: int = 200) -> Response:
    """Return an answer, which is one of the dataclasses that a document can describe."""
    return fresh(JSONResponse(asdict(answer), status_code))  # type: ignore[call-overload]


def fresh(response: Response) -> Response:
    """Have the response kept nowhere: it is old in a second."""
    response.headers["cache-control"] = "no-store"
    return response
