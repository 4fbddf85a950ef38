"""A wish for a camera's settings in, the settings file with it out, or all reasons why not, and no change."""

import hashlib
import logging
import threading
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from daemon.config import CameraTable, Reading, Settings, parse_settings
from daemon.config_errors import Problem
from daemon.config_sources import variable, variables_in
from daemon.editing.document import add_camera, change_camera, remove_camera
from daemon.editing.form import (
    EDITABLE,
    NewCamera,
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
class _File:
    """The file as it is now, and what it says; `mark` is the byte order mark that it begins with, if any."""

    mark: bytes
    text: str
    reading: Reading
    settings: Settings


@dataclass(frozen=True, slots=True)
class _Found:
    """One camera of the file: as set, and with its switches as they stand."""

    file: _File
    table: CameraTable
    switches: Mapping[str, float]

    @property
    def revision(self) -> str:
        """Stands for the file's text and the camera's switches: it is another one when either changes."""
        state = f"{self.file.text} {sorted(self.switches.items())}"
        return hashlib.sha256(state.encode()).hexdigest()[:32]


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

    def add(self, new: NewCamera, *, by: str) -> SettingsView:
        """Write a camera into the file and have it come; where it fails nothing has changed.

        Raises:
            RefusedEditError: There is a camera of that name, or its URL cannot be used.
            SettingsError: The file has mistakes, or cannot be written.
        """
        camera = new.name
        with self._lock:
            file = self._read()
            if camera in file.settings.cameras:
                raise RefusedEditError((Problem(("name",), "there is a camera of that name"),))
            _refuse_others_secrets(new, file)
            known = file.settings.cameras

            def is_meant(settings: Settings) -> bool:
                others = {name: table for name, table in settings.cameras.items() if name != camera}
                return others == known and settings.model_copy(update={"cameras": known}) == file.settings

            self._write(camera, file, add_camera(file.text, camera, new.url), is_meant=is_meant)
        logger.info("camera %s: added by %s", camera, by)
        self._running.request_reload()
        return self.view(camera)

    def remove(self, camera: str, *, revision: str, by: str) -> None:
        """Take a camera out of the file and have it go; where it fails nothing has changed.

        Raises:
            UnknownCameraError: The file has no such camera.
            StaleEditError: The settings have changed since they had this revision.
            SettingsError: The file has mistakes, or cannot be written.
        """
        with self._lock:
            found = self._find(camera)
            _refuse_stale(revision, found)
            file = found.file
            cameras = {name: table for name, table in file.settings.cameras.items() if name != camera}
            expected = file.settings.model_copy(update={"cameras": cameras})
            text = remove_camera(file.text, camera)
            self._write(camera, file, text, is_meant=lambda settings: settings == expected)
        logger.info("camera %s: removed by %s", camera, by)
        self._running.request_reload()

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
            # Names of ours only: what was sent may hold anything, line ends and secrets too.
            names = sorted({problem.location[0] for problem in error.problems if problem.location})
            known = ", ".join(name for name in names if name in EDITABLE) or "as a whole"
            logger.warning("camera %s: a change by %s is refused: %s", camera, by, known)
            raise
        self._running.follow(
            camera, {name: done.wanted[name] for name in SWITCH_NAMES if name in done.wanted}
        )
        if done.changed:
            logger.info("camera %s: %s changed by %s", camera, ", ".join(done.changed), by)
            self._running.request_reload()
        return self.view(camera)

    def _put(self, camera: str, edit: Mapping[str, Any], revision: str) -> _Done:
        wanted = check_edit(edit)
        found = self._find(camera)
        _refuse_stale(revision, found)
        changed = tuple(name for name, value in wanted.items() if value != getattr(found.table, name))
        self._refuse_locked(camera, found.file.reading, changed)
        if changed:
            self._change_file(camera, found, wanted)
        return _Done(wanted, changed)

    def _find(self, camera: str) -> _Found:
        file = self._read()
        table = file.settings.cameras.get(camera)
        if table is None:
            raise UnknownCameraError(f"no camera is named {camera!r}")
        entry = self._running.roll().get(camera)
        switches = _switches(table) if entry is None else asdict(entry.controls.snapshot())
        return _Found(file, table, switches)

    def _read(self) -> _File:
        content = self._file.read()
        mark = BOM_UTF8 if content.startswith(BOM_UTF8) else b""
        try:
            text = content.removeprefix(mark).decode()
            reading = parse_settings(text, self._file.path, self._environ)
        except (SettingsError, UnicodeDecodeError) as error:
            raise _mistaken() from error
        if reading.settings is None:
            raise _mistaken()
        return _File(mark, text, reading, reading.settings)

    def _refuse_locked(self, camera: str, reading: Reading, changed: tuple[str, ...]) -> None:
        locked = _locked(camera, reading)
        problems = [
            Problem((name,), f"comes from the environment variable {locked[name]} and is changed there")
            for name in changed
            if name in locked
        ]
        if problems:
            raise RefusedEditError(tuple(problems))

    def _change_file(self, camera: str, found: _Found, wanted: Mapping[str, Any]) -> None:
        after = found.table.model_copy(update=dict(wanted))
        cameras = {**found.file.settings.cameras, camera: after}
        expected = found.file.settings.model_copy(update={"cameras": cameras})
        try:
            text = change_camera(found.file.text, camera, found.table, after=after)
        except ValueError as error:
            raise _unforeseen(camera) from error
        self._write(camera, found.file, text, is_meant=lambda settings: settings == expected)

    def _write(self, camera: str, file: _File, text: str, *, is_meant: Callable[[Settings], bool]) -> None:
        """Read the new text as the next start would, and only then put it into the file."""
        try:
            reading = parse_settings(text, self._file.path, self._environ)
        except SettingsError as error:
            raise _unforeseen(camera) from error
        own = _problems_of(camera, reading)
        if own:
            raise RefusedEditError(own)
        if reading.settings is None or not is_meant(reading.settings):
            raise _unforeseen(camera)
        if self._file.read() != file.mark + file.text.encode():  # somebody wrote it while we made the new one
            raise _stale()
        self._file.replace(file.mark + text.encode())

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
            locked=_locked(camera, found.file.reading),
            obstacle=self._file.obstacle,
        )


def _refuse_stale(revision: str, found: _Found) -> None:
    if revision != found.revision:
        raise _stale()


def _stale() -> StaleEditError:
    return StaleEditError("the settings have changed since you opened them: load them again")


def _problems_of(camera: str, reading: Reading) -> tuple[Problem, ...]:
    """Return what is wrong with a camera, by the keys within it; of its URL's variables, too."""
    place = f"cameras.{camera}.url: "
    unset = (line.partition(place)[2] for line in reading.sources.problems if place in line)
    own = (
        Problem(p.location[2:], p.sentence) for p in reading.problems if p.location[:2] == ("cameras", camera)
    )
    # A notification names what goes; what else there is may be of cameras that the asker must not see.
    elsewhere = (Problem((), line.partition("; there is ")[0]) for line in reading.unknown)
    return (*own, *(Problem(("url",), sentence) for sentence in unset), *elsewhere)


def _refuse_others_secrets(new: NewCamera, file: _File) -> None:
    """Refuse a URL that would tell a camera's host what notifications are sent with."""
    notify = str(tomllib.loads(file.text).get("notify", ""))
    if variables_in(new.url) & variables_in(notify):
        raise RefusedEditError((Problem(("url",), "a variable of [notify] must not be sent to a camera"),))


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
