"""What a request brings along in, what may be used of it out: from a page of ours, and not too large."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from anyio import from_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request

BODY_TIMEOUT_S = 5.0
# A form of few fields fits many times.
MAX_FORM_BYTES = 8192


def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body of a request; what is too large is not read.

    Raises:
        HTTPException: It is too large or too slow, or does not say how long it is.
    """
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411, "this must say how long it is")
    if int(length) > max_bytes:
        raise HTTPException(413, f"this is too large: at most {max_bytes} bytes are read")
    try:
        # The endpoints run in threads and only the loop can read; who never sends must not hold a thread.
        return from_thread.run(asyncio.wait_for, request.body(), BODY_TIMEOUT_S)
    except TimeoutError as error:
        raise HTTPException(408, "what was announced did not arrive") from error


def read_form(request: Request, max_bytes: int, *, public_host: str = "") -> dict[str, str]:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        HTTPException: It cannot be read, or comes from another site's page.
    """
    origin = request.headers.get("origin")
    ours = {request.headers.get("host"), public_host} - {""}
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise HTTPException(403, "this form was sent from another site")
    body = read_body(request, max_bytes)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}
