"""A backstage and some cameras in, that part of it out: each object is checked, of others is no trace."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.requests import Request

from daemon.access.rights import EVERYBODY, Account
from daemon.archive_reader import ArchivePage
from daemon.editing.form import NewCamera, SettingsView, UnknownCameraError
from daemon.event_log import BegunFilter, EventFilter, LoggedEvent
from daemon.feedback import FeedbackCommand, UnknownEventError
from daemon.payloads import EventMessage, FeedbackMessage
from daemon.review.desk import Choice, ReviewView
from daemon.review.labels import GivenLabel
from daemon.search.desk import Alike, Search, WordsFound
from daemon.snapshots import Layers, Part
from daemon.system.measures import Measures
from daemon.views import Archive, Backstage, CameraView, Models, Review, SettingsOffice, SystemView
from pipeline.errors import SettingsError
from pipeline.feedback import Verdict


class LimitedArchive:
    """Past events of some cameras."""

    def __init__(self, archive: Archive, cameras: Collection[str]) -> None:
        self._archive = archive
        self._cameras = tuple(sorted(cameras))

    def page(self, which: BegunFilter) -> ArchivePage:
        """Return the next events that match."""
        return self._archive.page(replace(which, cameras=self._cameras))

    def messages(self, event_id: str) -> tuple[EventMessage, ...]:
        """Return an event's messages; none of an event of another camera."""
        return self._archive.messages(event_id) if self.camera_of(event_id) else ()

    def labels(self, cameras: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return every label that an event of these cameras has."""
        wanted = self._cameras if cameras is None else tuple(set(cameras) & set(self._cameras))
        return self._archive.labels(wanted)

    def camera_of(self, event_id: str) -> str | None:
        """Return whose event it is; None of another camera's, and of one that is not known."""
        camera = self._archive.camera_of(event_id)
        return camera if camera in self._cameras else None


class LimitedReview:
    """What people say that events of some cameras show."""

    def __init__(self, review: Review, archive: LimitedArchive, cameras: tuple[str, ...]) -> None:
        self._review = review
        self._archive = archive
        self._cameras = cameras

    @property
    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """The labels to choose from, by task."""
        return self._review.choices

    def own_choice(self, label: str, verdict: Verdict) -> Choice | None:
        """Return what a verdict on a behaviour means; None where its task cannot say it."""
        return self._review.own_choice(label, verdict)

    def label_of(self, event_id: str) -> GivenLabel | None:
        """Return what was said of an event of these cameras."""
        given = self._review.label_of(event_id)
        return given if given is not None and given.camera in self._cameras else None

    def give(self, event_id: str, choice: Choice, *, by: str | None) -> GivenLabel:
        """Keep what an event of these cameras shows.

        Raises:
            ValueError: There is no such task or label.
            UnknownEventError: There is no such event, or it is another camera's.
            LabelError: The event cannot have a label, or there is no room.
        """
        if self._archive.camera_of(event_id) is None:
            raise UnknownEventError(f"there is no event {event_id!r}")
        return self._review.give(event_id, choice, by=by)

    def take_back(self, event_id: str) -> None:
        """Forget what was said of an event of these cameras.

        Raises:
            UnknownEventError: Nothing was said of it, or it is another camera's.
            LabelError: The disk does not take it.
        """
        if self.label_of(event_id) is None:
            raise UnknownEventError(f"event {event_id!r} has no label")
        self._review.take_back(event_id)

    def overview(self, cameras: Collection[str] | None = None) -> ReviewView:
        """Return what the page shows of those of these cameras that are meant."""
        wanted = self._cameras if cameras is None else tuple(set(cameras) & set(self._cameras))
        return self._review.overview(wanted)


class LimitedOffice:
    """The settings of some cameras."""

    def __init__(self, office: SettingsOffice, cameras: Collection[str]) -> None:
        self._office = office
        self._cameras = tuple(cameras)

    def view(self, camera: str) -> SettingsView:
        """Return the settings of one of these cameras.

        Raises:
            UnknownCameraError: There is no such camera.
        """
        self._check(camera)
        return self._office.view(camera)

    def change(self, camera: str, edit: Mapping[str, Any], *, revision: str, by: str) -> SettingsView:
        """Change the settings of one of these cameras.

        Raises:
            UnknownCameraError: There is no such camera.
        """
        self._check(camera)
        return self._office.change(camera, edit, revision=revision, by=by)

    def add(self, new: NewCamera, *, by: str) -> SettingsView:
        """Refuse: somebody with rights on some cameras would not see the new one.

        Raises:
            SettingsError: Always.
        """
        del new, by
        raise SettingsError("to add a camera needs rights on all cameras")

    def remove(self, camera: str, *, revision: str, by: str) -> None:
        """Take one of these cameras out of the file.

        Raises:
            UnknownCameraError: There is no such camera.
        """
        self._check(camera)
        self._office.remove(camera, revision=revision, by=by)

    def _check(self, camera: str) -> None:
        if camera not in self._cameras:
            raise UnknownCameraError(f"no camera is named {camera!r}")


class LimitedSearch:
    """Search among the events of some cameras: the example must be theirs, and so is whatever is found."""

    def __init__(self, search: Search, archive: LimitedArchive, cameras: Collection[str]) -> None:
        self._search = search
        self._archive = archive
        self._cameras = tuple(sorted(cameras))

    def similar(self, event_id: str, which: BegunFilter, *, limit: int) -> Alike | None:
        """Return events like one of theirs; None where that is another camera's, or not known."""
        if self._archive.camera_of(event_id) is None:
            return None
        return self._search.similar(event_id, replace(which, cameras=self._cameras), limit=limit)

    def words(self, text: str, which: BegunFilter, *, limit: int) -> WordsFound:
        """Return events of which words are written, and those that look like it."""
        return self._search.words(text, replace(which, cameras=self._cameras), limit=limit)


class LimitedBackstage:
    """What somebody may see who has rights on some cameras only; of the others there is no trace."""

    def __init__(self, backstage: Backstage, cameras: Collection[str]) -> None:
        self._backstage = backstage
        self._cameras = tuple(sorted(cameras))

    @property
    def archive(self) -> LimitedArchive:
        """Past events of these cameras."""
        return LimitedArchive(self._backstage.archive, self._cameras)

    @property
    def review(self) -> LimitedReview:
        """What people say that events of these cameras show."""
        return LimitedReview(self._backstage.review, self.archive, self._cameras)

    @property
    def models(self) -> Models:
        """The models, which all cameras share: who may change them is checked where it is asked for."""
        return self._backstage.models

    @property
    def settings(self) -> LimitedOffice:
        """The settings of these cameras."""
        return LimitedOffice(self._backstage.settings, self._cameras)

    @property
    def search(self) -> LimitedSearch:
        """Where past events of these cameras are looked for."""
        return LimitedSearch(self._backstage.search, self.archive, self._cameras)

    def cameras(self) -> tuple[CameraView, ...]:
        """Return these cameras in the order of the settings."""
        return tuple(camera for camera in self._backstage.cameras() if camera.name in self._cameras)

    def system(self) -> SystemView:
        """Return how the daemon itself stands."""
        return self._backstage.system()

    def measures(self) -> Measures:
        """Return what is measured of these cameras; nothing of all together."""
        measures = self._backstage.measures()
        theirs = tuple(camera for camera in measures.cameras if camera.name in self._cameras)
        return replace(measures, cameras=theirs, whole=None)

    def events(self, which: EventFilter, *, after: int, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the first of these cameras' messages with a seq above `after`, oldest first."""
        return self._backstage.events(replace(which, cameras=self._cameras), after=after, limit=limit)

    def newest_events(self, which: EventFilter, *, limit: int) -> tuple[LoggedEvent, ...]:
        """Return the last messages of these cameras, oldest first."""
        return self._backstage.newest_events(replace(which, cameras=self._cameras), limit=limit)

    def snapshot(self, event_id: str, part: Part = Part.PICTURE) -> bytes | None:
        """Return a part of an event's snapshot, or None where none is kept or it is not theirs."""
        return self._backstage.snapshot(event_id, part) if self._is_theirs(event_id) else None

    def layers(self, event_id: str) -> Layers | None:
        """Return what is drawn over an event's picture, or None where nothing is or it is not theirs."""
        return self._backstage.layers(event_id) if self._is_theirs(event_id) else None

    def clip(self, event_id: str) -> Path | None:
        """Return an event's MP4 file, or None where none is kept or it is not theirs."""
        return self._backstage.clip(event_id) if self._is_theirs(event_id) else None

    def picture(self, camera: str) -> bytes | None:
        """Return a camera's newest picture as JPEG."""
        return self._backstage.picture(camera) if camera in self._cameras else None

    def request_reload(self) -> None:
        """Have the settings read again."""
        self._backstage.request_reload()

    def give_feedback(self, command: FeedbackCommand) -> FeedbackMessage:
        """Take somebody's word on an event of these cameras.

        Raises:
            UnknownEventError: There is no such event, or it is another camera's.
            FeedbackError: Nothing can be learned from it.
        """
        if not self._is_theirs(command.event):
            raise UnknownEventError(f"there is no event {command.event!r}")
        return self._backstage.give_feedback(command)

    def turn(self, camera: str, switch: str, text: str) -> None:
        """Turn a switch of one of these cameras.

        Raises:
            SettingsError: There is no such camera or switch, or it can't be turned there.
        """
        if camera not in self._cameras:
            raise SettingsError(f"no camera is named {camera!r}")
        self._backstage.turn(camera, switch, text)

    def _is_theirs(self, event_id: str) -> bool:
        return self.archive.camera_of(event_id) is not None


def seen_by(request: Request, backstage: Backstage) -> Backstage:
    """Return what the account behind a request may see; whoever only watches over us sees all."""
    account: Account = getattr(request.state, "account", EVERYBODY)
    limits = account.cameras
    return backstage if limits is None else LimitedBackstage(backstage, limits)
