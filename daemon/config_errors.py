"""Pydantic's findings in, one plain sentence for each out: the value, and what is allowed instead."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.urls import redact_url

Location = tuple[str, ...]

# Of a longer value its beginning is shown.
MOST_SHOWN = 80
_SECRET_KEYS = frozenset({"password"})
_KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text in quotes",
    "path_type": "text in quotes",
    "time_type": "a time of day such as 21:00",
    "time_parsing": "a time of day such as 21:00",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the keys that lead to it, and a sentence about it."""

    location: Location
    sentence: str


def describe_errors(error: ValidationError, root: type[BaseModel]) -> list[Problem]:
    """Turn each of pydantic's errors into a problem, in the order of the settings."""
    return [_describe(details, root) for details in error.errors(include_url=False)]


def _describe(details: ErrorDetails, root: type[BaseModel]) -> Problem:
    location = tuple(str(part) for part in details["loc"] if part != "[key]")
    if details["type"] == "extra_forbidden":
        return Problem(location, f"unknown setting{_suggestion(location, root)}")
    if details["type"] == "missing":
        return Problem(location, "is required")
    wanted = allowed(details)
    if isinstance(details["input"], (dict, BaseModel)) and details["type"] == "value_error":
        return Problem(location, wanted)
    return Problem(location, f"{_shown(location, details['input'])} is not allowed: {wanted}")


def allowed(details: ErrorDetails) -> str:
    """Say what would be allowed instead: `must be at least 1`."""
    kind, context = details["type"], details.get("ctx", {})
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        bound = context[key]
        return f"must be {words} {bound if isinstance(bound, int) else format(bound, 'g')}"
    if kind in {"literal_error", "enum"}:
        return f"must be one of {context['expected'].replace(' or ', ', ')}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_too_short":
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    return f"must be {_KINDS[kind]}" if kind in _KINDS else details["msg"]


def _shown(location: Location, value: object) -> str:
    """Return a value as the user would write it, without what must not be printed."""
    in_notify = location[0] == "notify" and "://" in str(value)  # apprise's URLs hold tokens anywhere
    if location[-1] in _SECRET_KEYS or in_notify:
        return "this value"
    if isinstance(value, bool):
        return str(value).lower()
    text = redact_url(str(value))  # a URL may stand where none belongs: `porch = "rtsp://user:password@…"`
    line = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    line = line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"
    return f'"{line}"' if isinstance(value, str) else line


def _suggestion(location: Location, root: type[BaseModel]) -> str:
    known = _fields_at(location[:-1], root)
    close = get_close_matches(location[-1], known, n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _fields_at(location: Location, root: type[BaseModel]) -> list[str]:
    """Return the keys that are allowed inside a table; () is the top of the file."""
    table: Any = root
    for key in location:
        if isinstance(table, type) and issubclass(table, BaseModel):
            table = table.model_fields[key].annotation
        else:  # dict[CameraName, CameraTable]: any key leads to the value's type; tuple[RuleTable, ...]
            inner = get_args(table)
            table = inner[1] if get_origin(table) is dict else inner[0]
    return list(table.model_fields)
