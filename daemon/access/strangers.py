"""Requests that change something in, those that no page of ours sent refused."""

from starlette.exceptions import HTTPException
from starlette.requests import Request

# A browser sends a header of our own to another site only after asking it: no page elsewhere can change us.
OWN_HEADER = "x-videobertd"


def refuse_strangers(request: Request) -> None:
    """Let in only who sends our own header, as no form or script of another site can.

    Raises:
        HTTPException: The header is missing.
    """
    if OWN_HEADER not in request.headers:
        raise HTTPException(403, f"the header {OWN_HEADER} is missing")
