"""HTTP requests in; cameras that come and go, by admins who see all of them.

GET    /cameras                  the form for a new camera
POST   /cameras                  take it
POST   /cameras/<name>/remove    take a camera out, from its own page
POST   /api/v1/cameras           {"name": …, "url": …}: a new camera
DELETE /api/v1/cameras/<name>    take one out; If-Match names the revision that was seen
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon.access.guard import Guard, Policy, account_of, of_all_cameras
from daemon.access.rights import Role
from daemon.answers import as_json
from daemon.editing.answers import (
    BODY_REFUSALS,
    FILE_REFUSAL,
    SEEN,
    STALE_REFUSALS,
    answer,
    blame,
    camera_of,
    json_of,
    refused,
    revision_of,
    told,
)
from daemon.editing.form import NewCamera, RefusedEditError, SettingsView, check_new
from daemon.incoming import MAX_FORM_BYTES, read_form
from daemon.operations import Answer, Body, Endpoint, Operation
from daemon.rendering import show
from daemon.views import Backstage
from pipeline.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Removed:
    """Which camera was taken out of the settings."""

    removed: str


ADD = Operation(
    "addCamera",
    "/api/v1/cameras",
    "Add a camera to the settings file, and have it come; needs rights on all cameras.",
    (Answer("Its settings.", SettingsView, status=201),),
    method="POST",
    role=Role.ADMIN,
    body=Body("Its name and URL; `${NAME}` in the URL is taken from the environment.", NewCamera),
    refusals={**FILE_REFUSAL, **BODY_REFUSALS},
)
REMOVE = Operation(
    "removeCamera",
    "/api/v1/cameras/{camera}",
    "Take a camera out of the settings file, and have it go; needs rights on all cameras.",
    (Answer("It is gone.", Removed),),
    method="DELETE",
    role=Role.ADMIN,
    headers=(SEEN,),
    refusals={**FILE_REFUSAL, **STALE_REFUSALS},
)


class RosterPages:
    """Where cameras are added and removed."""

    def __init__(self, backstage: Backstage, policy: Policy) -> None:
        self._office = backstage.settings
        self._policy = policy

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses of these pages."""

        def administer(endpoint: Endpoint) -> Endpoint:
            return guard.protect(of_all_cameras(endpoint), Role.ADMIN)

        return [
            Route("/cameras", administer(self.page), methods=["GET"]),
            Route("/cameras", administer(self.take_form), methods=["POST"]),
            Route("/cameras/{camera}/remove", administer(self.take_removal), methods=["POST"]),
            guard.route(ADD, of_all_cameras(self.add)),
            guard.route(REMOVE, of_all_cameras(self.remove)),
        ]

    def page(self, request: Request) -> Response:
        """Show the form for a new camera."""
        del request
        return _page({}, {})

    def take_form(self, request: Request) -> Response:
        """Take the form, and show it again where something is wrong with it."""
        fields = read_form(request, MAX_FORM_BYTES, public_host=self._policy.public_host)
        try:
            new = check_new(fields)
            self._office.add(new, by=account_of(request).name)
        except RefusedEditError as error:
            return _page(fields, told(error.problems), status_code=422)
        except SettingsError as error:
            return _page(fields, {"": str(error)}, status_code=409)
        return RedirectResponse(f"/cameras/{new.name}", status_code=303)

    def take_removal(self, request: Request) -> Response:
        """Take a camera out; whoever sent it has ticked that it is meant."""
        fields = read_form(request, MAX_FORM_BYTES, public_host=self._policy.public_host)
        if "sure" not in fields:
            raise HTTPException(400, "tick that the camera is to be removed")
        with blame():
            self._remove(request, fields.get("revision", ""))
        return RedirectResponse("/", status_code=303)

    def add(self, request: Request) -> Response:
        """Add a camera."""
        wish = json_of(request, MAX_FORM_BYTES)
        with blame():
            try:
                return answer(self._office.add(check_new(wish), by=account_of(request).name), status_code=201)
            except RefusedEditError as error:
                return refused(error)

    def remove(self, request: Request) -> Response:
        """Take a camera out."""
        with blame():
            self._remove(request, revision_of(request))
        return as_json(Removed(camera_of(request)))

    def _remove(self, request: Request, revision: str) -> None:
        self._office.remove(camera_of(request), revision=revision, by=account_of(request).name)


def _page(fields: Mapping[str, str], problems: Mapping[str, str], *, status_code: int = 200) -> Response:
    return show("new_camera.html", status_code=status_code, fields=fields, problems=problems)
