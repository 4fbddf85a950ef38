"""Described routes in, the OpenAPI 3.1 document of the HTTP API out; the schemas are those of the types."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from daemon.access.guard import COOKIE, Guard
from daemon.access.rights import Role
from daemon.operations import OWN_HEADER, Answer, ApiRoute, Body, Header, Open, Operation
from daemon.refusals import Error

VERSION = "1"
DOCUMENT_PATH = f"/api/v{VERSION}/openapi.json"
# What stands between braces in paths; a new one is described here.
PLACES = {
    "event_id": "An event's `id`.",
    "camera": "A camera's name in the settings.",
    "switch": "`enabled`, `anomaly` or `behaviour`.",
    "number": "A model's number; 0 is the daemon's own.",
}
_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What a browser has after its login at /login.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "What a program has, made by `videobertd user token`.",
    },
}
_LOGGED_IN: list[dict[str, list[str]]] = [{"session": []}, {"token": []}]
_ABOUT = (
    "Events, cameras, pictures, videos, feedback and health of a videobertd. Where nobody is asked to log "
    "in, no session or token is needed. An account that has no right on a camera is answered as if there "
    "were no such camera. Every refusal is an `Error`: one sentence."
)
Json = dict[str, Any]


def document(routes: Iterable[BaseRoute]) -> Json:
    """Return the document of those of the routes that are described."""
    described = [route.operation for route in routes if isinstance(route, ApiRoute)]
    schemas = _Schemas(described)
    paths: dict[str, Json] = {}
    for operation in described:
        path = re.sub(r":\w+}", "}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "videobertd",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES, "schemas": schemas.components},
    }


def document_route(guard: Guard) -> ApiRoute:
    """Return the route at which a daemon gives its own document."""

    def give(request: Request) -> Response:
        return JSONResponse(document(request.app.routes))

    answer = Answer("An OpenAPI 3.1 document.", dict[str, object])
    says = "Return this document; it holds nothing secret."
    return guard.route(Operation("openapi", DOCUMENT_PATH, says, (answer,), role=Open.ANYBODY), give)


class _Generator(GenerateJsonSchema):
    """Writes no titles: they would repeat the fields' names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        """Say no."""
        del schema
        return False


class _Schemas:
    """The JSON Schemas of all types that are named, made together so that each stands once."""

    def __init__(self, operations: list[Operation]) -> None:
        sent = {a.form: TypeAdapter[Any](a.form) for o in operations for a in o.answers if a.form}
        queries = list(dict.fromkeys(o.query for o in operations if o.query))
        bodies = list(dict.fromkeys(o.body.form for o in operations if o.body and o.body.form))
        taken = {form: TypeAdapter[Any](form) for form in (*queries, *bodies)}
        self._made, shared = TypeAdapter.json_schemas(
            [
                *((form, "serialization", adapter) for form, adapter in sent.items()),
                *((form, "validation", adapter) for form, adapter in taken.items()),
                (Error, "serialization", TypeAdapter(Error)),
            ],
            schema_generator=_Generator,
            ref_template="#/components/schemas/{model}",
        )
        self.components: Json = {
            name: schema
            for name, schema in shared.get("$defs", {}).items()
            if name not in {query.__name__ for query in queries}
        }
        self._defs: Json = shared.get("$defs", {})

    def of_answer(self, form: type) -> Json:
        """Return the schema of what is sent."""
        return self._made[form, "serialization"]

    def of_body(self, form: type) -> Json:
        """Return the schema of what must be sent."""
        return self._made[form, "validation"]

    def of_parameters(self, query: type[BaseModel]) -> Iterable[tuple[str, Json, bool]]:
        """Yield name, schema and whether it must be given of each parameter."""
        schema = self._made[query, "validation"]
        schema = self._defs.get(schema.get("$ref", "").rpartition("/")[2], schema)
        required = schema.get("required", [])
        for name, given in schema["properties"].items():
            yield name, _without_null(given), name in required


