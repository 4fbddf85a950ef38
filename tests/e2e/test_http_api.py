"""The running daemon's HTTP API, asked at random for what its own document says, and for what it does not."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.access.accounts import Accounts
from daemon.access.rights import Account, Role
from daemon.openapi import DOCUMENT_PATH
from pipeline.clock import SystemClock
from pipeline.types import EventPhase
from tests.daemons import DaemonProcess
from tests.logs import log_of
from tests.servers import free_port
from tests.stations import event

# As a process: its plug-in for pytest does not know pytest 9.
SCHEMATHESIS = shutil.which("st", path=str(Path(sys.executable).parent))
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed"),
]
IDS = [f"{number}{22 * 'a'}" for number in range(3)]
# Half of the questions are about what there is. What is not ready says so by 503, which is no server's error.
# An outline can cross itself, a camera be there already, a revision be an old one, whatever the types say.
# A range can lie beyond the end of the very file, and schemathesis takes a bare 0 for one.
SETTINGS = """
[auth.openapi.token]
bearer = "TOKEN"

[dictionaries]
ids = {values = IDS}
cameras = {values = ["porch"]}
switches = {values = ["anomaly", "behaviour"]}

[parameters]
event_id = {dictionary = "ids", probability = 0.5}
camera = {dictionary = "cameras", probability = 0.5}
switch = {dictionary = "switches", probability = 0.5}

[[operations]]
include-path = "/readyz"
[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]

[[operations]]
include-operation-id = "clip"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "416"]

[[operations]]
include-operation-id = ["changeSettings", "addCamera", "removeCamera"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "412", "413", "422", "428"]
"""


@pytest.fixture
def daemon(tmp_path) -> Iterator[DaemonProcess]:
    """Run a daemon that asks for a login, with a camera that is never there and three events that ended."""
    daemon = DaemonProcess(
        tmp_path / "daemon", mqtt_port=free_port(), cameras={"porch": "rtsp://127.0.0.1:9/nothing"}
    )
    daemon.http = 'login = "always"'
    with log_of(daemon.data_dir, SystemClock()) as log:
        for number, event_id in enumerate(IDS):
            begun = replace(event(number), id=event_id)
            log.append(begun)
            log.append(replace(begun, phase=EventPhase.END, end_utc_s=begun.start_utc_s + 5))
    for folder, name in (("snapshots", f"{IDS[0]}.jpg"), ("clips", f"{IDS[0]}.mp4")):
        path = daemon.data_dir / folder / "porch" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(range(256)))
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def token(daemon) -> str:
    """Return what an admin's program sends."""
    accounts = Accounts(daemon.data_dir, SystemClock())
    accounts.add(Account("robot", Role.ADMIN), "correct horse battery")
    return accounts.add_token("robot", "fuzz")


def fuzz(daemon: DaemonProcess, folder: Path, settings: str) -> subprocess.CompletedProcess[str]:
    """Ask for what the document says and does not say; the same questions at each run."""
    (folder / "schemathesis.toml").write_text(settings)
    command = [
        *(SCHEMATHESIS, "run", f"http://127.0.0.1:{daemon.http_port}{DOCUMENT_PATH}"),
        *("--max-examples", "8", "--generation-deterministic"),
        *("--continue-on-failure", "--no-color"),
    ]
    return subprocess.run(command, check=False, cwd=folder, text=True, capture_output=True, timeout=120)


def test_every_answer_is_as_the_document_says(daemon, token, tmp_path):
    told = fuzz(daemon, tmp_path, SETTINGS.replace("TOKEN", token).replace("IDS", str(IDS)))
    assert told.returncode == 0, told.stdout
    assert "Traceback" not in daemon.log()
