"""What an account may do: a role, and the cameras it sees."""

from dataclasses import dataclass
from enum import IntEnum


class Role(IntEnum):
    """Each role may do what the ones before it may.

    A viewer looks; an operator also says what was no alarm, and turns switches; an admin also changes the
    cameras' settings and reloads them.
    """

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3


ROLES = {role.name.lower(): role for role in Role}


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who was recognised; `cameras` None sees all.

    `must_change` says that the password was not chosen by its owner: nothing else is allowed before.
    """

    name: str
    role: Role
    cameras: frozenset[str] | None = None
    must_change: bool = False

    def may(self, role: Role) -> bool:
        """Say whether the account may do what `role` may."""
        return self.role >= role

    @property
    def rights(self) -> "May":
        """What the account may change."""
        is_admin = self.may(Role.ADMIN)
        return May(self.may(Role.OPERATOR), is_admin, administer_all=is_admin and self.cameras is None)


@dataclass(frozen=True, slots=True)
class May:
    """What an account may change: a page leaves out the controls of what it may not.

    `administer_all` is for admins who see all cameras: to add and remove some, and to change the model.
    """

    operate: bool
    administer: bool
    administer_all: bool


# Where no login is asked for, everybody who reaches the port is this.
EVERYBODY = Account("everybody", Role.ADMIN)
