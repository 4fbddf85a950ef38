"""Whoever visits a daemon's pages in tests: anybody, where nobody is asked, and people with accounts."""

from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from daemon.access.accounts import Accounts
from daemon.access.guard import Policy
from daemon.access.rights import Account
from daemon.config import HttpTable
from daemon.web import Door, create_app
from tests.backstages import EVERYBODY_IN, FakeBackstage
from tests.fakes import ManualClock

PASSWORD = "correct horse"


def visitor(backstage: FakeBackstage, registry: CollectorRegistry | None = None) -> TestClient:
    """Return a client of a daemon that asks nobody who he is."""
    app = create_app(backstage, registry or CollectorRegistry(), HttpTable(), door=EVERYBODY_IN)
    return TestClient(app, base_url="http://127.0.0.1:8080", follow_redirects=False)


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
