"""What every table of the settings file has in common."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

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


def none_if_empty(value: object) -> object:
    """Return None for an empty text, which is how TOML says that there is none."""
    return None if value == "" else value


def _check_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError("there is no such file")
    return path


Name = Annotated[str, AfterValidator(check_name)]
OptionalFile = Annotated[Path | None, BeforeValidator(none_if_empty), AfterValidator(_check_file)]
