"""`videobertd import-frigate`: a Frigate configuration in, settings and a list of what is missing out."""

import os
import re
from pathlib import Path

from rich.console import Console
from rich.text import Text

from daemon.exit_codes import EXIT_OK
from daemon.frigate.broker import imported_broker
from daemon.frigate.cameras import ImportedCamera, imported_cameras, remark_on_sections
from daemon.frigate.remarks import Remarks
from daemon.frigate.writer import settings_text
from daemon.frigate.yaml_file import read_yaml
from pipeline.errors import SettingsError
from pipeline.urls import redact_url

_PASSWORD = re.compile(r"://[^:@]*:[^@]+@")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def run_import(source: Path, target: Path, console: Console | None = None) -> int:
    """Write what a Frigate configuration says of cameras, zones, masks and the broker as settings of ours.

    Raises:
        SettingsError: it cannot be read or names no camera that can be used, or `target` is there already.
    """
    values, remarks = read_yaml(source), Remarks()
    broker = imported_broker(values, remarks)
    cameras = tuple(imported_cameras(values, remarks))
    if not cameras:
        reasons = "".join(
            f"\n{item.where}: {item.words}" for item in remarks.items if "left out" in item.words
        )
        raise SettingsError(f"{source}: names no camera that can be used{reasons}")
    remark_on_sections(values, remarks)
    _write(target, settings_text(broker, cameras, remarks.items))
    _tell(console or Console(), target, cameras=cameras, remarks=remarks)
    return EXIT_OK


def _write(target: Path, text: str) -> None:
    """Write the file for its owner alone, as cameras' passwords may stand in it."""
    try:
        with os.fdopen(
            os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
    except FileExistsError as error:
        raise SettingsError(f"{target} is there already: name another file by --output") from error
    except OSError as error:
        raise SettingsError(f"{target} cannot be written: {error.strerror}") from error


def _holds_secret(url: str) -> bool:
    """Say whether a password or a token stands in a URL itself."""
    plain = _VARIABLE.sub("", url)
    without_user = re.sub(r"://[^/]*@", "://", plain)
    return _PASSWORD.search(plain) is not None or redact_url(without_user) != without_user


def _tell(console: Console, target: Path, *, cameras: tuple[ImportedCamera, ...], remarks: Remarks) -> None:
    num_areas = sum(len(camera.areas) for camera in cameras)
    lines = [f"{target}: cameras: {len(cameras)}, zones and masks: {num_areas}"]
    variables = sorted({name for camera in cameras for name in _VARIABLE.findall(camera.url)})
    if variables:
        lines.append(f"The daemon's environment must have {', '.join(variables)}.")
    literal = [camera.name for camera in cameras if _holds_secret(camera.url)]
    if literal:
        lines.append(
            f"The passwords of {', '.join(literal)} stand in the file as they stood in Frigate's;"
            " only its owner may read it. ${NAME} in a url takes one from the environment."
        )
    if remarks.items:
        lines.append("Not taken over:")
        lines += [f"  {item.where}: {item.words}" for item in remarks.items]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
