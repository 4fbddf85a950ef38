"""Accounts and tokens on the command line; a running daemon heeds a change at the next request."""

import argparse
import sys
from collections.abc import Callable
from getpass import getpass
from pathlib import Path

from daemon.access.accounts import Accounts
from daemon.access.passwords import random_password
from daemon.access.rights import ROLES, Account
from daemon.config import load_settings
from daemon.exit_codes import EXIT_OK
from pipeline.clock import SystemClock
from pipeline.errors import SettingsError


def add_user_commands(
    parser: argparse.ArgumentParser, *, add_config: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add what `videobertd user` can do."""
    does = parser.add_subparsers(dest="does", required=True, metavar="WHAT")
    add_config(does.add_parser("list", help="print accounts and tokens"))
    add = does.add_parser("add", help="create an account; its password is asked for")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=list(ROLES), default="viewer", help="what it may do (%(default)s)")
    add.add_argument("--cameras", nargs="*", metavar="CAMERA", help="only these; without it all")
    password = does.add_parser("password", help="make a new password, which its owner must change")
    remove = does.add_parser("remove", help="delete an account with its sessions and tokens")
    token = does.add_parser("token", help="print a new token for a program, once")
    revoke = does.add_parser("revoke", help="delete a token")
    for command in (password, remove, token, revoke):
        command.add_argument("name", metavar="NAME")
    for command in (token, revoke):
        command.add_argument("label", metavar="LABEL", help="what it is for")
    for command in (add, password, remove, token, revoke):
        add_config(command)


def run_user(options: argparse.Namespace) -> int:
    """Do what the command line says with the accounts of the settings' data folder.

    Raises:
        SettingsError: It cannot be done; nothing has changed.
    """
    accounts = open_accounts(options.config)
    match options.does:
        case "list":
            return list_users(accounts)
        case "add":
            return add_user(accounts, options.name, role=options.role, cameras=options.cameras)
        case "password":
            return change_password(accounts, options.name)
        case "remove":
            return remove_user(accounts, options.name)
        case "token":
            return add_token(accounts, options.name, options.label)
        case _:
            return remove_token(accounts, options.name, options.label)


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
