"""docs/page.md shows every page, by pictures that are small."""

import re

from tests.documents.snippets import REPOSITORY

PAGE = REPOSITORY / "docs/page.md"
PICTURES = REPOSITORY / "docs/images/page"


def test_every_picture_is_shown_and_small():
    shown = set(re.findall(r"images/page/([\w-]+\.webp)", PAGE.read_text(encoding="utf-8")))
    sizes = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert shown == sizes.keys()
    assert max(sizes.values()) <= 120_000
    assert sum(sizes.values()) <= 1_200_000


def test_every_page_for_people_is_shown():
    text = (REPOSITORY / "docs/http-api.md").read_text(encoding="utf-8")
    names = re.search(r"Pages for people are (.*?)\.\n", text, re.DOTALL)
    pages = set(re.findall(r"`(/[a-z]*)", names[1])) - {"/logout"}
    assert {"/", "/events", "/system"} < pages
    text = PAGE.read_text(encoding="utf-8")
    assert [page for page in pages - {"/login"} if f"`{page}" not in text] == []
