"""The settings file: TOML and environment in, one frozen `Settings` out, or every mistake in one error."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from daemon.config_errors import Problem, describe_errors
from daemon.config_sources import Sources, merge_sources, read_text
from daemon.notify.tables import Notify, unknown_names
from daemon.tables import OptionalFile, Table, check_name, none_if_empty
from daemon.zone_tables import RuleTable, TimeZone, Zones, check_zones_known
from pipeline.controls import MAX_BUDGET_PER_DAY, MIN_BUDGET_PER_DAY
from pipeline.errors import SettingsError
from pipeline.urls import SourceKind, names_host, source_kind

# Hosts by which only this machine reaches itself.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
# Words that stand directly under <base>/ or under <base>/<camera>/: a camera of that name would be ambiguous.
RESERVED_NAMES = frozenset(
    {"status", "event", "state", "snapshot", "set", "enabled", "anomaly", "behaviour", "budget", "daemon"}
)


def _check_camera_name(name: str) -> str:
    check_name(name)
    if name in RESERVED_NAMES:
        raise ValueError("a camera must not be named like a part of an MQTT topic")
    return name


def _check_url(url: str) -> str:
    if not url or url.endswith("://"):
        raise ValueError("must be a URL, a file, a folder of images or /dev/videoN")
    try:
        kind = source_kind(url)
    except SettingsError as error:
        raise ValueError("must begin with rtsp://, rtsps://, http:// or https://, or be a path") from error
    if kind in {SourceKind.RTSP, SourceKind.HTTP} and not names_host(url):
        raise ValueError("its host or port cannot be read; a password with / # or ? must come from ${NAME}")
    return url


def _check_text(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must not be empty or hold control characters")
    return text


def _check_path(path: object) -> object:
    return _check_text(path) if isinstance(path, str) else path


def _check_host(host: str) -> str:
    if re.search(r"[\s/@]", host) or re.fullmatch(r"[^:]*:\d+", host):
        raise ValueError("must be a name or an address alone, without scheme, user or port")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ValueError("must be a host name or an address") from error
    return host


def _check_public_url(url: str) -> str:
    if url and not (re.match(r"https?://", url) and names_host(url)):
        raise ValueError("must begin with http:// or https:// and a host, or be empty")
    return url


def _check_topic(topic: str) -> str:
    if not topic or topic != topic.strip("/") or re.search(r"[+#\x00\s$]", topic):
        raise ValueError("must be a topic without +, #, $ or spaces, and without / at either end")
    return topic


def _check_header(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{0,64}", name):
        raise ValueError("must be the name of an HTTP header, such as Remote-User")
    return name


def _check_network(text: str) -> str:
    try:
        ip_network(text, strict=False)
    except ValueError as error:
        raise ValueError("must be an address or a network, such as 192.0.2.7 or 192.0.2.0/24") from error
    return text


CameraName = Annotated[str, AfterValidator(_check_camera_name)]
CameraUrl = Annotated[str, AfterValidator(_check_text), AfterValidator(_check_url)]
Host = Annotated[str, AfterValidator(_check_text), AfterValidator(_check_host)]
HeaderName = Annotated[str, AfterValidator(_check_header)]
Network = Annotated[str, AfterValidator(_check_network)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
Topic = Annotated[str, AfterValidator(_check_topic)]
OptionalPath = Annotated[Path | None, BeforeValidator(_check_path), BeforeValidator(none_if_empty)]
DataPath = Annotated[Path, BeforeValidator(_check_path)]
Port = Annotated[int, Field(ge=1, le=65535)]


class MqttTable(Table):
    """`[mqtt]`: the broker, and what is published under which topics."""

    host: Host = "127.0.0.1"
    port: Port = 1883
    base_topic: Topic = "videobert"
    client_id: str = Field(default="videobertd", min_length=1, max_length=64)
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: OptionalFile = None
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    tls: bool = False
    tls_insecure: bool = False
    ca_file: OptionalFile = None
    cert_file: OptionalFile = None
    key_file: OptionalFile = None
    discovery: bool = True
    discovery_prefix: Topic = "homeassistant"

    @model_validator(mode="after")
    def _check_certificate_pair(self) -> "MqttTable":
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file go together: set both or neither")
        return self

    @model_validator(mode="after")
    def _check_topics_apart(self) -> "MqttTable":
        # Our own `online` under <base_topic>/status would be taken for Home Assistant's birth message.
        if self.base_topic == self.discovery_prefix:
            raise ValueError("base_topic and discovery_prefix must differ")
        return self

    def read_password(self) -> str:
        """Return the password from the environment, or else from `password_file` without its line end."""
        if self.password.get_secret_value() or self.password_file is None:
            return self.password.get_secret_value()
        return self.password_file.read_text(encoding="utf-8").strip()


class HttpTable(Table):
    """`[http]`: the page, the metrics and the health checks."""

    enabled: bool = True
    host: Host = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: PublicUrl = ""
    login: Literal["auto", "always", "never"] = "auto"
    session_days: float = Field(default=7.0, gt=0, le=365)
    open_metrics: bool = True
    proxy_user_header: HeaderName = ""
    trusted_proxies: tuple[Network, ...] = ()

    @model_validator(mode="after")
    def _check_proxy(self) -> "HttpTable":
        if self.proxy_user_header and not self.trusted_proxies:
            raise ValueError("proxy_user_header needs trusted_proxies: else anybody could send that header")
        return self

    @property
    def asks(self) -> bool:
        """Say whether people must log in: `auto` asks as soon as other machines can reach the port."""
        return self.login == "always" or (self.login == "auto" and self.host not in LOOPBACK)


class StorageTable(Table):
    """`[storage]`: what is kept on disk, and for how long."""

    data_dir: DataPath = Path("videobertd-data")
    keep_days: float = Field(default=30.0, gt=0, le=3650)
    keep_clips_gb: float = Field(default=5.0, gt=0, le=100_000)
    keep_dataset_gb: float = Field(default=5.0, gt=0, le=100_000)
    min_free_gb: float = Field(default=0.5, ge=0, le=100_000)
    learned_save_interval_s: float = Field(default=300.0, ge=10, le=86400)


class ModelTable(Table):
    """`[model]`: the checkpoint and what it runs on."""

    checkpoint: OptionalPath = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(default=1, ge=1, le=64)


class InferenceTable(Table):
    """`[inference]`: how the cameras share the model."""

    threads: int = Field(default=0, ge=0, le=16)
    max_batch: int = Field(default=8, ge=1, le=256)
    max_pending_frames: int = Field(default=8, ge=1, le=256)


class LoggingTable(Table):
    """`[logging]`: what is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class CameraDefaults(Table):
    """`[defaults]`: what each camera takes where its own table is silent."""

    enabled: bool = True
    transport: Literal["tcp", "udp"] = "tcp"
    loop: bool = False
    image_fps: float = Field(default=10.0, ge=0.1, le=60)
    open_timeout_s: float = Field(default=5.0, ge=0.5, le=60)
    stall_timeout_s: float = Field(default=10.0, ge=1, le=300)
    sample_fps: float = Field(default=6.0, ge=0.5, le=15)
    gate: bool = True
    anomaly: bool = True
    behaviour: bool = True
    clips: bool = True
    pre_roll_s: float = Field(default=5.0, ge=0, le=60)
    post_roll_s: float = Field(default=5.0, ge=0, le=60)
    max_clip_s: float = Field(default=60.0, ge=1, le=600)
    max_clip_mb: float = Field(default=16.0, ge=1, le=1000)
    blur: Literal["none", "all"] = "none"
    time_zone: TimeZone = ""
    budget_per_day: float = Field(default=1.0, ge=MIN_BUDGET_PER_DAY, le=MAX_BUDGET_PER_DAY)


