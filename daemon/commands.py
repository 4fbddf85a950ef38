"""Command topics in, cameras' switches turned, and where they stand out: on the board and on disk."""

import logging
import threading
from collections.abc import Mapping

from daemon.board import Board
from daemon.mqtt import Received
from daemon.outbox import Outbox
from daemon.topics import SWITCHES, Topics
from pipeline.controls import CameraControls, Switches
from pipeline.errors import SettingsError

logger = logging.getLogger(__name__)

_POSITIONS = {"ON": True, "OFF": False}
_MAX_COMMAND_LETTERS = 32
# Where the name of a switch on MQTT is not that of the setting.
_SWITCH_OF = {"budget_per_day": "budget"}


class Commands:
    """Turns switches for MQTT and for the page; a switch that was turned stays so after a restart."""

    def __init__(self, topics: Topics, *, outbox: Outbox, board: Board) -> None:
        self._topics = topics
        self._outbox = outbox
        self._board = board
        self._lock = threading.RLock()  # a turned switch calls back into `_put_states`
        self._controls: dict[str, CameraControls] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """The command topics of all cameras."""
        return (self._topics.switch_set("+", "+"),)

    def add_camera(self, camera: str, controls: CameraControls) -> None:
        """Turn the switches of a camera as they were turned last, and let them stand on the broker."""
        with self._lock:
            self._controls[camera] = controls
            for switch, text in self._outbox.switches(camera).items():
                self._restore(camera, switch, text)
            controls.on_change(lambda: self._put_states(camera))
            self._put_states(camera)

    def remove_camera(self, camera: str) -> None:
        """Forget a camera; what stands on the broker is taken away by the announcer."""
        with self._lock:
            self._controls.pop(camera, None)

    def turn(self, camera: str, switch: str, text: str) -> None:
        """Turn a switch to `ON`, `OFF` or, for `budget`, a number, and keep it.

        Raises:
            SettingsError: There is no such camera or switch, or it can't be turned there.
        """
        with self._lock:
            controls = self._controls.get(camera)
            if controls is None:
                raise SettingsError(f"no camera is named {camera!r}")
            _turn(controls, switch, text)
            self._outbox.save_switch(camera, switch, switch_text(controls.snapshot(), switch))

    def follow(self, camera: str, settings: Mapping[str, float]) -> None:
        """Turn switches as the settings have them from now on; how they were turned before is forgotten.

        `settings` are some of `pipeline.controls.SWITCH_NAMES`.
        """
        with self._lock:
            for name in settings:
                self._outbox.forget_switch(camera, _SWITCH_OF.get(name, name))
            controls = self._controls.get(camera)
            if controls is None:  # it comes with the next reload, and then with these settings
                return
            for name, value in settings.items():
                controls.set(name, value)

    def handle(self, message: Received) -> None:
        """Obey a message on a command topic; either way, answer with where the switch stands now.

        A retained command is ignored: it was given to a daemon that has long obeyed it.
        """
        camera, switch = self._address(message.topic)
        if not camera or message.retained or message.topic == self._topics.feedback_set(camera):
            return
        text = message.payload[: _MAX_COMMAND_LETTERS + 1].decode(errors="replace").strip()
        try:
            self.turn(camera, switch, text)
        except SettingsError as error:
            logger.warning("the command on %s is ignored: %s", message.topic, error)
        self._board.repeat([self._topics.switch_state(camera, switch)])

    def _address(self, topic: str) -> tuple[str, str]:
        """Return camera and switch of a command topic; two empty strings for another topic."""
        prefix, suffix = f"{self._topics.base}/", "/set"
        parts = topic.removeprefix(prefix).removesuffix(suffix).split("/")
        is_command = topic.startswith(prefix) and topic.endswith(suffix) and len(parts) == 2
        return (parts[0], parts[1]) if is_command else ("", "")

    def _restore(self, camera: str, switch: str, text: str) -> None:
        try:
            _turn(self._controls[camera], switch, text)
        except SettingsError as error:
            logger.warning("the switch %s of camera %s is not restored: %s", switch, camera, error)

    def _put_states(self, camera: str) -> None:
        with self._lock:
            controls = self._controls.get(camera)
            if controls is None:
                return
            switches = controls.snapshot()
            for switch in SWITCHES:
                topic = self._topics.switch_state(camera, switch)
                self._board.put(topic, switch_text(switches, switch).encode())


def switch_text(switches: Switches, switch: str) -> str:
    """Return a switch as it stands on MQTT: `ON`, `OFF`, or the budget as `1` or `0.5`."""
    if switch == "budget":
        return f"{switches.budget_per_day:g}"
    positions = {"enabled": switches.enabled, "anomaly": switches.anomaly, "behaviour": switches.behaviour}
    return "ON" if positions[switch] else "OFF"


def _turn(controls: CameraControls, switch: str, text: str) -> None:
    if switch not in SWITCHES:
        raise SettingsError(f"no switch is named {switch!r}; there are {', '.join(SWITCHES)}")
    if switch == "budget":
        controls.set("budget_per_day", _number(text))
        return
    if text.upper() not in _POSITIONS:
        raise SettingsError(f"{switch} can be turned ON or OFF, not {text!r}")
    controls.set(switch, _POSITIONS[text.upper()])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"budget is a number of alarms a day, not {text!r}") from None
