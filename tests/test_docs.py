"""What the documents promise is what the program has: settings, options, metrics, topics and fields."""

import argparse
import json
import re
from datetime import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr

from daemon.cli import build_parser
from daemon.config import CameraDefaults, CameraTable, Settings
from daemon.notify.tables import NotifyTable
from daemon.payloads import SCHEMAS, json_schema
from daemon.topics import PARTS, SWITCHES, Topics
from daemon.zone_tables import RuleTable, ZoneTable
from pipeline.metrics import Metrics
from training.__main__ import build_parser as build_training_parser

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"


def section(text: str, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, f"there is no heading {heading!r}"
    return rest.partition("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each table row after its first, by the first cell without its backticks."""
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in text.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def toml(value: object) -> str:
    """Return a default as it stands in the file; None and an empty password are an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, SecretStr):
        return '""'
    return json.dumps(str(value) if isinstance(value, Path | time) else value)


def tables() -> list[tuple[str, type[BaseModel], set[str]]]:
    """Return each section's heading, its model, and the settings that it must list."""
    plain = [
        (f"[{name}]", field.annotation, set(field.annotation.model_fields))
        for name, field in Settings.model_fields.items()
        if name not in {"cameras", "notify"}
    ]
    own = set(CameraTable.model_fields) - set(CameraDefaults.model_fields)
    return [
        *plain,
        ("[notify.&lt;name&gt;]", NotifyTable, set(NotifyTable.model_fields)),
        ("[cameras.&lt;name&gt;]", CameraTable, own),
        ("[cameras.&lt;name&gt;.zones.&lt;zone&gt;]", ZoneTable, set(ZoneTable.model_fields)),
        ("[[cameras.&lt;name&gt;.rules]]", RuleTable, set(RuleTable.model_fields)),
    ]


@pytest.mark.parametrize(("heading", "model", "names"), tables())
def test_every_setting_is_documented_with_its_default(heading, model, names):
    documented = rows(section((DOCS / "configuration.md").read_text(encoding="utf-8"), heading))
    assert set(documented) == names
    for name in names:
        field = model.model_fields[name]
        default = (
            "required" if field.is_required() else f"`{toml(field.get_default(call_default_factory=True))}`"
        )
        default = "none" if model is CameraTable and name in {"zones", "rules"} else default
        assert documented[name][1] == default, name


@pytest.mark.parametrize(("heading", "model", "names"), tables()[:-4])
def test_every_setting_stands_in_the_commented_file(heading, model, names):
    text = (REPOSITORY / "config.toml").read_text(encoding="utf-8")
    body = text.partition(f"\n{heading}\n")[2].partition("\n[")[0]
    assert set(re.findall(r"^(\w+) = ", body, re.MULTILINE)) == names - {"password"}


def names_of(parser: argparse.ArgumentParser, *, of_command: bool = True) -> set[str]:
    """Return what a command's table must list: options and arguments, or commands and their options."""
    names: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names |= action.choices.keys()
            names |= {n for child in action.choices.values() for n in names_of(child, of_command=False)}
        elif action.option_strings and not isinstance(action, argparse._HelpAction):
            names.add(action.option_strings[-1])
        elif of_command and not action.option_strings:
            names.add(action.metavar.rstrip("…"))
    return names


@pytest.mark.parametrize("program", [build_parser(), build_training_parser()], ids=lambda parser: parser.prog)
def test_every_command_and_option_is_documented(program):
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    (commands,) = [a for a in program._actions if isinstance(a, argparse._SubParsersAction)]
    for name, parser in commands.choices.items():
        documented = {
            option.split()[0].rstrip("…") for option in rows(section(text, f"{program.prog} {name}"))
        }
        assert documented == names_of(parser), name


def test_every_metric_is_documented_with_its_labels():
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    documented = {name.partition("{")[0] for name in rows(text)}
    registry = CollectorRegistry()
    Metrics(registry)
    names = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()
    }
    assert {name for name in documented if name.startswith("videobert_")} == names


def test_every_topic_is_documented():
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    topics = Topics()
    camera = "<camera>"
    named = [
        topics.status,
        *map(topics.versions, PARTS),
        topics.event(camera),
        topics.camera_status(camera),
        topics.state(camera),
        topics.snapshot(camera),
        topics.switch_state(camera, "enabled"),
        topics.feedback_set(camera),
        topics.feedback_state(camera),
        *(topics.switch_set(camera, switch) for switch in SWITCHES),
        "homeassistant/device/videobert_<camera>/config",
    ]
    assert [topic for topic in named if f"`{topic}`" not in text] == []


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_every_field_of_a_payload_is_documented(name):
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    assert [field for field in json_schema(name)["properties"] if f"`{field}`" not in text] == []


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{document.name}: {target}"
        for document in [*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md")]
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_file_that_a_document_names_exists():
    gone = [
        f"{document.name}: {name}"
        for document in [*DOCS.rglob("*.md"), REPOSITORY / "README.md"]
        for name in re.findall(
            r"`((?:models|pipeline|training|daemon|benchmarks|tests)/[\w/.]+)`",
            document.read_text(encoding="utf-8"),
        )
        if not (REPOSITORY / name).exists()
    ]
    assert gone == []


def test_decisions_are_numbered_without_a_gap_and_only_those_are_cited():
    pages = {path.name[:4]: path for path in sorted((DOCS / "decisions").glob("*.md"))}
    assert list(pages) == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert [
        path.name for number, path in pages.items() if not path.read_text().startswith(f"# {number}: ")
    ] == []
    code = [
        path for package in ("models", "pipeline", "training", "daemon", "docs") for path in _texts(package)
    ]
    cited = {
        name for path in code for name in re.findall(r"decisions/([\w-]+)", path.read_text(encoding="utf-8"))
    }
    known = {*pages, *(path.stem for path in pages.values())}
    assert cited - known == set()


def _texts(package: str) -> list[Path]:
    return [path for path in (REPOSITORY / package).rglob("*") if path.suffix in {".py", ".md"}]
