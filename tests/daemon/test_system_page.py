"""The page of the daemon itself: its figures in words, the model's card, and who sees what of it."""

import re
from dataclasses import replace

import pytest

from daemon.access.rights import Account, Role
from daemon.system.card import Block, inline, read_card
from daemon.system.pages import bytes_text, delay_text, reason_words
from models.checkpoint import DEFAULT_DIR
from tests.backstages import MEASURES, PORCH, FakeBackstage
from tests.test_docs import DOCS, rows
from tests.visitors import people_of, visitor

YARD = replace(PORCH, name="yard", description="behind the house")
YARDS = replace(MEASURES.cameras[0], name="yard", dropped={"decode_error": 31}, disconnected={"stalled": 5})


@pytest.fixture
def backstage():
    both = replace(MEASURES, cameras=(*MEASURES.cameras, YARDS))
    return FakeBackstage(all_cameras=(PORCH, YARD), measured=both)


def page_of(backstage, client=None):
    """Return the page as text, for somebody or for anybody."""
    answer = (client or visitor(backstage)).get("/system")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_the_page_tells_frames_delays_broker_storage_and_versions(backstage):
    page = page_of(backstage)
    for text in (
        '<td data-title="decoded a second">12.5</td>',
        '<td data-title="encoded a second">–</td>',
        '7 <span class="quiet">this machine was too slow</span>, 2 <span class="quiet">before the stream',
        "<td>42 ms</td><td>250 ms</td><td>2.3 s</td><td>900</td>",
        "<td>–</td><td>–</td><td>–</td><td>0</td>",
        "connected to 127.0.0.1:1883",
        "<dt>pictures</dt><dd>2.3 MB</dd>",
        "<dt>videos</dt><dd>12 GB</dd>",
        "30 GB of 64 GB",
        "videobertd 0.1.0",
        "onnxruntime int8 cpu",
    ):
        assert text in page


def test_what_is_wrong_stands_above_all(backstage):
    backstage.own = replace(backstage.own, broker_problem="MQTT broker: refused", storage_problem="disk full")
    page = page_of(backstage)
    assert (
        page.index("<li>MQTT broker: refused</li>") < page.index("<li>disk full</li>") < page.index("<main")
    )


def test_a_daemon_without_cameras_and_a_model_without_a_card_have_a_page(backstage):
    backstage.all_cameras, backstage.measured = (), replace(MEASURES, cameras=(), card="")
    page = page_of(backstage)
    assert "No camera yet." in page
    assert "has no card" in page


def test_who_sees_some_cameras_sees_their_figures_and_nothing_of_all_together(backstage, tmp_path):
    people = people_of(tmp_path, Account("vera", Role.VIEWER, frozenset({"porch"})))
    page = page_of(backstage, people.visitor(backstage, "vera"))
    assert "porch" in page
    hidden = ("yard", "31", "from a frame to its score", "12 GB", "/data")
    assert [words for words in hidden if words in page] == []
    assert [words for words in hidden if words not in page_of(backstage)] == []  # else they prove nothing
    assert "shown to who may see all" in page


def test_the_card_is_shown_as_text_and_never_as_html_of_its_own(backstage):
    backstage.measured = replace(
        MEASURES, card="# A <b>\n\nIt is `a<i>` and **bold** [here](javascript:x).\n"
    )
    page = page_of(backstage)
    assert "<h3>A &lt;b&gt;</h3>" in page
    assert "<p>It is <code>a&lt;i&gt;</code> and <strong>bold</strong> here.</p>" in page
    assert "javascript" not in page


def test_every_reason_of_the_metrics_has_words():
    documented = rows((DOCS / "metrics.md").read_text(encoding="utf-8"))
    for name in ("videobert_frames_dropped_total", "videobert_camera_reconnects_total"):
        names = re.findall(r"`(\w+)`", documented[name][2])
        assert names
        assert [reason for reason in names if reason_words(reason) == reason] == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 MB"),
        (2_340_000, "2.3 MB"),
        (999_000_000, "999 MB"),
        (1_500_000_000, "1.5 GB"),
        (12 * 10**9, "12 GB"),
    ],
)
def test_sizes_are_told_in_two_figures_or_so(count, text):
    assert bytes_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (0.0421, "42 ms"), (1.0, "1.0 s"), (63.21, "63.2 s")]
)
def test_delays_are_told_in_the_unit_that_fits(seconds, text):
    assert delay_text(seconds) == text


def test_a_card_is_read_block_by_block():
    text = (
        "---\nlicense: x\n---\n\n# Title\nGoes on\nhere.\n\n"
        "| | |\n|---|---|\n| a | b |\n\n- one\n  more\n- two\n"
    )
    assert read_card(text) == (
        Block("heading", (("Title",),)),
        Block("paragraph", (("Goes on here.",),)),
        Block("table", (("", ""), ("a", "b"))),
        Block("list", (("one more",), ("two",))),
    )


def test_the_default_models_card_is_read_whole():
    text = (DEFAULT_DIR / "README.md").read_text(encoding="utf-8")
    blocks = read_card(text)
    assert blocks[0] == Block("heading", (("videobert-small 0.3.0",),))
    assert {block.kind for block in blocks} == {"heading", "paragraph", "table", "list"}
    assert all(len(row) == len(block.rows[0]) for block in blocks for row in block.rows)
    assert not [block for block in blocks if block.kind == "paragraph" and "|" in block.text]


def test_emphasis_and_code_are_marked_in_escaped_text():
    assert inline("**a** `b` <c>") == "<strong>a</strong> <code>b</code> &lt;c&gt;"
