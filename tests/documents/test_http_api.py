"""docs/http-api.json is what a daemon gives, and docs/http-api.md tells of every request."""

import re

from starlette.routing import Route

from daemon.operations import ApiRoute
from tests.documents.http_api import FILE, text_of, whole_app
from tests.documents.snippets import REPOSITORY

TEXT = (REPOSITORY / "docs/http-api.md").read_text(encoding="utf-8")


def test_the_kept_document_is_that_of_the_code():
    kept = FILE.read_text(encoding="utf-8")
    assert kept == text_of(whole_app()), "renew it: python -m tests.documents.http_api"


def test_every_request_stands_in_the_page_with_who_may_send_it():
    rows = dict(re.findall(r"^\| `((?:GET|POST|PUT|DELETE|PATCH) \S+)`[^|]*\| (\w+) \|", TEXT, re.MULTILINE))
    operations = [route.operation for route in whole_app().routes if isinstance(route, ApiRoute)]
    roles = {f"{one.method} {one.path}": one.role for one in operations}
    assert rows == {
        request: role if isinstance(role, str) else role.name.lower() for request, role in roles.items()
    }


def test_the_page_names_every_page_for_people():
    pages = [route.path for route in whole_app().routes if type(route) is Route]
    assert [path for path in pages if f"`{path}`" not in TEXT] == []
