"""deploy/ is held against the validators of those who will read it."""

import json
import re
import shutil
import subprocess
import sys
from getpass import getuser
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pipeline.metrics import Metrics
from tests.servers import end_mosquitto

DEPLOY = Path(__file__).parents[2] / "deploy"
METRICS_PAGE = DEPLOY.parent / "docs/metrics.md"
NAMES = re.compile(r"\bvideobert_\w+")
LABELS = dict(
    re.findall(r"^\| `(videobert_\w+)` \| \w+ \| ([^|]+) \|", METRICS_PAGE.read_text(), flags=re.MULTILINE)
)
DASHBOARDS = {
    path.stem: json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
}
# Metrics that stand in no panel, each with the reason.
NOT_SHOWN: dict[str, str] = {}


def tool(name: str) -> str:
    """Return the program's path: beside this Python, or on PATH; skip where there is none."""
    path = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    return path or pytest.skip(f"{name} is not installed")


def run(*command: str | Path, cwd: Path = DEPLOY) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def declared_series() -> set[str]:
    """Return every name that /metrics can show, with the suffixes of histograms."""
    names = set()
    registry = CollectorRegistry()
    Metrics(registry)
    for metric in registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(metric.type, [""])
        names |= {metric.name + suffix for suffix in suffixes}
    return names


def expressions_of(dashboard: dict) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def panel_expressions() -> list[str]:
    return [text for dashboard in DASHBOARDS.values() for text in expressions_of(dashboard)]


def test_the_dockerfile_has_no_finding():
    assert run(tool("hadolint"), "Dockerfile") == ""


def test_the_compose_file_follows_the_compose_specification():
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_prometheus_accepts_its_configuration_and_rules():
    run(tool("promtool"), "check", "config", "prometheus.yml", cwd=DEPLOY / "prometheus")


def test_every_alert_rule_fires_when_it_should():
    run(tool("promtool"), "test", "rules", "alerts_test.yml", cwd=DEPLOY / "prometheus")
    rules = re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus/alerts.yml").read_text())
    tested = set(re.findall(r"alertname: (\w+)", (DEPLOY / "prometheus/alerts_test.yml").read_text()))
    assert set(rules) == tested


def test_alerts_and_panels_use_declared_metrics_only():
    text = " ".join([*panel_expressions(), (DEPLOY / "prometheus/alerts.yml").read_text()])
    assert set(NAMES.findall(text)) <= declared_series()


def test_every_panel_holds_valid_promql(tmp_path):
    expressions = [expression.replace("$camera", ".*") for expression in panel_expressions()]
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions)]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(tool("promtool"), "check", "rules", path)


def test_every_documented_metric_stands_in_a_panel_or_has_a_reason_not_to():
    documented = set(re.findall(r"^\| `(videobert_\w+)`", METRICS_PAGE.read_text(), flags=re.MULTILINE))
    shown = {
        re.sub("_(bucket|sum|count)$", "", name) for name in NAMES.findall(" ".join(panel_expressions()))
    }
    assert documented - shown == NOT_SHOWN.keys()


@pytest.mark.parametrize(
    "promised",
    [
        "videobert_events_total",
        "videobert_alarm_budget_used_ratio",
        "videobert_alarms_expected_per_day",
        "videobert_alarms_actual_per_day",
        "videobert_calibration_ratio",
        "videobert_feedback_total",
        "videobert_clips_total",
        "videobert_evidence_bytes",
        "videobert_notifications_total",
        "videobert_notification_failures_total",
    ],
)
def test_who_answers_alarms_sees_them_on_one_dashboard(promised):
    assert promised in NAMES.findall(" ".join(expressions_of(DASHBOARDS["alarms"])))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_grafana_reads_the_dashboard(name):
    reason = "grafana-foundation-sdk is not installed"
    sdk = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason=reason)
    dashboard = sdk.Dashboard.from_json(DASHBOARDS[name])
    assert dashboard.title.startswith("videobertd: ")
    assert len(dashboard.panels) == len(DASHBOARDS[name]["panels"])


def test_no_two_dashboards_have_one_uid_and_each_has_the_camera_and_the_data_source_to_choose():
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS) == 2
    for dashboard in DASHBOARDS.values():
        assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "camera"]


def test_a_panel_of_cameras_follows_the_choice_of_camera():
    by_camera = {name for name, labels in LABELS.items() if "camera" in labels}
    assert {"videobert_events_total", "videobert_clips_total"} <= by_camera
    deaf = [
        text
        for text in panel_expressions()
        if by_camera & set(NAMES.findall(text)) and 'camera=~"$camera"' not in text
    ]
    assert deaf == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_no_two_panels_overlap(name):
    taken = set()
    for panel in DASHBOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells


def test_the_unit_is_valid_and_hardened(tmp_path):
    unit = tmp_path / "videobertd.service"
    text = (DEPLOY / "videobertd.service").read_text()
    # systemd checks that the program exists; here it lies in no /opt.
    unit.write_text(text.replace("/opt/videobertd/bin/videobertd", sys.executable))
    assert run(tool("systemd-analyze"), "verify", unit) == ""
    report = run(tool("systemd-analyze"), "security", "--offline=true", "--threshold=20", unit)
    # "Overall exposure level": 0 is the best, 10 the worst; systemd calls up to 2 OK.
    exposure = re.search(r"Overall exposure level for videobertd.service: ([\d.]+)", report)
    assert exposure is not None
    assert float(exposure[1]) <= 2.0


def mosquitto_configuration(folder: Path, passwords: Path) -> str:
    """Return the supplied file with this machine's paths, on a Unix socket that needs no free port."""
    text = (DEPLOY / "mosquitto/mosquitto.conf").read_text()
    text = text.replace("/mosquitto/data/", f"{folder}/").replace(
        "/mosquitto/config/passwords", str(passwords)
    )
    text = text.replace("listener 1883", f"listener 0 {folder}/mosquitto.sock").replace("stdout", "stderr")
    return f"{text}\nlog_type information\nuser {getuser()}\n"


def test_mosquitto_runs_on_the_supplied_configuration(tmp_path):
    passwords = tmp_path / "passwords"
    run(tool("mosquitto_passwd"), "-b", "-c", passwords, "videobertd", "secret")
    config = tmp_path / "mosquitto.conf"
    config.write_text(mosquitto_configuration(tmp_path, passwords))
    with subprocess.Popen([tool("mosquitto"), "-c", config], stderr=subprocess.PIPE, text=True) as broker:
        try:
            assert any("running" in line for line in iter(broker.stderr.readline, ""))
        finally:
            end_mosquitto(broker)


def test_mosquitto_queues_a_flood():
    text = (DEPLOY / "mosquitto/mosquitto.conf").read_text()
    limits = dict(re.findall(r"^(max_\w+) (\d+)$", text, flags=re.MULTILINE))
    # The default of 1,000 queued messages loses a flood silently.
    assert int(limits["max_queued_messages"]) >= 100_000
