"""The two places that settings come from: a TOML file and the environment, merged but not checked yet."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as UnreadableEnvironment

from pipeline.errors import SettingsError

ENVIRONMENT_PREFIX = "VIDEOBERTD_"
NESTED_DELIMITER = "__"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# In the authority of a URL, after "://" and before "@": a password with @ or / in it must be escaped there.
_BEFORE_USER_INFO = re.compile(r"^[a-z]+://[^/]*$", re.IGNORECASE)
_AFTER_USER_INFO = re.compile(r"^[^/]*@")


@dataclass(frozen=True, slots=True)
class Sources:
    """Merged raw values, and what was wrong before anything could be checked."""

    path: Path
    values: dict[str, Any]
    from_environment: Mapping[str, Any]
    problems: tuple[str, ...]

    def overrides(self, location: tuple[str, ...]) -> bool:
        """Say whether the environment sets this, or something within it."""
        value: Any = self.from_environment
        for key in location:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value is not None

    def origin(self, location: tuple[str, ...]) -> str:
        """Return where a setting was given: `config.toml: mqtt.port` or the environment variable."""
        if not self.overrides(location):
            return f"{self.path}: {'.'.join(location)}"
        return f"environment: {variable(location)}"


def read_text(path: Path) -> str:
    """Return what stands in a settings file, without the mark that some editors begin a file with.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not UTF-8 text") from error


def variables_in(text: str) -> set[str]:
    """Return the names in `${…}`: `rtsp://user:${P}@host/` has P."""
    return set(_VARIABLE.findall(text))


def merge_sources(text: str, path: Path, *, environ: Mapping[str, str], model: type[BaseModel]) -> Sources:
    """Read a file's text, put the environment over it and fill in the variables of URLs.

    Raises:
        SettingsError: the text is not TOML; nothing more can be said about it then.
    """
    values = _parse_toml(text, path)
    problems = list(_refused_keys(path, values))
    overrides = _read_environment(environ, model)
    problems += _unknown_sections(environ, model)
    merged = _merge(values, overrides)
    for section in ("cameras", "notify"):
        problems += _expand_urls(path, merged, section=section, environ=environ)
    return Sources(path, merged, overrides, tuple(problems))


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not valid TOML: {error}") from error


def variable(location: tuple[str, ...]) -> str:
    """Return the environment variable of a setting: VIDEOBERTD_MQTT__HOST."""
    return f"{ENVIRONMENT_PREFIX}{NESTED_DELIMITER.join(location).upper()}"


def _read_environment(environ: Mapping[str, str], model: type[BaseModel]) -> dict[str, Any]:
    # The source only looks at the model's fields; a BaseSettings would also read os.environ by itself.
    source = EnvSettingsSource(
        cast("type[BaseSettings]", model),
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=NESTED_DELIMITER,
    )
    source.env_vars = {key.lower(): value for key, value in environ.items()}
    try:
        return source()
    except UnreadableEnvironment as error:
        whole = [
            name for name in model.model_fields if f"{ENVIRONMENT_PREFIX}{name}".lower() in source.env_vars
        ]
        names = ", ".join(f"{ENVIRONMENT_PREFIX}{name}".upper() for name in whole)
        raise SettingsError(
            f"environment: {names}: a variable holds one setting: write {ENVIRONMENT_PREFIX}MQTT__HOST"
        ) from error


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _refused_keys(path: Path, values: dict[str, Any]) -> Iterator[str]:
    """Take out of the file's values what must not stand there, with a line for each."""
    mqtt = values.get("mqtt")
    if isinstance(mqtt, dict) and mqtt.pop("password", None) is not None:
        variable = f"{ENVIRONMENT_PREFIX}MQTT{NESTED_DELIMITER}PASSWORD"
        yield f"{path}: mqtt.password: must not stand in the file: use password_file or {variable}"
    notify = values.get("notify")
    for name, table in notify.items() if isinstance(notify, dict) else ():
        url = table.get("url", "") if isinstance(table, dict) else ""
        if isinstance(url, str) and url and not _VARIABLE.search(url):
            yield f"{path}: notify.{name}.url: holds secrets: write ${{NAME}}, or use url_file"


def _unknown_sections(environ: Mapping[str, str], model: type[BaseModel]) -> Iterator[str]:
    # Only names with the delimiter: Kubernetes sets VIDEOBERTD_PORT and the like for a service of our name.
    for name in sorted(environ):
        section, delimiter, _ = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition(NESTED_DELIMITER)
        if name.startswith(ENVIRONMENT_PREFIX) and delimiter and section not in model.model_fields:
            yield f"environment: {name}: unknown setting"


def _expand_urls(
    path: Path, values: dict[str, Any], *, section: str, environ: Mapping[str, str]
) -> list[str]:
    """Replace `${VAR}` in each URL of a section, in place; return a line for each that is not set."""
    problems: list[str] = []
    tables = values.get(section)
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict) or not isinstance(table.get("url"), str):
            continue
        url, where = table["url"], f"{path}: {section}.{name}.url"
        missing = [match[1] for match in _VARIABLE.finditer(url) if match[1] not in environ]
        problems += [f"{where}: the environment variable {v} is not set" for v in missing]
        if "${" in _VARIABLE.sub("", url):
            problems.append(f"{where}: ${{ begins no variable: write ${{NAME}}")
        values[section] = {**values[section], name: {**table, "url": _expand(url, environ)}}
    return problems


def _expand(url: str, environ: Mapping[str, str]) -> str:
    """Fill in a URL's variables.

    `rtsp://user:${P}@host/` with P=`a@b` becomes `rtsp://user:a%40b@host/`; `${P}` alone becomes `a@b`.
    """

    def value_of(match: re.Match[str]) -> str:
        value = environ.get(match[1], "unset")
        before, after = url[: match.start()], url[match.end() :]
        in_user_info = _BEFORE_USER_INFO.match(before) and _AFTER_USER_INFO.match(after)
        return quote(value, safe="") if in_user_info else value

    return _VARIABLE.sub(value_of, url)
