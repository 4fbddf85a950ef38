"""A wish for a camera's settings in, the settings file with it out, or all reasons why not, and no change."""

import hashlib
import logging
import threading
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daemon.config import CameraTable, Reading, Settings, parse_settings
from daemon.config_errors import Problem
from daemon.config_sources import variable
from daemon.editing.document import change_camera
from daemon.editing.form import (
    EDITABLE,
    RefusedEditError,
    SettingsView,
    StaleEditError,
    UnknownCameraError,
    check_edit,
    shown,
)
from daemon.editing.settings_file import SettingsFile
from daemon.roll import Roll
from pipeline.controls import SWITCH_NAMES
from pipeline.errors import SettingsError
from pipeline.urls import redact_url

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """The cameras that run on the settings: who they are, and how they are told of a change."""

    roll: Callable[[], Mapping[str, Roll]]
    follow: Callable[[str, Mapping[str, float]], None]
    request_reload: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """The file as it is now, and one camera of it: as set, and with its switches as they stand."""

    content: bytes
    reading: Reading
    settings: Settings
    table: CameraTable
    switches: Mapping[str, float]

    @property
    def revision(self) -> str:
        """Stands for the file's bytes and the camera's switches: it is another one when either changes."""
        state = self.content + repr(sorted(self.switches.items())).encode()
        return hashlib.sha256(state).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Done:
    """What was wanted, and which of it differs from what the file had."""

    wanted: Mapping[str, Any]
    changed: tuple[str, ...]


class SettingsDesk:
    """Shows and changes cameras' settings in the file; any web thread may call."""

    def __init__(self, file: SettingsFile, environ: Mapping[str, str], running: Running) -> None:
        self._file = file
        self._environ = environ
        self._running = running
        self._lock = threading.Lock()

    def view(self, camera: str) -> SettingsView:
        """Return a camera's settings.

        Raises:
            UnknownCameraError: The file has no such camera.
            SettingsError: The file has mistakes, or cannot be read.
        """
        return self._view(camera, self._find(camera))

    def change(self, camera: str, edit: Mapping[str, Any], *, revision: str, by: str) -> SettingsView:
        """Write those settings that `edit` names and have them taken up; where it fails nothing has changed.

        Raises:
            UnknownCameraError: The file has no such camera.
            StaleEditError: The settings have changed since they had this revision.
            RefusedEditError: The wanted settings cannot be used.
            SettingsError: The file has mistakes, or cannot be written.
        """
        try:
            with self._lock:
                done = self._put(camera, edit, revision)
        except RefusedEditError as error:
            fields = ", ".join(".".join(problem.location) or "all together" for problem in error.problems)
            logger.warning("camera %s: a change by %s is refused: %s", camera, by, fields)
            raise
        self._running.follow(
            camera, {name: done.wanted[name] for name in SWITCH_NAMES if name in done.wanted}
        )
        if done.changed:
            logger.info("camera %s: %s changed by %s", camera, ", ".join(done.changed), by)
            self._running.request_reload()
        return self.view(camera)

    def _put(self, camera: str, edit: Mapping[str, Any], revision: str) -> _Done:
        found = self._find(camera)
        if revision != found.revision:
            raise StaleEditError("the settings have changed since you opened them: load them again")
        wanted = check_edit(edit)
        changed = tuple(name for name, value in wanted.items() if value != getattr(found.table, name))
        self._refuse_locked(camera, found.reading, changed)
        if changed:
            self._write(camera, found, wanted)
        return _Done(wanted, changed)

    def _find(self, camera: str) -> _Found:
        content = self._file.read()
        reading = self._parse(content.removeprefix(BOM_UTF8))
        if reading.settings is None:
            raise _mistaken()
        table = reading.settings.cameras.get(camera)
        if table is None:
            raise UnknownCameraError(f"no camera is named {camera!r}")
        entry = self._running.roll().get(camera)
        switches = _switches(table) if entry is None else asdict(entry.controls.snapshot())
        return _Found(content, reading, reading.settings, table, switches)

    def _parse(self, content: bytes) -> Reading:
        try:
            return parse_settings(content.decode(), self._file.path, self._environ)
        except (SettingsError, UnicodeDecodeError) as error:
            raise _mistaken() from error

    def _refuse_locked(self, camera: str, reading: Reading, changed: tuple[str, ...]) -> None:
        locked = _locked(camera, reading)
        problems = [
            Problem((name,), f"comes from the environment variable {locked[name]} and is changed there")
            for name in changed
            if name in locked
        ]
        if problems:
            raise RefusedEditError(tuple(problems))

    def _write(self, camera: str, found: _Found, wanted: Mapping[str, Any]) -> None:
        """Make the new text, read it as the next start would, and only then put it into the file."""
        after = found.table.model_copy(update=dict(wanted))
        mark = BOM_UTF8 if found.content.startswith(BOM_UTF8) else b""
        text = found.content.removeprefix(mark).decode()
        try:
            changed = change_camera(text, camera, found.table, after=after)
            reading = parse_settings(changed, self._file.path, self._environ)
        except (ValueError, SettingsError) as error:
            raise _unforeseen(camera) from error
        own = tuple(p for p in reading.problems if p.location[:2] == ("cameras", camera))
        if own:
            raise RefusedEditError(tuple(Problem(p.location[2:], p.sentence) for p in own))
        cameras = {**found.settings.cameras, camera: after}
        if reading.settings != found.settings.model_copy(update={"cameras": cameras}):
            raise _unforeseen(camera)
        self._file.replace(mark + changed.encode())

    def _view(self, camera: str, found: _Found) -> SettingsView:
        entry = self._running.roll().get(camera)
        in_file = _switches(found.table)
        return SettingsView(
            camera=camera,
            revision=found.revision,
            source=redact_url(found.table.url),
            in_use=entry is not None and entry.table == found.table,
            settings={**shown(found.table), **found.switches},
            in_file={name: value for name, value in in_file.items() if value != found.switches[name]},
            locked=_locked(camera, found.reading),
            obstacle=self._file.obstacle,
        )


def _switches(table: CameraTable) -> dict[str, float]:
    return {name: getattr(table, name) for name in SWITCH_NAMES}


def _locked(camera: str, reading: Reading) -> dict[str, str]:
    places = {name: ("cameras", camera, name) for name in EDITABLE}
    return {name: variable(place) for name, place in places.items() if reading.sources.overrides(place)}


def _mistaken() -> SettingsError:
    """Return an error without the mistakes: they may be about what the asker must not see."""
    return SettingsError("the settings file has mistakes, which `videobertd check` names: mend them first")


def _unforeseen(camera: str) -> SettingsError:
    return SettingsError(
        f"the settings file says this in a form that is only changed by hand: give the camera, its zones "
        f"and its rules tables of their own, such as [cameras.{camera}]"
    )
