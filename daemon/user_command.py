"""Accounts and tokens on the command line; a running daemon heeds a change at the next request."""

import sys
from getpass import getpass
from pathlib import Path

from daemon.access.accounts import Accounts
from daemon.access.passwords import random_password
from daemon.access.rights import ROLES, Account
from daemon.config import load_settings
from daemon.exit_codes import EXIT_OK
from pipeline.clock import SystemClock
from pipeline.errors import SettingsError


def open_accounts(config: Path) -> Accounts:
    """Return the accounts of the settings' data folder.

    Raises:
        SettingsError: The settings cannot be used.
    """
    return Accounts(load_settings(config).storage.data_dir, SystemClock())


def list_users(accounts: Accounts) -> int:
    """Print each account and each token."""
    for account in accounts.all():
        cameras = (
            "all cameras" if account.cameras is None else ", ".join(sorted(account.cameras)) or "no camera"
        )
        print(f"{account.name:20} {account.role.name.lower():10} {cameras}")
    for token in accounts.tokens():
        print(f"{token.account:20} token      {token.label}")
    return EXIT_OK


def add_user(accounts: Accounts, name: str, *, role: str, cameras: list[str] | None) -> int:
    """Create an account; its password is asked for, or read where nobody sits at the terminal."""
    seen = None if cameras is None else frozenset(cameras)
    accounts.add(Account(name, ROLES[role], seen), _new_password())
    print(f"{name} may log in")
    return EXIT_OK


def change_password(accounts: Accounts, name: str) -> int:
    """Give an account a password that its owner must change, and print it once."""
    password = random_password()
    accounts.set_password(name, password, must_change=True)
    print(f"{name} logs in once with {password} and then chooses a new password")
    return EXIT_OK


def remove_user(accounts: Accounts, name: str) -> int:
    """Delete an account with its sessions and tokens."""
    accounts.remove(name)
    print(f"{name} is gone")
    return EXIT_OK


def add_token(accounts: Accounts, name: str, label: str) -> int:
    """Print a new token, once."""
    print(accounts.add_token(name, label))
    return EXIT_OK


def remove_token(accounts: Accounts, name: str, label: str) -> int:
    """Delete a token."""
    accounts.remove_token(name, label)
    print(f"the token {label} of {name} is gone")
    return EXIT_OK


def _new_password() -> str:
    """Ask twice at a terminal; else read one line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("password: ")
    if getpass("once more: ") != password:
        raise SettingsError("the password was typed in two ways")
    return password
