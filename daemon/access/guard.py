"""Requests in, the account behind each out: by session, by token, or by a proxy that has asked already.

Whoever is not recognised gets the login page, or 401 where a program asks.
"""

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from daemon.access.accounts import Accounts
from daemon.access.rights import EVERYBODY, Account, Role
from daemon.operations import OWN_HEADER, ApiRoute, Endpoint, Open, Operation
from daemon.refusals import wants_page

COOKIE = "videobertd"
# What somebody may do before the first password is changed.
OWN_PATHS = ("/account", "/logout")


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is asked to log in.

    `asks` False lets everybody in as an admin. `proxy_header` names the user where a proxy at one of the
    `trusted_proxies` (addresses or networks) has checked the password. `open_metrics` leaves metrics and
    readiness to everybody. `public_host` is the host and port of the public URL, from which forms come too.
    """

    asks: bool
    session_s: float = 7 * 86400.0
    proxy_header: str = ""
    trusted_proxies: tuple[str, ...] = ()
    open_metrics: bool = True
    public_host: str = ""

    def trusts(self, address: str) -> bool:
        """Say whether what this peer says of its users is believed."""
        try:
            peer = ip_address(address)
        except ValueError:  # a socket without an address
            return False
        return any(peer in ip_network(proxy, strict=False) for proxy in self.trusted_proxies)


class Guard:
    """Stands before each endpoint and names the account in `request.state.account`."""

    def __init__(self, accounts: Accounts, policy: Policy) -> None:
        self._accounts = accounts
        self._policy = policy

    def route(self, operation: Operation, endpoint: Endpoint) -> ApiRoute:
        """Return the route of a described request, for those only who may ask it."""
        served = _for_our_own(endpoint) if operation.changes else endpoint
        if isinstance(operation.role, Role):
            return ApiRoute(operation, self.protect(served, operation.role))
        return ApiRoute(operation, self.watch(served) if operation.role is Open.WATCHERS else served)

    def protect(self, endpoint: Endpoint, role: Role = Role.VIEWER) -> Endpoint:
        """Return the endpoint for those only who may do what `role` may."""

        def protected(request: Request) -> Response:
            account = self._account(request) if self._policy.asks else EVERYBODY
            refusal = _refusal(request, account, role)
            if refusal is not None:
                return refusal
            request.state.account = account
            return endpoint(request)

        return protected

    def watch(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint for whoever watches over the process, as the policy has it."""
        if self._policy.open_metrics:
            return endpoint

        return self.protect(of_all_cameras(endpoint))  # figures are not told apart by cameras

    def _account(self, request: Request) -> Account | None:
        """Return who asks; the first way of saying so that is tried counts."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._accounts.of_token(token.strip())
        policy = self._policy
        if policy.proxy_header and policy.trusts(peer_of(request)):
            name = request.headers.get(policy.proxy_header, "")
            account = self._accounts.of_name(name) if name else None
            return account and replace(account, must_change=False)  # the proxy's password is another one
        key = session_key(request)
        return self._accounts.of_session(key) if key else None


def of_all_cameras(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint for accounts with rights on all cameras: it is about what these share."""

    def served(request: Request) -> Response:
        if account_of(request).cameras is not None:
            raise HTTPException(403, "this needs rights on all cameras")
        return endpoint(request)

    return served


def _for_our_own(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint for senders of our own header only: no other site's page can send it."""

    def served(request: Request) -> Response:
        if OWN_HEADER not in request.headers:
            raise HTTPException(403, f"the header {OWN_HEADER} is missing")
        return endpoint(request)

    return served


def _refusal(request: Request, account: Account | None, role: Role) -> Response | None:
    """Return where somebody is sent instead of the endpoint; None where the request may pass.

    Raises:
        HTTPException: It may not, and it is no browser that could be sent elsewhere.
    """
    path = request.url.path
    if account is None:
        if wants_page(request):
            target = f"{path}?{request.url.query}" if request.url.query else path
            return RedirectResponse(f"/login?next={quote(target, safe='/')}", status_code=303)
        raise HTTPException(401, "log in, or send a token", {"www-authenticate": "Bearer"})
    if account.must_change and path not in OWN_PATHS:
        if wants_page(request):
            return RedirectResponse("/account", status_code=303)
        raise HTTPException(403, "choose a password first, at /account")
    if not account.may(role):
        raise HTTPException(403, f"this needs the role {role.name.lower()}")
    return None


def peer_of(request: Request) -> str:
    """Return the address of whoever is connected; empty for a socket without one."""
    return request.client.host if request.client else ""


def sender_of(request: Request, policy: Policy) -> str:
    """Return the address of whoever sends: behind a trusted proxy, whom that names last."""
    peer = peer_of(request)
    forwarded = request.headers.get("x-forwarded-for", "")
    return forwarded.rpartition(",")[2].strip() if forwarded and policy.trusts(peer) else peer


def session_key(request: Request) -> str:
    """Return the key in the session's cookie; empty where there is none."""
    return request.cookies.get(COOKIE, "")


def account_of(request: Request) -> Account:
    """Return who is behind a request that `protect` let pass."""
    account: Account = request.state.account
    return account
