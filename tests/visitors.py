"""Whoever visits a daemon's pages in tests: anybody, where nobody is asked, and people with accounts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.testclient import TestClient

from daemon.access.accounts import Accounts
from daemon.access.guard import Policy
from daemon.access.rights import Account
from daemon.config import HttpTable
from daemon.server import HttpServer, bind, page_url
from daemon.web import Door, create_app
from tests.backstages import EVERYBODY_IN, FakeBackstage
from tests.fakes import ManualClock

PASSWORD = "correct horse"


def visitor(backstage: FakeBackstage, registry: CollectorRegistry | None = None) -> TestClient:
    """Return a client of a daemon that asks nobody who he is."""
    app = create_app(backstage, registry or CollectorRegistry(), HttpTable(), door=EVERYBODY_IN)
    return TestClient(app, base_url="http://127.0.0.1:8080", follow_redirects=False)


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    """Serve an application as the daemon does while the block lasts; give its address."""
    http = HttpTable(port=0)
    with bind(http) as listener:
        server = HttpServer(app, listener)
        thread = threading.Thread(target=server.run, args=(threading.Event(),))
        thread.start()
        listener.listen()
        try:
            yield page_url(http, listener)
        finally:
            server.stop_serving()
            thread.join(10)


@dataclass(frozen=True, slots=True)
class People:
    """Some who have accounts, each with a token."""

    accounts: Accounts
    tokens: dict[str, str]

    def visitor(
        self, backstage: FakeBackstage, name: str | None, *, policy: Policy | None = None
    ) -> TestClient:
        """Return somebody's client of a daemon that asks who he is; None is nobody's."""
        door = Door(self.accounts, policy or Policy(asks=True), ManualClock())
        app = create_app(backstage, CollectorRegistry(), HttpTable(host="0.0.0.0"), door=door)
        headers = {"authorization": f"Bearer {self.tokens[name]}"} if name else {}
        return TestClient(app, base_url="http://cams.example:8080", headers=headers, follow_redirects=False)


def people_of(folder: Path, *those: Account) -> People:
    """Make accounts; do it once for all tests of a module, as to hash a password is meant to take long."""
    accounts = Accounts(folder, ManualClock())
    for one in those:
        accounts.add(one, PASSWORD)
    return People(accounts, {one.name: accounts.add_token(one.name, "test") for one in those})
