"""What every table of the settings file has in common."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_NAME = re.compile(r"[a-z0-9_-]{1,32}")


class Table(BaseModel):
    """A table of the settings file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


def check_name(name: str) -> str:
    """Return a name that can stand in a topic and in an address, and needs no quotes in TOML.

    Raises:
        ValueError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name is 1 to 32 of a-z, 0-9, _ and -")
    return name


Name = Annotated[str, AfterValidator(check_name)]
