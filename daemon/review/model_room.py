"""The models that there are in, the one that runs out: retrained, tried, changed and changed back."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemon.review.retraining import Retraining, RetrainView
from daemon.review.shelf import BASE, ModelShelf, ShelvedModel
from models.checkpoint import Checkpoint
from models.errors import CheckpointError
from models.runtime import Encoder
from models.switchable import SwitchableEncoder, demand_exchangeable
from pipeline.errors import VideobertdError

logger = logging.getLogger(__name__)

MODELS_FOLDER = "models"
SETTINGS_DECIDE = (
    "model.checkpoint in the settings names the model, so none that was made here is used:"
    " make that setting empty to choose one on the page"
)


class ModelRoomError(VideobertdError):
    """Raised when the model cannot be changed; the one that runs goes on."""


@dataclass(frozen=True, slots=True)
class ModelsView:
    """The models that were made here, newest first, which one runs, and how retraining stands.

    `problem` says why no other can be chosen; empty where one can.
    """

    base: str
    running: int
    models: tuple[ShelvedModel, ...]
    retraining: RetrainView
    problem: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The encoder to run, the one that the daemon came with, and the number of the one that runs."""

    encoder: SwitchableEncoder
    base: Checkpoint
    number: int


class ModelRoom:
    """Changes the model under the running daemon; any thread may call.

    `settings_decide` says that the settings name a checkpoint, which then is the only one. `changed` is told
    after every change.
    """

    def __init__(
        self,
        opened: Opened,
        shelf: ModelShelf,
        retraining: Retraining,
        *,
        open_model: Callable[[Path], Encoder],
        settings_decide: bool,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._opened = opened
        self._running = opened.number
        self._shelf = shelf
        self._retraining = retraining
        self._open_model = open_model
        self._problem = SETTINGS_DECIDE if settings_decide else ""
        self._changed = changed
        self._lock = threading.Lock()

    @property
    def view(self) -> ModelsView:
        """How things stand."""
        base = self._opened.base
        return ModelsView(
            base=base.title,
            running=self._running,
            models=self._shelf.models,
            retraining=self._retraining.view,
            problem=self._problem,
        )

    def retrain(self) -> None:
        """Begin to make another model.

        Raises:
            RetrainError: It cannot begin.
            ModelRoomError: The settings name the model: another would be of no use.
        """
        if self._problem:
            raise ModelRoomError(self._problem)
        self._retraining.start()

    def cancel(self) -> None:
        """End the making of a model.

        Raises:
            RetrainError: None is being made.
        """
        self._retraining.cancel()

    def stop(self) -> None:
        """End what runs in the background."""
        self._retraining.stop()

    def use(self, number: int) -> None:
        """Let a model take over with the next clip, and at every start from now on; 0 is the daemon's own.

        It is loaded and warmed up while the old one works on. Cameras, clips, memories and open events stay
        as they are: the frame encoder is the same.

        Raises:
            ModelRoomError: It cannot be used; the old one goes on.
        """
        if self._problem:
            raise ModelRoomError(self._problem)
        with self._lock:
            try:
                folder = self._opened.base.folder if number == BASE else self._shelf.path(number)
                fresh = self._open_model(folder)
                fresh.warm_up()
                demand_exchangeable(self._opened.encoder.checkpoint, fresh.checkpoint)
                self._shelf.choose(number)
                self._opened.encoder.switch(fresh)
            except CheckpointError as error:
                raise ModelRoomError(str(error)) from error
            self._running = number
            self._changed()
        logger.info("the model is %s from now on", self._opened.encoder.checkpoint.title)


def open_chosen(
    shelf: ModelShelf, open_model: Callable[[Path | None], Encoder], *, settings_decide: bool
) -> Opened:
    """Open the daemon's own model, and the one that was chosen on the page in its place.

    `open_model` takes a folder, or None for what the settings say. A chosen one that cannot be used is
    reported, and the daemon's own one runs.

    Raises:
        CheckpointError: The daemon's own model cannot be used.
    """
    own = open_model(None)
    encoder, number = SwitchableEncoder(own), shelf.chosen
    if settings_decide or number == BASE:
        return Opened(encoder, own.checkpoint, BASE)
    try:
        encoder.switch(open_model(shelf.path(number)))
    except CheckpointError as error:
        logger.warning(
            "the model chosen on the page cannot be used, so %s runs: %s", own.checkpoint.version, error
        )
        return Opened(encoder, own.checkpoint, BASE)
    return Opened(encoder, own.checkpoint, number)
