"""The HTTP API's document as the code has it; run as a module it writes docs/http-api.json."""

import json

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from daemon.config import HttpTable
from daemon.openapi import document
from daemon.web import create_app
from tests.backstages import EVERYBODY_IN, FakeBackstage
from tests.documents.snippets import REPOSITORY

FILE = REPOSITORY / "docs/http-api.json"


def whole_app() -> Starlette:
    """Return an application with every route that a daemon has."""
    return create_app(FakeBackstage(), CollectorRegistry(), HttpTable(), door=EVERYBODY_IN)


def text_of(app: Starlette) -> str:
    """Return the document of an application's routes as it stands in the file."""
    return json.dumps(document(app.routes), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of(whole_app()), encoding="utf-8")
