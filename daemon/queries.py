"""Queries of requests in, checked values out; no request can read the whole log at once."""

from collections import Counter
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from daemon.config_errors import allowed
from daemon.event_log import EventFilter
from daemon.feedback import Author
from pipeline.feedback import Verdict
from pipeline.types import EventKind

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
MAX_SEQ = 2**63 - 1  # SQLite's largest integer


def is_number(text: str, *, max_digits: int) -> bool:
    """Say whether a text is plain digits: `int` would also take ١٢٣, 1_000 and a megabyte of them."""
    return text.isascii() and text.isdigit() and len(text) <= max_digits


def digits(text: object) -> object:
    """Let only plain digits pass."""
    if isinstance(text, str) and not is_number(text, max_digits=19):
        raise ValueError("must be a whole number")
    return text


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


class Query(BaseModel):
    """The parameters of one request; each field is one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EventsQuery(Query):
    """Which messages are asked for; without `after` the newest ones."""

    after: Annotated[int, Field(ge=0, le=MAX_SEQ), BeforeValidator(digits)] | None = Field(
        default=None, description="Give the first messages with a higher `seq`; without it the newest."
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), BeforeValidator(digits)] = Field(
        default=DEFAULT_LIMIT, description="Give so many at most."
    )
    camera: str | None = Field(default=None, description="Of this camera only.")
    kind: EventKind | None = Field(default=None, description="Of this kind only.")
    label: str | None = Field(default=None, description="Of this label only.")
    id: str | None = Field(default=None, description="Of this event only.")

    @property
    def which(self) -> EventFilter:
        """The filter of the log."""
        return EventFilter(camera=self.camera, kind=self.kind, label=self.label, id=self.id)


class FeedbackQuery(Query):
    """Somebody's word on an event."""

    verdict: Verdict = Field(description="What it was.")
    by: Author | None = Field(
        default=None,
        description="Who says so; where people log in it is the account's name whatever is sent.",
    )


class LabelQuery(Query):
    """What an event shows."""

    task: str = Field(description="A task of the model that runs.")
    label: str = Field(description="One of the task's labels.")


class SwitchQuery(Query):
    """Where a switch is turned to."""

    value: Annotated[Literal["ON", "OFF"], BeforeValidator(_upper)] = Field(description="Its position.")


class BudgetQuery(Query):
    """How many anomaly alarms are accepted."""

    value: float = Field(ge=0.1, le=100, description="Alarms a day.")


AnyQuery = TypeVar("AnyQuery", bound=Query)


def read_query(form: type[AnyQuery], query: QueryParams) -> AnyQuery:
    """Check a request's parameters.

    Raises:
        HTTPException: 400 and one sentence about the first that cannot be used.
    """
    names = Counter(name for name, _ in query.multi_items())
    for name, times in names.items():
        if times > 1:
            raise HTTPException(400, f"{name} is given {times} times")
    try:
        return form.model_validate(dict(query))
    except ValidationError as error:
        raise HTTPException(400, _sentence(error.errors(include_url=False)[0], form)) from error


def _sentence(details: ErrorDetails, form: type[Query]) -> str:
    name = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        known = ", ".join(form.model_fields) or "none"
        return f"unknown parameter {name!r}; there are {known}"
    return f"{name} is required" if details["type"] == "missing" else f"{name} {allowed(details)}"
