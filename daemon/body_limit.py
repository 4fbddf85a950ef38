"""Requests in, those with too large a body refused before anything of it is read."""

from collections.abc import Awaitable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

# A page of settings fits a hundred times. Headers and addresses are bounded by h11, at 64 KiB together.
MAX_BODY_BYTES = 1024 * 1024


class BodyLimit:
    """Lets only requests pass that say how long they are, and are not too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer 411 or 413, or pass the request on; h11 takes care that none is longer than it says."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        headers = Headers(scope=scope)
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers:
            return _refusal(411, "a request must say how long it is")(scope, receive, send)
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return _refusal(413, f"a request has at most {MAX_BODY_BYTES} bytes")(scope, receive, send)
        return self._app(scope, receive, send)


def _refusal(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, status, headers={"connection": "close"})
