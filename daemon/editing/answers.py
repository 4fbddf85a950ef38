"""What requests about settings have in common: what they must bring along, how mistakes are answered."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from daemon.answers import as_json
from daemon.config_errors import Problem
from daemon.editing.form import RefusedEditError, SettingsView, StaleEditError, UnknownCameraError
from daemon.incoming import read_body
from daemon.operations import Header
from daemon.refusals import Error
from pipeline.errors import SettingsError

REVISION = re.compile('(?:W/)?"?([0-9A-Za-z]{1,64})"?')
SEEN = Header("if-match", "The revision that was seen, as the `ETag` had it.", f"^{REVISION.pattern}$")
FILE_REFUSAL = {409: "The settings file has mistakes, cannot be written, or has an unforeseen form."}
STALE_REFUSALS = {
    400: "Something of the request is not known or not allowed.",
    412: "The settings have changed since that revision.",
    428: "The header `If-Match` is missing.",
}
BODY_REFUSALS = {
    411: "The request does not say how long it is.",
    413: "The body is too large; it is not read.",
    415: "The body is not `application/json`.",
    422: "Something in it cannot be used; `problems` says by field what.",
}


def camera_of(request: Request) -> str:
    """Return the camera that the address names."""
    return str(request.path_params["camera"])


def revision_of(request: Request) -> str:
    """Return the revision that a change names.

    Raises:
        HTTPException: It names none or something else, and would overwrite what nobody has seen.
    """
    named = request.headers.get("if-match", "")
    if not named:
        raise HTTPException(428, "If-Match is missing: it names the ETag of the settings that you have seen")
    found = REVISION.fullmatch(named)
    if found is None:
        raise HTTPException(400, "If-Match is no ETag of settings")
    return found[1]


def json_of(request: Request, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in a request.

    Raises:
        HTTPException: There is none, or it is too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "settings are sent as application/json")
    try:
        wish = from_json(read_body(request, max_bytes), allow_inf_nan=False)
    except ValueError as error:
        raise HTTPException(400, "this is not JSON") from error
    if not isinstance(wish, dict):
        raise HTTPException(400, "settings are a JSON object")
    return wish


@contextmanager
def blame() -> Iterator[None]:
    """Answer what goes wrong with the status that says whose turn it is."""
    try:
        yield
    except UnknownCameraError as error:
        raise HTTPException(404, str(error)) from error
    except StaleEditError as error:
        raise HTTPException(412, str(error)) from error
    except SettingsError as error:
        raise HTTPException(409, str(error)) from error


def answer(view: SettingsView, *, status_code: int = 200) -> Response:
    """Return a camera's settings with their revision."""
    response = as_json(view, status_code)
    response.headers["etag"] = f'"{view.revision}"'
    return response


def refused(error: RefusedEditError) -> Response:
    """Return what is wrong with settings, by field."""
    body = Error(error=str(error) or "the settings cannot be used", problems=told(error.problems))
    return as_json(body, status_code=422)


def told(problems: Iterable[Problem]) -> dict[str, str]:
    """Return the first sentence about each field: `zones.pool.polygon`, `rules.0.begin`."""
    first: dict[str, str] = {}
    for problem in problems:
        first.setdefault(".".join(problem.location), problem.sentence)
    return first
