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
DASHBOARD = json.loads((DEPLOY / "grafana/dashboards/videobertd.json").read_text())


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


def panel_expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


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
    assert set(re.findall(r"\bvideobert_\w+", text)) <= declared_series()


def test_every_panel_holds_valid_promql(tmp_path):
    expressions = [expression.replace("$camera", ".*") for expression in panel_expressions()]
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions)]
    path = tmp_path / "panels.yml"
    path.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(tool("promtool"), "check", "rules", path)


def test_grafana_reads_the_dashboard():
    reason = "grafana-foundation-sdk is not installed"
    sdk = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason=reason)
    dashboard = sdk.Dashboard.from_json(DASHBOARD)
    assert dashboard.uid == "videobertd"
    assert len(dashboard.panels) == len(DASHBOARD["panels"])


def test_no_two_panels_overlap():
    taken = set()
    for panel in DASHBOARD["panels"]:
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
