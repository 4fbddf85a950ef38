"""The document of the HTTP API: complete, valid, and of what the code sends."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field
from starlette.routing import Route
from starlette.testclient import TestClient

from daemon.access.guard import Guard
from daemon.access.rights import Role
from daemon.openapi import DOCUMENT_PATH, document
from daemon.operations import Answer, ApiRoute, Body, Open, Operation
from daemon.queries import Query
from tests.backstages import EVERYBODY_IN, SYSTEM
from tests.documents.http_api import whole_app


class Wanted(Query):
    text: str = Field(description="What is looked for.")
    limit: int | None = Field(default=None, ge=1)


FOUND = Answer("How the daemon stands.", type(SYSTEM))
SEARCH = Operation("search", "/api/v1/cameras/{camera}/search", "Look for it.", (FOUND,), query=Wanted)


@pytest.fixture
def app():
    return whole_app()


def described(operation: Operation) -> dict:
    """Return what the document of one operation says of it."""
    guard = Guard(EVERYBODY_IN.accounts, EVERYBODY_IN.policy)
    paths = document([guard.route(operation, lambda request: None)])["paths"]
    return paths[operation.path][operation.method.lower()]


def test_every_route_of_the_api_and_every_file_is_described(app):
    # A new one is made by guard.route(Operation(…), endpoint); only pages for people are plain routes.
    plain = [route.path for route in app.routes if isinstance(route, Route) and type(route) is not ApiRoute]
    assert [path for path in plain if path.startswith("/api/") or "." in path] == []


def test_the_document_is_valid_openapi(app):
    OpenAPIV31SpecValidator(document(app.routes)).validate()


def test_the_daemon_gives_its_document_to_anybody(app):
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        assert client.get(DOCUMENT_PATH).json() == document(app.routes)


def test_every_operation_has_a_name_of_its_own(app):
    names = [one["operationId"] for path in document(app.routes)["paths"].values() for one in path.values()]
    assert len(set(names)) == len(names) > 10


def test_a_query_s_fields_become_parameters():
    camera, text, limit = described(SEARCH)["parameters"]
    assert (camera["in"], camera["name"], camera["required"]) == ("path", "camera", True)
    assert (text["name"], text["required"], text["schema"]) == ("text", True, {"type": "string"})
    assert text["description"] == "What is looked for."
    # A parameter that need not be given has no null: no query can say that.
    assert (limit["required"], limit["schema"]) == (False, {"type": "integer", "minimum": 1})


def test_what_is_common_to_all_such_requests_need_not_be_said():
    assert list(described(SEARCH)["responses"]) == ["200", "400", "401", "403", "404"]


def test_what_changes_anything_asks_for_our_own_header():
    change = Operation("go", "/api/v1/go", "Go.", (FOUND,), method="POST", role=Role.ADMIN)
    (header,) = described(change)["parameters"]
    assert (header["in"], header["name"], header["required"]) == ("header", "x-videobertd", True)
    assert described(change)["description"] == "Needs the role `admin`."


def test_a_body_is_described_by_what_is_read_of_it():
    change = Operation("go", "/api/v1/go", "Go.", (FOUND,), method="PUT", body=Body("What.", Wanted))
    body = described(change)["requestBody"]
    assert (body["required"], body["description"]) == (True, "What.")
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Wanted"}
    picture = Operation("go", "/api/v1/go", "Go.", (FOUND,), body=Body("A picture.", media_type="image/jpeg"))
    assert described(picture)["requestBody"]["content"] == {"image/jpeg": {"schema": {}}}


@pytest.mark.parametrize(
    ("role", "security"),
    [
        (Open.ANYBODY, []),
        (Open.WATCHERS, [{}, {"session": []}, {"token": []}]),
        (Role.VIEWER, [{"session": []}, {"token": []}]),
    ],
)
def test_the_document_says_who_may_ask(role, security):
    assert described(Operation("ask", "/api/v1/ask", "Ask.", (FOUND,), role=role))["security"] == security


def test_the_schemas_are_those_of_the_types(app):
    schemas = document(app.routes)["components"]["schemas"]
    assert schemas["Error"]["required"] == ["error"]
    assert set(schemas["CameraView"]["properties"]) >= {"name", "status", "anomaly_score"}
    assert schemas["EventMessage"]["properties"]["score"]["maximum"] == 1
    assert "EventsQuery" not in schemas  # its fields stand as parameters