class CameraTable(CameraDefaults):
    """`[cameras.<name>]`: one camera; every setting of `[defaults]` may be given here too."""

    url: CameraUrl = Field(repr=False)
    description: str = ""
    zones: Zones = Field(default_factory=dict)
    rules: tuple[RuleTable, ...] = ()

    @model_validator(mode="after")
    def _check_zones_known(self) -> "CameraTable":
        check_zones_known(self.zones, self.rules)
        return self

    def over(self, defaults: CameraDefaults) -> "CameraTable":
        """Return this camera with every setting that it does not name itself taken from `defaults`."""
        silent = CameraDefaults.model_fields.keys() - self.model_fields_set
        return self.model_copy(update={key: getattr(defaults, key) for key in silent})


class Settings(Table):
    """Everything that a user can set; read-only after it was loaded."""

    mqtt: MqttTable = MqttTable()
    http: HttpTable = HttpTable()
    storage: StorageTable = StorageTable()
    model: ModelTable = ModelTable()
    inference: InferenceTable = InferenceTable()
    logging: LoggingTable = LoggingTable()
    defaults: CameraDefaults = CameraDefaults()
    notify: Notify = Field(default_factory=dict)
    cameras: dict[CameraName, CameraTable] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a file's text and the environment: settings, or each mistake.

    `settings` is None where `problems`, `sources.problems` or `unknown` name one; these are names in
    `[notify]` that stand for nothing.
    """

    settings: Settings | None
    sources: Sources
    problems: tuple[Problem, ...]
    unknown: tuple[str, ...] = ()

    def complete(self) -> Settings:
        """Return the settings.

        Raises:
            SettingsError: one line for each mistake.
        """
        own = (f"{self.sources.origin(p.location)}: {p.sentence}" for p in self.problems)
        lines = [*self.sources.problems, *own, *(f"{self.sources.path}: {line}" for line in self.unknown)]
        if lines or self.settings is None:
            raise SettingsError("\n".join(lines))
        return self.settings


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read, merge and check the settings; each camera comes back complete, with the defaults filled in.

    Raises:
        SettingsError: one line for each mistake in the file and the environment.
    """
    return parse_settings(read_text(path), path, environ).complete()


def parse_settings(text: str, path: Path, environ: Mapping[str, str] | None = None) -> Reading:
    """Check a settings file's text in the same way; `path` is where messages say that it stands.

    Raises:
        SettingsError: the text is not TOML.
    """
    variables = os.environ if environ is None else environ
    sources = merge_sources(text, path, environ=variables, model=Settings)
    try:
        settings = Settings.model_validate(sources.values)
    except ValidationError as error:
        return Reading(None, sources, tuple(describe_errors(error, Settings)))
    zones = {name: camera.zones for name, camera in settings.cameras.items()}
    unknown = tuple(unknown_names(settings.notify, zones))
    if sources.problems or unknown:
        return Reading(None, sources, (), unknown)
    cameras = {name: camera.over(settings.defaults) for name, camera in settings.cameras.items()}
    return Reading(settings.model_copy(update={"cameras": cameras}), sources, ())
