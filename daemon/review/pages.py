"""The page on which events get labels and models are changed, and the addresses behind its buttons."""

from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from daemon.access.guard import Guard, account_of, of_all_cameras
from daemon.access.limited import seen_by
from daemon.access.rights import EVERYBODY, Role
from daemon.answers import as_json
from daemon.feedback import FeedbackError, UnknownEventError
from daemon.operations import Answer, Operation
from daemon.queries import LabelQuery, is_number, read_query
from daemon.rendering import show
from daemon.review.answers import InUse, Models, Retrain, TakenBack, models_answer
from daemon.review.desk import Choice, ReviewView
from daemon.review.labels import GivenLabel, LabelError
from daemon.review.model_room import ModelRoomError
from daemon.review.retraining import RetrainError
from daemon.views import Backstage, Review

T = TypeVar("T")

LABEL = Operation(
    "giveLabel",
    "/api/v1/events/{event_id}/label",
    "Say what an event shows, in place of what was said before; its clip goes into the dataset.",
    (Answer("What was kept.", GivenLabel),),
    method="POST",
    role=Role.OPERATOR,
    query=LabelQuery,
    refusals={409: "The event is about the camera itself, or the dataset has no room."},
)
UNLABEL = Operation(
    "takeLabelBack",
    LABEL.path,
    "Forget what was said of an event; its clip leaves the dataset.",
    (Answer("It is forgotten.", TakenBack),),
    method="DELETE",
    role=Role.OPERATOR,
    refusals={409: "The disk does not take it."},
)
MODELS = Operation(
    "models",
    "/api/v1/models",
    "Return the models that were made here with their figures, which one runs, and how retraining stands.",
    (Answer("The models.", Models),),
)
USE = Operation(
    "useModel",
    "/api/v1/models/{number}/use",
    "Let a model take over with the next clip; 0 is the daemon's own. Needs rights on all cameras.",
    (Answer("It runs, now and after a restart.", InUse),),
    method="POST",
    role=Role.ADMIN,
    refusals={409: "It cannot be used, and the old one goes on; or the settings name the model."},
)
RETRAIN = Operation(
    "retrain",
    "/api/v1/retrain",
    "Begin to make another model of the labels, in the background. Needs rights on all cameras.",
    (Answer("It has begun.", Retrain, status=202),),
    method="POST",
    role=Role.ADMIN,
    refusals={409: "One is being made, nothing is labelled, something is not installed, or it is of no use."},
)
CANCEL = Operation(
    "cancelRetraining",
    RETRAIN.path,
    "End the making of a model. Needs rights on all cameras.",
    (Answer("It has ended.", Retrain),),
    method="DELETE",
    role=Role.ADMIN,
    refusals={409: "None is being made."},
)


class ReviewPages:
    """The endpoints of the review; each is a plain function that Starlette runs in a thread."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/review", guard.protect(self.page)),
            guard.route(LABEL, self.give),
            guard.route(UNLABEL, self.take_back),
            guard.route(MODELS, self.models),
            guard.route(USE, of_all_cameras(self.use)),
            guard.route(RETRAIN, of_all_cameras(self.retrain)),
            guard.route(CANCEL, of_all_cameras(self.cancel)),
        ]

    def page(self, request: Request) -> Response:
        """Show what was labelled, what is most worth a label, and the models."""
        view, problem = _looked_at(self._review(request))
        room, may = self._backstage.models.view, account_of(request).rights
        return show("review.html", view=view, problem=problem, room=room, may=may)

    def give(self, request: Request) -> Response:
        """Take what somebody says that an event shows."""
        said, account = read_query(LabelQuery, request.query_params), account_of(request)
        by = None if account is EVERYBODY else account.name
        event_id, choice = request.path_params["event_id"], Choice(said.task, said.label)
        return as_json(_asked(lambda: self._review(request).give(event_id, choice, by=by)))

    def take_back(self, request: Request) -> Response:
        """Forget what was said of an event."""
        event_id = request.path_params["event_id"]
        _asked(lambda: self._review(request).take_back(event_id))
        return as_json(TakenBack(event_id))

    def models(self, request: Request) -> Response:
        """Return the models that were made here, which one runs, and how retraining stands."""
        del request
        return as_json(models_answer(self._backstage.models.view))

    def use(self, request: Request) -> Response:
        """Let another model take over."""
        text = request.path_params["number"]
        if not is_number(text, max_digits=8):
            raise HTTPException(404, f"no model has the number {text!r}")
        _asked(lambda: self._backstage.models.use(int(text)))
        return as_json(InUse(int(text)))

    def retrain(self, request: Request) -> Response:
        """Begin to make another model of the labels."""
        _asked(lambda: self._begin(request))
        return as_json(Retrain("begun"), status_code=202)

    def cancel(self, request: Request) -> Response:
        """End the making of a model."""
        del request
        _asked(self._backstage.models.cancel)
        return as_json(Retrain("cancelled"))

    def _begin(self, request: Request) -> None:
        """Take in the clips that came after their labels, then begin."""
        self._review(request).overview()
        self._backstage.models.retrain()

    def _review(self, request: Request) -> Review:
        return seen_by(request, self._backstage).review


def _looked_at(review: Review) -> tuple[ReviewView | None, str]:
    """Return what there is to see, or why there is nothing."""
    try:
        return review.overview(), ""
    except LabelError as error:
        return None, str(error)


def _asked(ask: Callable[[], T]) -> T:
    """Return the answer, or raise what HTTP says of the refusal."""
    try:
        return ask()
    except (ValueError, UnknownEventError) as error:  # no such label, no such event
        raise HTTPException(404, str(error)) from error
    except (FeedbackError, ModelRoomError, RetrainError) as error:
        raise HTTPException(409, str(error)) from error
