"""The forms of the review's JSON answers."""

from dataclasses import dataclass
from typing import Literal

from daemon.review.model_room import ModelsView
from models.refit_report import Progress, RefitReport


@dataclass(frozen=True, slots=True)
class TakenBack:
    """That nothing is said of an event any more."""

    event: str
    label: None = None


@dataclass(frozen=True, slots=True)
class MadeModel:
    """What a retraining has made: `has_model` where a task got better, so that it can be used."""

    number: int
    has_model: bool
    report: RefitReport


@dataclass(frozen=True, slots=True)
class RetrainState:
    """How retraining stands; `missing` says why it cannot be done here, `problem` why the last one failed."""

    is_running: bool
    progress: Progress
    problem: str
    missing: str


@dataclass(frozen=True, slots=True)
class Models:
    """The daemon's own model, `base`, and those made here, newest first; `running` is 0 for the own one."""

    base: str
    running: int
    problem: str
    models: tuple[MadeModel, ...]
    retraining: RetrainState


@dataclass(frozen=True, slots=True)
class Retrain:
    """What became of retraining."""

    retrain: Literal["begun", "cancelled"]


@dataclass(frozen=True, slots=True)
class InUse:
    """The number of the model that runs."""

    running: int


def models_answer(view: ModelsView) -> Models:
    """Return what programs are told; paths and commands are for the page's people alone."""
    made = tuple(MadeModel(one.number, one.has_model, one.report) for one in view.models)
    of = view.retraining
    state = RetrainState(of.is_running, of.progress, of.problem, of.missing)
    return Models(view.base, view.running, view.problem, made, state)