def _operation(operation: Operation, schemas: _Schemas) -> Json:
    parameters = [
        *(
            _parameter("path", name, says=PLACES[name], schema={"type": "string", "minLength": 1})
            for name in _places(operation)
        ),
        *map(_header, operation.headers),
    ]
    if operation.changes:
        says = "Any value: it shows that no other site's page sends the request."
        parameters.append(
            _parameter("header", OWN_HEADER, says=says, schema={"type": "string", "example": "1"})
        )
    if operation.query:
        for name, schema, required in schemas.of_parameters(operation.query):
            says = schema.pop("description", "")
            parameters.append(_parameter("query", name, says=says, schema=schema, required=required))
    answers = {str(answer.status): _answer(answer, schemas) for answer in operation.answers}
    refusals = {str(status): _refusal(says) for status, says in _refusals(operation).items()}
    body = {"requestBody": _body(operation.body, schemas)} if operation.body else {}
    return {
        "operationId": operation.name,
        "summary": operation.says,
        "description": _who(operation.role),
        "security": _security(operation.role),
        "parameters": parameters,
        **body,
        "responses": dict(sorted({**answers, **refusals}.items())),
    }


def _places(operation: Operation) -> list[str]:
    return re.findall(r"{(\w+)", operation.path)


def _parameter(where: str, name: str, *, says: str, schema: Json, required: bool = True) -> Json:
    return {"in": where, "name": name, "description": says, "required": required, "schema": schema}


def _header(header: Header) -> Json:
    schema = {"type": "string", "pattern": header.pattern}
    return _parameter("header", header.name, says=header.says, schema=schema, required=False)


def _body(body: Body, schemas: _Schemas) -> Json:
    content = schemas.of_body(body.form) if body.form else {}
    return {"description": body.says, "required": True, "content": {body.media_type: {"schema": content}}}


def _answer(answer: Answer, schemas: _Schemas) -> Json:
    content = schemas.of_answer(answer.form) if answer.form else {}
    return {"description": answer.says, "content": {answer.media_type: {"schema": content}}}


def _refusal(says: str) -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": says, "content": {"application/json": {"schema": schema}}}


def _refusals(operation: Operation) -> dict[int, str]:
    """Return what may go wrong, by status: what is common to all such requests, and the request's own."""
    common: dict[int, str] = {}
    if operation.query or operation.body:
        common[HTTPStatus.BAD_REQUEST] = "Something of the request is not known or not allowed."
    if operation.role is not Open.ANYBODY:
        common[HTTPStatus.UNAUTHORIZED] = "Nobody is logged in."
        common[HTTPStatus.FORBIDDEN] = (
            "The account may not do that, or its first password was not yet changed."
        )
    if operation.changes:
        common[HTTPStatus.FORBIDDEN] = f"The account may not do that, or the header {OWN_HEADER} is missing."
    if _places(operation):
        common[HTTPStatus.NOT_FOUND] = "There is no such thing, or none that the account may see."
    return {**{int(status): says for status, says in common.items()}, **operation.refusals}


def _who(role: Role | Open) -> str:
    if isinstance(role, Role):
        return f"Needs the role `{role.name.lower()}`."
    return {
        Open.ANYBODY: "Anybody may ask.",
        Open.WATCHERS: "Anybody may ask while `http.open_metrics` is on, else an account with all cameras.",
    }[role]


def _security(role: Role | Open) -> list[dict[str, list[str]]]:
    if role is Open.ANYBODY:
        return []
    return [{}, *_LOGGED_IN] if role is Open.WATCHERS else _LOGGED_IN


def _without_null(schema: Json) -> Json:
    """Return what a parameter is where it is given: `anyOf [X, null]` is X, as no query can say null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "title", "default")}
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**(kinds[0] if len(kinds) == 1 else {}), **rest, **default}
