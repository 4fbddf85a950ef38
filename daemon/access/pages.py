"""The pages of login, logout and the own password: plain forms, no script needed."""

import math
import threading
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon.access.accounts import Accounts, AccountsError
from daemon.access.attempts import Attempts
from daemon.access.guard import COOKIE, Guard, Policy, account_of, peer_of, sender_of, session_key
from daemon.incoming import MAX_FORM_BYTES, read_form
from daemon.rendering import show
from pipeline.clock import Clock
from pipeline.errors import SettingsError

LONGEST_WAIT_BY_NAME_S = 5.0


class AccessPages:
    """Where people say who they are; guessing is slowed by address and by name."""

    def __init__(
        self,
        accounts: Accounts,
        policy: Policy,
        clock: Clock,
        *,
        count_failure: Callable[[str], object] = lambda _reason: None,
    ) -> None:
        self._count_failure = count_failure
        self._accounts = accounts
        self._policy = policy
        self._by_address = Attempts(clock)
        # Guesses from many addresses are slowed, too, but nobody can keep an owner out for long.
        self._by_name = Attempts(clock, longest_wait_s=LONGEST_WAIT_BY_NAME_S)
        # One password is checked at a time: each takes 64 MB, and none overtakes the count of the last.
        self._lock = threading.Lock()

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
            return show("login.html", target=target, problem="")
        form = _form(request, self._policy)
        return self._log_in(request, form, target)

    def logout(self, request: Request) -> Response:
        """End the session."""
        _form(request, self._policy)
        self._accounts.end_session(session_key(request))
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    def account(self, request: Request) -> Response:
        """Show whose session it is, or take a new password."""
        account = account_of(request)
        if request.method == "GET":
            return show("account.html", account=account, problem="", asks=self._policy.asks)
        form = _form(request, self._policy)
        return self._change_password(request, form)

    def _log_in(self, request: Request, form: dict[str, str], target: str) -> Response:
        name, address = form.get("name", ""), sender_of(request, self._policy)
        with self._lock:
            wait_s = max(self._by_address.wait_s(address), self._by_name.wait_s(name[:64]))
            if wait_s > 0:
                self._count_failure("too_often")
                return _too_often(target, math.ceil(wait_s))
            account = self._accounts.check(name, form.get("password", ""))
            if account is None:
                self._count_failure("wrong")
                self._by_address.failed(address)
                self._by_name.failed(name[:64])
                problem = "Name or password is wrong."
                return show("login.html", target=target, problem=problem, status_code=401)
            self._by_address.succeeded(address)
            self._by_name.succeeded(name[:64])
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
            except AccountsError:
                raise
            except SettingsError as error:
                problem = f"{error}."[:1].upper() + f"{error}."[1:]
        if problem:
            return show(
                "account.html", account=account, problem=problem, asks=self._policy.asks, status_code=400
            )
        return self._begin(request, account.name, "/")

    def _begin(self, request: Request, name: str, target: str) -> Response:
        """Begin a session; the old one, if any, ends."""
        self._accounts.end_session(session_key(request))
        key = self._accounts.begin_session(name, self._policy.session_s)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            COOKIE,
            key,
            max_age=int(self._policy.session_s),
            httponly=True,
            samesite="lax",
            secure=_is_https(request, self._policy),
        )
        return response


def _too_often(target: str, wait_s: int) -> Response:
    problem = f"Too many attempts: try again in {wait_s} s."
    response = show("login.html", target=target, problem=problem, status_code=429)
    response.headers["retry-after"] = str(wait_s)
    return response


def _form(request: Request, policy: Policy) -> dict[str, str]:
    return read_form(request, MAX_FORM_BYTES, public_host=policy.public_host)


def _own_path(target: str) -> str:
    """Return a path of ours to go on to: never another site's, which `//host` would be."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"


def _is_https(request: Request, policy: Policy) -> bool:
    """Say whether the browser came over HTTPS, which a trusted proxy may have ended."""
    if policy.trusts(peer_of(request)):
        return request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    return request.url.scheme == "https"
