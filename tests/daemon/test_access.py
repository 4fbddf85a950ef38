"""Who may log in, and what the accounts remember."""

import shutil
import stat

import pytest

from daemon.access.accounts import FILE_NAME, Accounts, Token
from daemon.access.attempts import FREE, LONGEST_WAIT_S, Attempts
from daemon.access.passwords import hash_password, is_password, random_password
from daemon.access.rights import Account, Role
from pipeline.errors import SettingsError
from tests.fakes import ManualClock

PASSWORD = "correct horse"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """Return a folder with two accounts: to hash a password is meant to take long."""
    folder = tmp_path_factory.mktemp("accounts")
    accounts = Accounts(folder, ManualClock())
    accounts.add(Account("ada", Role.ADMIN), PASSWORD)
    accounts.add(Account("eve", Role.VIEWER, frozenset({"yard"})), PASSWORD)
    return folder


@pytest.fixture
def accounts(made_once, tmp_path, clock):
    shutil.copy(made_once / FILE_NAME, tmp_path)
    return Accounts(tmp_path, clock)


def test_a_password_is_checked_against_its_hash_and_never_kept():
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept
    assert is_password(PASSWORD, kept)
    assert not is_password(PASSWORD + " ", kept)


@pytest.mark.parametrize("kept", [None, "", "$argon2id$nonsense"])
def test_without_a_hash_no_password_is_right(kept):
    assert not is_password(PASSWORD, kept)


@pytest.mark.parametrize(
    ("password", "sentence"), [("short", "10 letters at least"), ("é" * 600, "1024 bytes")]
)
def test_a_password_that_cannot_be_used_says_why(password, sentence):
    with pytest.raises(ValueError, match=sentence):
        hash_password(password)


def test_a_made_password_is_four_groups_of_five_and_never_the_same():
    assert [len(group) for group in random_password().split("-")] == [5, 5, 5, 5]
    assert random_password() != random_password()


def test_name_and_password_lead_to_the_account_with_its_rights(accounts):
    assert accounts.check("eve", PASSWORD) == Account("eve", Role.VIEWER, frozenset({"yard"}))
    assert accounts.check("eve", "wrong password") is None
    assert accounts.check("nobody", PASSWORD) is None
    assert accounts.check("' OR 1=1 --", PASSWORD) is None


def test_the_file_is_for_its_owner_only_and_holds_no_key(accounts, tmp_path):
    key = accounts.begin_session("ada", 60)
    file = tmp_path / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key.encode() not in file.read_bytes()
    assert PASSWORD.encode() not in file.read_bytes()


def test_the_first_account_is_an_admin_who_must_choose_a_password(tmp_path, clock):
    accounts = Accounts(tmp_path, clock)
    password = accounts.create_first()
    assert accounts.check("admin", password) == Account("admin", Role.ADMIN, must_change=True)
    assert accounts.create_first() is None
    accounts.set_password("admin", PASSWORD)
    assert not accounts.check("admin", PASSWORD).must_change


def test_a_session_ends_in_time(accounts, clock):
    key = accounts.begin_session("ada", 60)
    assert accounts.of_session(key).name == "ada"
    clock.advance(61)
    assert accounts.of_session(key) is None


def test_a_session_ends_when_it_is_told_to(accounts):
    key = accounts.begin_session("ada", 60)
    accounts.end_session(key)
    assert accounts.of_session(key) is None


def test_a_new_password_ends_every_session_but_no_token(accounts):
    key, token = accounts.begin_session("ada", 60), accounts.add_token("ada", "phone")
    accounts.set_password("ada", "another password")
    assert (accounts.of_session(key), accounts.of_token(token).name) == (None, "ada")


def test_a_token_is_no_session_and_a_session_no_token(accounts):
    key, token = accounts.begin_session("ada", 60), accounts.add_token("ada", "phone")
    assert (accounts.of_token(key), accounts.of_session(token)) == (None, None)


def test_a_token_can_be_taken_back(accounts):
    token = accounts.add_token("eve", "phone")
    assert accounts.tokens() == (Token("eve", "phone"),)
    accounts.remove_token("eve", "phone")
    assert (accounts.of_token(token), accounts.tokens()) == (None, ())
    with pytest.raises(SettingsError, match="'eve' has no token 'phone'"):
        accounts.remove_token("eve", "phone")


def test_whoever_is_removed_is_out_at_once(accounts):
    key, token = accounts.begin_session("eve", 60), accounts.add_token("eve", "phone")
    accounts.remove("eve")
    assert (accounts.of_session(key), accounts.of_token(token), accounts.names()) == (None, None, ("ada",))


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        (lambda a: a.remove("ada"), "'ada' is the last admin"),
        (lambda a: a.remove("bob"), "there is no account 'bob'"),
        (lambda a: a.set_password("bob", PASSWORD), "there is no account 'bob'"),
        (lambda a: a.add_token("bob", "phone"), "there is no account 'bob'"),
        (lambda a: a.add_token("ada", " "), "a token needs a label"),
        (lambda a: a.add(Account("ada", Role.VIEWER), PASSWORD), "there is an account 'ada' already"),
        (lambda a: a.add(Account("A b", Role.VIEWER), PASSWORD), "a name is 1 to 32 of"),
        (lambda a: a.add(Account("bob", Role.VIEWER), "short"), "10 letters at least"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(accounts, deed, sentence):
    before = accounts.all()
    with pytest.raises(SettingsError, match=sentence):
        deed(accounts)
    assert accounts.all() == before


def test_a_damaged_file_is_told_of(tmp_path, clock):
    (tmp_path / FILE_NAME).write_bytes(b"no database, and long enough to be taken for one" * 100)
    with pytest.raises(SettingsError, match="cannot be used for accounts"):
        Accounts(tmp_path, clock).names()


def test_guessing_becomes_slower_and_slower(clock):
    attempts = Attempts(clock)
    waits = []
    for _ in range(FREE + 3):
        attempts.failed("address a")
        waits.append(attempts.wait_s("address a"))
    assert waits == [0.0] * (FREE - 1) + [1.0, 2.0, 4.0, 8.0]
    for _ in range(40):
        attempts.failed("address a")
    assert attempts.wait_s("address a") == LONGEST_WAIT_S


def test_waiting_and_success_are_forgotten(clock):
    attempts = Attempts(clock)
    for _ in range(FREE):
        attempts.failed("address a")
    clock.advance(1.0)
    assert attempts.wait_s("address a") == 0.0
    attempts.succeeded("address a")
    attempts.failed("address a")
    assert attempts.wait_s("address a") == 0.0


def test_nobody_waits_longer_than_was_said(clock):
    attempts = Attempts(clock, longest_wait_s=5.0)
    for _ in range(40):
        attempts.failed("ada")
    assert attempts.wait_s("ada") == 5.0


def test_an_admin_is_made_where_there_are_others_but_none(tmp_path, clock):
    accounts = Accounts(tmp_path, clock)
    accounts.add(Account("vera", Role.VIEWER), PASSWORD)
    assert accounts.create_first() is not None
    accounts.remove("vera")
    assert accounts.names() == ("admin",)


def test_a_mistake_is_forgotten_after_an_hour(clock):
    attempts = Attempts(clock)
    for _ in range(FREE + 5):
        attempts.failed("address a")
    clock.advance(3601)
    attempts.failed("address a")
    assert attempts.wait_s("address a") == 0.0
