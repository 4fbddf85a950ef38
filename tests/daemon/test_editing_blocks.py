"""A settings file taken apart and joined again: what belongs to which table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.editing.blocks import Block, insert, join, remove, split
from tests.documents.snippets import REPOSITORY

FILE = """\
# about the file

# the porch
[cameras.porch]  # by the door
url = "rtsp://192.0.2.7/x"
# fps = 5

# ---- the garden ----

[cameras.garden]
url = "x"
[[cameras.garden.rules]]
do = "ignore"
"""
PORCH, GARDEN, RULE = 1, 2, 3
POND = Block(("cameras", "pond"), lead="", body="[cameras.pond]\n")


def test_a_file_comes_back_as_it_was():
    assert join(split(FILE)) == FILE


def test_the_commented_file_comes_back_as_it_was():
    text = (REPOSITORY / "config.toml").read_text(encoding="utf-8")
    blocks = split(text)
    assert join(blocks) == text
    assert [block.path for block in blocks[1:3]] == [("mqtt",), ("http",)]


LINES = st.sampled_from(
    ["[a]\n", "[b.c]\n", "[[d]]\n", "x = 1\n", "# note\n", "\n", 'y = """\n[no]\n"""\n', "\r\n"]
)


@given(st.lists(LINES, max_size=12))
def test_whatever_is_toml_comes_back_as_it_was(lines):
    text = "".join(lines)
    try:
        blocks = split(text)
    except ValueError:  # the same key or table twice
        return
    assert join(blocks) == text


def test_comments_right_above_a_table_go_with_it_and_those_apart_stay_behind():
    blocks = split(FILE)
    assert blocks[PORCH].lead == "# the porch\n"
    assert blocks[PORCH].body.endswith("# fps = 5\n")
    assert blocks[PORCH].tail == "\n# ---- the garden ----\n\n"
    assert (blocks[GARDEN].lead, blocks[GARDEN].tail) == ("", "")


def test_tables_of_one_path_are_told_from_a_table():
    rule = split(FILE)[RULE]
    assert (rule.path, rule.is_item) == (("cameras", "garden", "rules"), True)


@pytest.mark.parametrize(
    "value",
    [
        '"""\n[not.a.table]\n"""',
        "'''\n[[nor]]\n# this\n'''",
        "[\n  [0.1, 0.2],\n  [0.3, 0.4],\n]",
        "[\n[[1]],\n]",
    ],
)
def test_a_bracket_within_a_value_begins_no_table(value):
    blocks = split(f"[a]\nx = {value}\n[b]\n")
    assert [block.path for block in blocks] == [(), ("a",), ("b",)]


def test_a_letter_that_ends_a_line_elsewhere_ends_none_here():
    # U+2028 is a line's end for str.splitlines, but not for TOML: the header is part of the comment.
    assert [block.path for block in split("# one\u2028[two]\n[three]\n")] == [(), ("three",)]


def test_a_new_table_stands_before_what_is_said_of_the_next():
    text = join(insert(split(FILE), GARDEN, POND))
    assert "# fps = 5\n\n[cameras.pond]\n\n# ---- the garden ----\n\n[cameras.garden]" in text


def test_a_new_table_after_a_file_without_a_last_newline_begins_a_line():
    assert join(insert(split("[a]\nx = 1"), 2, POND)) == "[a]\nx = 1\n\n[cameras.pond]\n"


def test_a_table_takes_its_own_comments_along_and_no_other():
    text = join(remove(split(FILE), PORCH))
    assert "the porch" not in text
    assert text.startswith("# about the file\n\n# ---- the garden ----\n\n[cameras.garden]")


def test_the_last_table_goes_without_a_trace():
    assert join(remove(split(FILE), RULE)).endswith('[cameras.garden]\nurl = "x"\n')
