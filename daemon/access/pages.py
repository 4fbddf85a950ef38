"""The pages of login, logout and the own password: plain forms, no script needed."""

import math
from urllib.parse import parse_qs, urlsplit

from anyio import from_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon.access.accounts import Accounts
from daemon.access.attempts import Attempts
from daemon.access.guard import COOKIE, Guard, Policy, account_of, peer_of, session_key
from daemon.rendering import TEMPLATES
from pipeline.errors import SettingsError

# A name and two passwords fit many times.
MAX_FORM_BYTES = 8192


class AccessPages:
    """Where people say who they are; guessing is slowed by address and by name."""

    def __init__(self, accounts: Accounts, policy: Policy, attempts: Attempts) -> None:
        self._accounts = accounts
        self._policy = policy
        self._attempts = attempts

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses of these pages."""
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/account", guard.protect(self.account), methods=["GET", "POST"]),
        ]

    def login(self, request: Request) -> Response:
        """Show the form, or take it."""
        target = _own_path(request.query_params.get("next", "/"))
        if request.method == "GET":
            return _page("login.html", target=target, problem="")
        form = _form(request)
        return self._log_in(request, form, target)

    def logout(self, request: Request) -> Response:
        """End the session."""
        _form(request)
        self._accounts.end_session(session_key(request.headers))
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    def account(self, request: Request) -> Response:
        """Show whose session it is, or take a new password."""
        account = account_of(request)
        if request.method == "GET":
            return _page("account.html", account=account, problem="", asks=self._policy.asks)
        form = _form(request)
        return self._change_password(request, form)

    def _log_in(self, request: Request, form: dict[str, str], target: str) -> Response:
        name = form.get("name", "")
        keys = (f"address {peer_of(request)}", f"name {name[:64]}")
        wait_s = self._attempts.wait_s(*keys)
        if wait_s > 0:
            problem = f"Too many attempts: try again in {math.ceil(wait_s)} s."
            response = _page("login.html", target=target, problem=problem, status_code=429)
            response.headers["retry-after"] = str(math.ceil(wait_s))
            return response
        account = self._accounts.check(name, form.get("password", ""))
        if account is None:
            self._attempts.failed(*keys)
            return _page("login.html", target=target, problem="Name or password is wrong.", status_code=401)
        self._attempts.succeeded(*keys)
        return self._begin(request, account.name, target)

    def _change_password(self, request: Request, form: dict[str, str]) -> Response:
        account = account_of(request)
        problem = ""
        if self._accounts.check(account.name, form.get("old", "")) is None:
            problem = "The present password is wrong."
        elif form.get("new", "") != form.get("again", ""):
            problem = "The new password was typed in two ways."
        elif form.get("new") == form.get("old"):
            problem = "The new password is the old one."
        else:
            try:
                self._accounts.set_password(account.name, form.get("new", ""))
            except SettingsError as error:
                problem = f"{error}."[:1].upper() + f"{error}."[1:]
        if problem:
            return _page(
                "account.html", account=account, problem=problem, asks=self._policy.asks, status_code=400
            )
        return self._begin(request, account.name, "/")

    def _begin(self, request: Request, name: str, target: str) -> Response:
        """Begin a session; the old one, if any, ends."""
        self._accounts.end_session(session_key(request.headers))
        key = self._accounts.begin_session(name, self._policy.session_s)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            COOKIE,
            key,
            max_age=int(self._policy.session_s),
            httponly=True,
            samesite="strict",
            secure=_is_https(request, self._policy),
        )
        return response


def _page(template: str, *, status_code: int = 200, **values: object) -> Response:
    html = TEMPLATES.get_template(template).render(**values)
    return Response(html, status_code, media_type="text/html", headers={"cache-control": "no-store"})


def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form that one of our own pages sent.

    Raises:
        HTTPException: It is too large, or comes from another site's page.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "this form was sent from another site")
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        raise HTTPException(411, "a form must say how long it is")
    if int(length) > MAX_FORM_BYTES:
        raise HTTPException(413, "this form is too large")
    body = from_thread.run(request.body)  # the endpoints run in threads; only the loop can read
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _own_path(target: str) -> str:
    """Return a path of ours to go on to: never another site's, which `//host` would be."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"


def _is_https(request: Request, policy: Policy) -> bool:
    """Say whether the browser came over HTTPS, which a trusted proxy may have ended."""
    if policy.trusts(peer_of(request)):
        return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    return request.url.scheme == "https"
