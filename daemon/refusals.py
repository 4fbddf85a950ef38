"""Why a request is refused in; JSON for programs, and a page for people who use a browser, out."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daemon.access.accounts import AccountsError
from daemon.rendering import show

logger = logging.getLogger(__name__)


class Error(BaseModel):
    """What is answered where a request cannot be met."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: str = Field(description="In one sentence, why.")
    problems: dict[str, str] = Field(
        default={}, description="What is wrong by field, where that can be said."
    )


def wants_page(request: Request) -> bool:
    """Say whether a browser asks, for a page that somebody will look at."""
    return "text/html" in request.headers.get("accept", "")


def refuse(request: Request, error: Exception) -> Response:
    """Answer what was raised; of a fault of our own nothing is told but that it is one."""
    if isinstance(error, AccountsError):
        logger.error("%s", error)
        error = HTTPException(503, "the accounts cannot be read or written now; the log says why")
    elif not isinstance(error, HTTPException):
        error = HTTPException(500, "this is a fault of videobertd; its log has more")
    is_page = wants_page(request) and not request.url.path.startswith("/api/")
    response = _page(request, error) if is_page else _json(request, error)
    response.headers["cache-control"] = "no-store"
    return response


def _headers(request: Request, error: HTTPException) -> Mapping[str, str] | None:
    """Return the headers; of several routes with one path each knows its own methods only."""
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return error.headers
    return {"allow": ", ".join(_allowed(request))}


def _json(request: Request, error: HTTPException) -> Response:
    body = Error(error=_sentence(error)).model_dump(exclude_defaults=True)
    return JSONResponse(body, error.status_code, headers=_headers(request, error))


def _page(request: Request, error: HTTPException) -> Response:
    status, sentence = error.status_code, _sentence(error)
    title = HTTPStatus(status).phrase
    page = show("error.html", status_code=status, status=status, title=title, sentence=sentence)
    page.headers.update(_headers(request, error) or {})
    return page


def _allowed(request: Request) -> list[str]:
    """Return the methods of the address, which can have a route for each of them."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = next((route for route in routes if route.path_regex.match(request.url.path)), None)
    same = [route.methods or set() for route in routes if found is not None and route.path == found.path]
    return sorted(set().union(*same))


def _sentence(error: HTTPException) -> str:
    """Return the detail; the bare phrases that routing gives are put into a sentence."""
    return {
        "Not Found": "there is nothing at this address",
        "Method Not Allowed": "this address does not take that method",
    }.get(error.detail, error.detail)
