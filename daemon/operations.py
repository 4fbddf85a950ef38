"""What a program may ask of us, said beside each route; `daemon/openapi.py` makes the document of it.

A new request of the API is one `guard.route(Operation(…), self.endpoint)` in its module's `routes`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon.access.rights import Role

# A browser sends a header of our own to another site only after asking it: no page elsewhere can change us.
OWN_HEADER = "x-videobertd"
Endpoint = Callable[[Request], Response]


class Open(StrEnum):
    """What needs no role: `ANYBODY` may ask, or `WATCHERS` where `http.open_metrics` is off."""

    ANYBODY = "anybody"
    WATCHERS = "watchers"


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back when all is well.

    `form` is the type of its JSON; None where it is no JSON, but of `media_type`.
    """

    says: str
    form: type | None = None
    status: int = 200
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Header:
    """A header that may be sent; `pattern` is what its value must match."""

    name: str
    says: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Body:
    """What must be sent: JSON of `form`, or something of `media_type` where that is None."""

    says: str
    form: type | None = None
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One request; `name` names it in clients that are made from the document.

    `query` has a field for each parameter; `headers` and `refusals` say what is not common to all requests.
    """

    name: str
    path: str
    says: str
    answers: tuple[Answer, ...]
    method: str = "GET"
    role: Role | Open = Role.VIEWER
    query: type[BaseModel] | None = None
    body: Body | None = None
    headers: tuple[Header, ...] = ()
    refusals: Mapping[int, str] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Say whether it changes anything, so that it must come from a page of ours or a program."""
        return self.method != "GET"


class ApiRoute(Route):
    """A route that the document describes."""

    def __init__(self, operation: Operation, endpoint: Endpoint) -> None:
        super().__init__(operation.path, endpoint, methods=[operation.method], name=operation.name)
        self.operation = operation
