"""docs/settings-page.md names each setting that the page changes, and each field that it answers."""

from dataclasses import fields

from daemon.config import CameraTable
from daemon.editing.form import EDITABLE, SettingsView
from tests.documents.snippets import REPOSITORY

TEXT = (REPOSITORY / "docs/settings-page.md").read_text(encoding="utf-8")


def test_each_setting_that_can_be_changed_is_named_in_the_first_row():
    (row,) = [line for line in TEXT.splitlines() if line.endswith("| can be changed |")]
    assert row == f"| {', '.join(f'`{name}`' for name in EDITABLE)} | can be changed |"
    assert set(EDITABLE) < set(CameraTable.model_fields)


def test_each_field_of_an_answer_is_in_the_table():
    assert [field.name for field in fields(SettingsView) if f"\n| `{field.name}` |" not in TEXT] == []
