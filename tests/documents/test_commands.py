"""Every command of ours that a document shows is one that the programs accept, and so are its settings."""

import importlib
import re
from pathlib import Path

import pytest

from daemon.cli import build_parser
from daemon.config import load_settings
from tests.documents.snippets import REPOSITORY, commands
from training.__main__ import build_parser as build_training_parser

PARSERS = {"videobertd": build_parser(), "videobert-train": build_training_parser()}
DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]
SHOWN = [(document, words) for document in DOCUMENTS for words in commands(document)]

# Decisions and the changelog name benchmarks, too: figures must have a command that can be run.
TEXTS = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
BENCHMARKS = sorted(
    {
        (name, tuple(re.findall(r"--[a-z-]+", options)))
        for path in TEXTS
        for name, options in re.findall(
            r"python\s-m\s(benchmarks\.\w+)([^`]*)`", path.read_text(encoding="utf-8")
        )
    }
)


@pytest.mark.parametrize(("document", "words"), SHOWN, ids=lambda shown: str(shown)[:60])
def test_a_command_in_a_document_is_accepted(document, words):
    # argparse ends the program where it does not know a command or option.
    assert vars(PARSERS[words[0]].parse_args(words[1:]))


@pytest.mark.parametrize(("name", "options"), BENCHMARKS, ids=lambda part: str(part)[:60])
def test_a_benchmark_in_a_document_can_be_loaded_and_takes_its_options(name, options):
    source = Path(importlib.import_module(name).__file__ or "").read_text(encoding="utf-8")
    assert {option for option in options if f'"{option}"' not in source} == set()


def test_the_readme_shows_commands_of_both_programs_somewhere():
    assert {words[0] for _, words in SHOWN} == {"videobertd", "videobert-train"}
    assert [words[1] for words in commands("README.md")] == ["check", "run", "replay", "events"]


def test_every_make_target_in_the_readme_exists():
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    targets = re.findall(
        r"^([a-z]+):", Path(REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)) <= set(targets)


def test_the_readmes_smallest_settings_are_accepted(tmp_path):
    (block,) = re.findall(
        r"```toml\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    file = tmp_path / "porch.toml"
    file.write_text(block, encoding="utf-8")
    settings = load_settings(file, {"PORCH_PASSWORD": "secret"})
    assert list(settings.cameras) == ["porch"]
