"""The page on which events get labels, and the addresses behind its buttons."""

from collections.abc import Callable
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daemon.access.guard import Guard, account_of
from daemon.access.limited import as_seen_by
from daemon.access.rights import EVERYBODY, Role
from daemon.access.strangers import refuse_strangers
from daemon.feedback import FeedbackError, UnknownEventError
from daemon.rendering import TEMPLATES
from daemon.review.desk import Choice, ReviewView
from daemon.review.labels import LabelError
from daemon.review.model_room import ModelRoomError, ModelsView
from daemon.review.retraining import RetrainError
from daemon.views import Backstage, Review

T = TypeVar("T")

FRESH = {"cache-control": "no-store"}
KNOWN = {"task", "label"}


class ReviewPages:
    """The endpoints of the review; each is a plain function that Starlette runs in a thread."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses."""
        label = "/api/v1/events/{event_id}/label"
        return [
            Route("/review", guard.protect(self.page)),
            Route(label, guard.protect(self.give, Role.OPERATOR), methods=["POST"]),
            Route(label, guard.protect(self.take_back, Role.OPERATOR), methods=["DELETE"]),
            Route("/api/v1/models", guard.protect(self.models)),
            Route("/api/v1/models/{number:int}/use", guard.protect(self.use, Role.ADMIN), methods=["POST"]),
            Route("/api/v1/retrain", guard.protect(self.retrain, Role.ADMIN), methods=["POST"]),
            Route("/api/v1/retrain", guard.protect(self.cancel, Role.ADMIN), methods=["DELETE"]),
        ]

    def page(self, request: Request) -> Response:
        """Show what was labelled, and what is most worth a label."""
        view, problem = _looked_at(self._review(request))
        html = TEMPLATES.get_template("review.html").render(
            view=view, problem=problem, room=self._backstage.models.view
        )
        return Response(html, media_type="text/html", headers=FRESH)

    def give(self, request: Request) -> Response:
        """Take what somebody says that an event shows."""
        refuse_strangers(request)
        query, account = request.query_params, account_of(request)
        if unknown := set(query) - KNOWN:
            raise HTTPException(400, f"unknown parameter {min(unknown)!r}; there are task and label")
        choice = Choice(query.get("task", ""), query.get("label", ""))
        by = None if account is EVERYBODY else account.name
        event_id = request.path_params["event_id"]
        given = _asked(lambda: self._review(request).give(event_id, choice, by=by))
        return JSONResponse(given.model_dump(), headers=FRESH)

    def take_back(self, request: Request) -> Response:
        """Forget what was said of an event."""
        refuse_strangers(request)
        event_id = request.path_params["event_id"]
        _asked(lambda: self._review(request).take_back(event_id))
        return JSONResponse({"event": event_id, "label": None}, headers=FRESH)

    def models(self, request: Request) -> Response:
        """Return the models that were made here, which one runs, and how retraining stands."""
        del request
        return JSONResponse(_plain(self._backstage.models.view), headers=FRESH)

    def retrain(self, request: Request) -> Response:
        """Begin to make another model of the labels."""
        _demand_all_cameras(request)
        _asked(lambda: self._begin(request))
        return JSONResponse({"retrain": "begun"}, status_code=202, headers=FRESH)

    def cancel(self, request: Request) -> Response:
        """End the making of a model."""
        _demand_all_cameras(request)
        _asked(self._backstage.models.cancel)
        return JSONResponse({"retrain": "cancelled"}, headers=FRESH)

    def use(self, request: Request) -> Response:
        """Let another model take over."""
        _demand_all_cameras(request)
        number = request.path_params["number"]
        _asked(lambda: self._backstage.models.use(number))
        return JSONResponse({"running": number}, headers=FRESH)

    def _begin(self, request: Request) -> None:
        """Take in the clips that came after their labels, then begin."""
        self._review(request).overview()
        self._backstage.models.retrain()

    def _review(self, request: Request) -> Review:
        return as_seen_by(account_of(request), self._backstage).review


def _looked_at(review: Review) -> tuple[ReviewView | None, str]:
    """Return what there is to see, or why there is nothing."""
    try:
        return review.overview(), ""
    except LabelError as error:
        return None, str(error)


def _demand_all_cameras(request: Request) -> None:
    """Let in only who may change what all cameras share.

    Raises:
        HTTPException: Our header is missing, or the account has rights on some cameras only.
    """
    refuse_strangers(request)
    if account_of(request).cameras is not None:
        raise HTTPException(403, "this needs rights on all cameras")


def _plain(view: ModelsView) -> dict[str, object]:
    """Return the view as JSON has it."""
    models = [
        {"number": one.number, "has_model": one.has_model, **one.report.model_dump(by_alias=True)}
        for one in view.models
    ]
    retraining = view.retraining
    return {
        "base": view.base,
        "running": view.running,
        "problem": view.problem,
        "models": models,
        "retraining": {
            "is_running": retraining.is_running,
            "progress": retraining.progress.model_dump(),
            "problem": retraining.problem,
            "missing": retraining.missing,
        },
    }


def _asked(ask: Callable[[], T]) -> T:
    """Return the answer, or raise what HTTP says of the refusal."""
    try:
        return ask()
    except ValueError as error:
        raise HTTPException(400, str(error)) from error
    except UnknownEventError as error:
        raise HTTPException(404, str(error)) from error
    except (FeedbackError, ModelRoomError, RetrainError) as error:
        raise HTTPException(409, str(error)) from error
