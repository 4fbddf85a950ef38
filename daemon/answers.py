"""The forms of the HTTP API's JSON answers; docs/http-api.json is made from them."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter
from starlette.responses import Response

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
    """Return an answer as the API's document describes its type, with the names that its fields go by."""
    body = _form(type(answer)).dump_json(answer, by_alias=True)  # type: ignore[arg-type]  # types have hashes
    return fresh(Response(body, status_code, media_type="application/json"))


def fresh(response: Response) -> Response:
    """Have the response kept nowhere: it is old in a second."""
    response.headers["cache-control"] = "no-store"
    return response


@cache
def _form(of: type) -> TypeAdapter[Any]:
    """Return what writes a type; to make it takes a while."""
    return TypeAdapter(of)
