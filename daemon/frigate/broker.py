"""The section `mqtt` of a Frigate configuration in, our `[mqtt]` out; its password is not among it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from daemon.config import MqttTable
from daemon.frigate.remarks import Remarks, is_off, table, text

_CERTIFICATES = {"tls_ca_certs": "ca_file", "tls_client_cert": "cert_file", "tls_client_key": "key_file"}


def imported_broker(values: Mapping[str, Any], remarks: Remarks) -> dict[str, Any]:
    """Return what stands in our `[mqtt]`; what cannot be taken over is told of in `remarks`."""
    mqtt = table(values, "mqtt")
    if is_off(mqtt.get("enabled")):
        remarks.add("mqtt", "it is switched off there; the daemon needs a broker: set host")
        return {}
    wanted: dict[str, Any] = {}
    for theirs, ours in (("host", "host"), ("port", "port"), ("user", "username")):
        if mqtt.get(theirs) is not None:
            wanted |= _taken(ours, mqtt[theirs], where=f"mqtt.{theirs}", remarks=remarks)
    if mqtt.get("password") is not None:
        remarks.add(
            "mqtt.password", "never stands in our file: set VIDEOBERTD_MQTT__PASSWORD, or password_file"
        )
    for theirs, ours in _CERTIFICATES.items():
        if mqtt.get(theirs):
            wanted["tls"] = True
            remarks.add(f"mqtt.{theirs}", f"is a path inside Frigate's container: set {ours}")
    if mqtt.get("tls_insecure") is True:
        wanted["tls_insecure"] = True
    for key in ("topic_prefix", "client_id"):
        if mqtt.get(key):
            remarks.add(
                f"mqtt.{key}", "was left as it is by default here: both programs may run side by side"
            )
    return wanted


def _taken(key: str, value: Any, *, where: str, remarks: Remarks) -> dict[str, Any]:
    """Return a value under our key, if our settings allow it; one from a variable cannot stand in a file."""
    if "{FRIGATE_" in text(value):
        remarks.add(where, f"comes from a variable there: set VIDEOBERTD_MQTT__{key.upper()}")
        return {}
    candidate = {key: value if key == "port" else text(value)}
    try:
        MqttTable.model_validate(candidate)
    except ValidationError:
        remarks.add(where, f"is not allowed here: set {key}")
        return {}
    return candidate
