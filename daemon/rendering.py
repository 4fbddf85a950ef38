"""Templates and values in, pages out; every value is escaped, and one that is missing is a bug and raises."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def show(template: str, *, status_code: int = 200, **values: object) -> Response:
    """Return a page of a template."""
    return as_page(TEMPLATES.get_template(template).render(**values), status_code)


def as_page(html: str, status_code: int = 200) -> Response:
    """Return a page, which is kept nowhere: it is old in a second, or somebody's own."""
    return Response(html, status_code, media_type="text/html", headers={"cache-control": "no-store"})
