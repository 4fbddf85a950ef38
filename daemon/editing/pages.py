"""HTTP requests in; a camera's settings shown, as a page and in JSON, and changed.

GET  /cameras/<name>                        the page: picture, zones, rules and the form, read-only for most
POST /cameras/<name>                        the form without a script: all but zones and rules
GET  /api/v1/cameras/<name>/settings        the same in JSON, with the revision as ETag
PUT  /api/v1/cameras/<name>/settings        some of them anew; If-Match names the revision that they had
"""

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from daemon.access.guard import Guard, Policy, account_of
from daemon.access.limited import seen_by
from daemon.access.rights import Role
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
from daemon.editing.form import (
    CameraSettings,
    RefusedEditError,
    SettingsView,
    StaleEditError,
    UnknownCameraError,
    check_types,
)
from daemon.editing.words import rule_words
from daemon.incoming import read_form
from daemon.operations import Answer, Body, Operation
from daemon.rendering import TEMPLATES, show
from daemon.views import Backstage, SettingsOffice
from pipeline.errors import SettingsError

# A hundred zones of 64 points fit.
MAX_BODY_BYTES = 65_536
SETTINGS = Operation(
    "settings",
    "/api/v1/cameras/{camera}/settings",
    "Return a camera's settings; their revision is the `ETag`.",
    (Answer("The settings.", SettingsView),),
    refusals=FILE_REFUSAL,
)
CHANGE = Operation(
    "changeSettings",
    "/api/v1/cameras/{camera}/settings",
    "Change some of a camera's settings in the settings file, and have them taken up.",
    (Answer("The settings as they are now.", SettingsView),),
    method="PUT",
    role=Role.ADMIN,
    body=Body("Some of the settings; what is left out stays.", CameraSettings),
    headers=(SEEN,),
    refusals={**FILE_REFUSAL, **STALE_REFUSALS, **BODY_REFUSALS},
)


class EditingPages:
    """Where settings are looked at by everybody who sees the camera, and changed by admins."""

    def __init__(self, backstage: Backstage, policy: Policy) -> None:
        self._backstage = backstage
        self._policy = policy

    def routes(self, guard: Guard) -> list[Route]:
        """Return the addresses of these pages."""
        page = "/cameras/{camera}"
        return [
            guard.route(SETTINGS, self.settings),
            guard.route(CHANGE, self.change),
            Route(page, guard.protect(self.page), methods=["GET"]),
            Route(page, guard.protect(self.take_form, Role.ADMIN), methods=["POST"]),
        ]

    def settings(self, request: Request) -> Response:
        """Return a camera's settings."""
        with blame():
            return answer(self._office(request).view(camera_of(request)))

    def change(self, request: Request) -> Response:
        """Change some of a camera's settings."""
        revision = revision_of(request)
        edit = json_of(request, MAX_BODY_BYTES)
        with blame():
            try:
                check_types(edit)
                return answer(self._change(request, edit, revision))
            except RefusedEditError as error:
                return refused(error)

    def page(self, request: Request) -> Response:
        """Show a camera with its settings."""
        with blame():
            view = self._office(request).view(camera_of(request))
        return _page(request, view, is_saved="saved" in request.query_params)

    def take_form(self, request: Request) -> Response:
        """Take the form, and show it again where something is wrong with it."""
        fields = read_form(request, MAX_BODY_BYTES, public_host=self._policy.public_host)
        revision = fields.pop("revision", "")
        try:
            self._change(request, fields, revision)
        except UnknownCameraError as error:
            raise HTTPException(404, str(error)) from error
        except RefusedEditError as error:
            return self._again(request, fields, problems=told(error.problems), status_code=422)
        except StaleEditError as error:
            return self._again(request, {}, problems={"": str(error)}, status_code=412)
        except SettingsError as error:
            return self._again(request, fields, problems={"": str(error)}, status_code=409)
        return RedirectResponse(f"/cameras/{camera_of(request)}?saved", status_code=303)

    def _again(
        self, request: Request, edit: Mapping[str, Any], *, problems: Mapping[str, str], status_code: int
    ) -> Response:
        with blame():
            view = self._office(request).view(camera_of(request))
        return _page(request, view, edit=edit, problems=problems, status_code=status_code)

    def _change(self, request: Request, edit: Mapping[str, Any], revision: str) -> SettingsView:
        by = account_of(request).name
        return self._office(request).change(camera_of(request), edit, revision=revision, by=by)

    def _office(self, request: Request) -> SettingsOffice:
        return seen_by(request, self._backstage).settings


def _page(
    request: Request,
    view: SettingsView,
    *,
    edit: Mapping[str, Any] | None = None,
    problems: Mapping[str, str] | None = None,
    is_saved: bool = False,
    status_code: int = 200,
) -> Response:
    return show(
        "camera.html",
        status_code=status_code,
        view=view,
        settings={**view.settings, **(edit or {})},
        problems=problems or {},
        is_saved=is_saved,
        may_edit=account_of(request).may(Role.ADMIN) and not view.obstacle,
        account=account_of(request),
        may_remove=account_of(request).rights.administer_all,
    )


TEMPLATES.filters["rule_words"] = rule_words
