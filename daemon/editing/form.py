"""The settings of a camera that can be changed from the page: what may come in, and what is shown of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, create_model
from pydantic_core import to_json

from daemon.config import CameraName, CameraTable
from daemon.config_errors import Problem, describe_errors
from daemon.config_sources import ENVIRONMENT_PREFIX, variables_in
from daemon.tables import Table

EDITABLE = (
    "description",
    "enabled",
    "anomaly",
    "behaviour",
    "clips",
    "budget_per_day",
    "sample_fps",
    "time_zone",
    "pre_roll_s",
    "post_roll_s",
    "zones",
    "rules",
)
# Types and bounds are those of the file; a camera's `url` is not among them, nor anything that opens a file.
_FIELDS: dict[str, Any] = {
    name: (CameraTable.model_fields[name].annotation, CameraTable.model_fields[name]) for name in EDITABLE
}
CameraSettings = create_model("CameraSettings", __base__=Table, **_FIELDS)


_USER_INFO = re.compile(r"[A-Za-z]+://[^\s/?#@]*@")


def _check_variables(url: str) -> str:
    """Let variables stand only where no page shows their values, and none that is a setting of ours."""
    user_info = _USER_INFO.match(url)
    if "${" in url[user_info.end() if user_info else 0 :]:
        raise ValueError("${NAME} stands for a user name or a password only: rtsp://user:${NAME}@192.0.2.7/x")
    if any(name.upper().startswith(ENVIRONMENT_PREFIX) for name in variables_in(url)):
        raise ValueError("a variable that is a setting of the daemon's own must not be sent to a camera")
    return url


class NewCamera(Table):
    """What is said of a camera that is not there yet."""

    name: CameraName
    url: Annotated[str, AfterValidator(_check_variables)] = Field(min_length=1, max_length=2048, repr=False)


class UnknownCameraError(Exception):
    """Raised when there is no camera of that name, or none that somebody may see."""


class StaleEditError(Exception):
    """Raised when the settings are no longer those that somebody saw who wants them changed."""


class RefusedEditError(Exception):
    """Raised when settings cannot be used; `problems` say which, by their keys within the camera."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.sentence for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class SettingsView:
    """A camera's settings as they stand in the file, with switches as they were turned since.

    `revision` changes with them; `source` is the URL without user name and password; `in_use` says that the
    running camera has them. `locked` names the environment variable of each setting that comes from there.
    `in_file` has what the file says of switches that were turned. `obstacle` says why nothing can be changed;
    it is empty where it can.
    """

    camera: str
    revision: str
    source: str
    in_use: bool
    settings: Mapping[str, Any]
    in_file: Mapping[str, float]
    locked: Mapping[str, str]
    obstacle: str


def check_edit(edit: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted settings as the file's tables have them; what `edit` leaves out is left out.

    Raises:
        RefusedEditError: One of them is unknown or not allowed.
    """
    try:
        wanted = CameraSettings.model_validate(edit)
    except ValidationError as error:
        raise RefusedEditError(tuple(describe_errors(error, CameraSettings))) from error
    return {name: getattr(wanted, name) for name in EDITABLE if name in wanted.model_fields_set}


def check_types(wish: Mapping[str, Any]) -> None:
    """Refuse what a form may say and JSON need not: "2" or true for a number, "on" for true.

    Raises:
        RefusedEditError: Something has not the type of its setting.
    """
    try:
        CameraSettings.model_validate_json(to_json(wish), strict=True)
    except ValidationError as error:
        raise RefusedEditError(tuple(describe_errors(error, CameraSettings))) from error


def check_new(wish: Mapping[str, Any]) -> NewCamera:
    """Return a wanted camera; its URL is checked when its variables are filled in.

    Raises:
        RefusedEditError: Its name is not allowed, or something else was sent.
    """
    try:
        return NewCamera.model_validate(wish)
    except ValidationError as error:
        raise RefusedEditError(tuple(describe_errors(error, NewCamera))) from error


def shown(camera: CameraTable) -> dict[str, Any]:
    """Return what can be changed of a camera, in JSON's types."""
    return camera.model_dump(mode="json", include=set(EDITABLE))
