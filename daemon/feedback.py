"""People's words on events in, by MQTT and by the page; cameras taught and every word kept out."""

import logging
import threading
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daemon.board import Board
from daemon.event_log import StoredFeedback, TracedEvent
from daemon.mqtt import Received
from daemon.outbox import Outbox
from daemon.payloads import FeedbackMessage
from daemon.topics import Topics
from daemon.utc import utc_text
from models.checkpoint import root_of
from pipeline.clock import Clock
from pipeline.errors import VideobertdError
from pipeline.feedback import Lesson, Verdict
from pipeline.types import EventKind

logger = logging.getLogger(__name__)

MAX_COMMAND_BYTES = 1024
MAX_ID_LETTERS = 64
EventId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LETTERS)]
# One line of print: it stands in the log, on the broker and on the page.
Author = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class FeedbackError(VideobertdError):
    """Raised when somebody's word on an event cannot be taken."""


class UnknownEventError(FeedbackError):
    """Raised when there is no such event, or none any more."""


class FeedbackCommand(BaseModel):
    """What is sent to the command topic, and to the page as a query: which event, what of it, by whom."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: EventId
    verdict: Verdict
    by: Author | None = None


# Takes a verdict on a behaviour, whose label is given beside it.
Judge = Callable[[FeedbackCommand, str], None]


class FeedbackDesk:
    """Takes feedback for all cameras; a word once given is kept, and taught again at every start."""

    def __init__(
        self,
        topics: Topics,
        *,
        outbox: Outbox,
        board: Board,
        clock: Clock,
        model: str | None,
        count: Callable[[str, Verdict], object] = lambda _camera, _verdict: None,
    ) -> None:
        self._count = count
        self._topics = topics
        self._outbox = outbox
        self._board = board
        self._clock = clock
        self._model = model
        self._lock = threading.Lock()
        self._pupils: dict[str, Callable[[Lesson], None]] = {}
        self._judge: Judge = _refuse_behaviour

    @property
    def topics(self) -> tuple[str, ...]:
        """None: the subscription of the switches covers the command topic."""
        return ()

    def add_camera(self, camera: str, teach: Callable[[Lesson], None]) -> None:
        """Teach a camera what was ever said of its events; what another model saw means nothing to it."""
        with self._lock:
            self._pupils[camera] = teach
            for stored in self._outbox.feedback(camera):
                if self._is_ours(stored.model):
                    teach(stored.lesson)

    def remove_camera(self, camera: str) -> None:
        """Forget a camera that is gone; what was said of it stays in the log."""
        with self._lock:
            self._pupils.pop(camera, None)

    def judge_behaviours(self, judge: Judge) -> None:
        """Hand verdicts on behaviours to `judge` from now on; it raises FeedbackError where it refuses."""
        self._judge = judge

    def give(self, command: FeedbackCommand, *, camera: str | None = None) -> FeedbackMessage:
        """Keep somebody's word on an event and teach its camera; return what is answered.

        Raises:
            UnknownEventError: There is no such event, or it is not one of `camera`, where that is given.
            FeedbackError: It is neither anomaly nor behaviour, or the word could not be kept.
        """
        traced = self._outbox.trace(command.event)
        if traced is None or camera not in (None, traced.camera):
            raise UnknownEventError(f"no event of {camera or 'any camera'} has the id {command.event!r}")
        given_utc_s = self._clock.utc_s()
        if traced.kind is EventKind.BEHAVIOUR:
            self._judge(command, traced.label)
        else:
            self._teach(command, traced, given_utc_s)
        self._count(traced.camera, command.verdict)
        logger.info("event %s of camera %s: %s", command.event, traced.camera, command.verdict)
        answer = FeedbackMessage(
            event=command.event, verdict=command.verdict, by=command.by, given_utc=utc_text(given_utc_s)
        )
        self._answer(traced.camera, answer)
        return answer

    def _teach(self, command: FeedbackCommand, traced: TracedEvent, given_utc_s: float) -> None:
        """Keep a word on an anomaly, and let its camera learn from it."""
        if traced.kind is not EventKind.ANOMALY:
            raise FeedbackError(
                f"event {command.event} is of kind {traced.kind}; only anomalies and behaviours can be taught"
            )
        lesson = Lesson(command.event, command.verdict, traced.start_utc_s, traced.sights)
        stored = StoredFeedback(traced.camera, lesson, given_utc_s, command.by, traced.model)
        with self._lock:
            if not self._outbox.save_feedback(stored):
                raise FeedbackError("the disk does not take it; nothing was changed")
            teach = self._pupils.get(traced.camera)
            if teach is not None and self._is_ours(traced.model):
                teach(lesson)

    def _is_ours(self, model: str | None) -> bool:
        """Say whether a model sees as ours does: a refitted one differs in what it makes of it."""
        return (model and root_of(model)) == (self._model and root_of(self._model))

    def handle(self, message: Received) -> None:
        """Take a message on a camera's feedback topic, and answer it; a retained one is old and ignored."""
        prefix, suffix = f"{self._topics.base}/", "/feedback/set"
        if message.retained or not (message.topic.startswith(prefix) and message.topic.endswith(suffix)):
            return
        camera = message.topic.removeprefix(prefix).removesuffix(suffix)
        try:
            self.give(parse_command(message.payload), camera=camera)
        except FeedbackError as error:
            logger.warning("the feedback on %s is ignored: %s", message.topic, error)
            if camera in self._pupils:
                self._answer(camera, FeedbackMessage(problem=str(error)))

    def _answer(self, camera: str, answer: FeedbackMessage) -> None:
        topic = self._topics.feedback_state(camera)
        self._board.put(topic, answer.to_json().encode())
        self._board.repeat([topic])


def _refuse_behaviour(command: FeedbackCommand, label: str) -> None:
    raise FeedbackError(f"event {command.event} is a behaviour, {label}; only anomalies can be taught here")


def parse_command(payload: bytes) -> FeedbackCommand:
    """Read the JSON of a command.

    Raises:
        FeedbackError: It is none.
    """
    if len(payload) > MAX_COMMAND_BYTES:
        raise FeedbackError(f"a command has at most {MAX_COMMAND_BYTES} bytes")
    try:
        return FeedbackCommand.model_validate_json(payload)
    except ValidationError as error:
        raise FeedbackError(words(error)) from error


def words(error: ValidationError) -> str:
    """Say in one sentence what is wrong with a command."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    wanted = 'expected {"event": ID, "verdict": "not_an_alarm" or "was_an_alarm", "by": NAME or nothing}'
    return f"{place}: {first['msg']}; {wanted}" if place else f"{first['msg']}; {wanted}"
