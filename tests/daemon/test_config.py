"""The settings file: what is accepted, what is refused, and in which words."""

from datetime import time
from pathlib import Path

import pytest

from daemon.assembly import privacy
from daemon.config import HttpTable, Settings, load_settings
from pipeline.errors import SettingsError
from pipeline.privacy import Blur, Privacy

REPOSITORY = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str, **environ: str) -> Settings:
    return load_settings(write(folder, text), environ)


def lines(folder: Path, text: str, **environ: str) -> list[str]:
    """Return the error's lines, without the folder in front."""
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **environ)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_an_empty_file_is_every_default(tmp_path):
    assert load(tmp_path, "") == Settings()


def test_the_file_in_the_repository_holds_every_default_and_nothing_else():
    assert load_settings(REPOSITORY / "config.toml", {}) == Settings()


def test_a_camera_needs_only_its_url(tmp_path):
    camera = load(tmp_path, '[cameras.porch]\nurl = "rtsp://192.0.2.7/stream2"').cameras["porch"]
    assert (camera.url, camera.sample_fps, camera.transport) == ("rtsp://192.0.2.7/stream2", 6.0, "tcp")


def test_a_camera_overrides_the_defaults_and_takes_the_rest_from_them(tmp_path):
    text = '[defaults]\nsample_fps = 3\ngate = false\n[cameras.a]\nurl = "a.mp4"\nsample_fps = 7'
    camera = load(tmp_path, text).cameras["a"]
    assert (camera.sample_fps, camera.gate) == (7.0, False)


def test_a_value_out_of_range_names_file_key_value_and_what_is_allowed(tmp_path):
    text = '[cameras.porch]\nurl = "a.mp4"\nsample_fps = 50'
    assert lines(tmp_path, text) == [
        "config.toml: cameras.porch.sample_fps: 50 is not allowed: must be at most 15"
    ]


@pytest.mark.parametrize(
    ("host", "login", "asks"),
    [
        ("127.0.0.1", "auto", False),
        ("localhost", "auto", False),
        ("0.0.0.0", "auto", True),
        ("0.0.0.0", "never", False),
        ("127.0.0.1", "always", True),
    ],
)
def test_people_log_in_where_other_machines_can_reach_us_unless_the_settings_say_otherwise(host, login, asks):
    assert HttpTable(host=host, login=login).asks is asks


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('proxy_user_header = "Remote-User"', "proxy_user_header needs trusted_proxies"),
        ('proxy_user_header = "a: b"', "must be the name of an HTTP header, such as Remote-User"),
        ('trusted_proxies = ["proxy.lan"]', "must be an address or a network, such as 192.0.2.7"),
        ('login = "maybe"', "must be one of 'auto', 'always', 'never'"),
    ],
)
def test_a_door_that_cannot_be_is_refused(tmp_path, line, sentence):
    assert any(sentence in problem for problem in lines(tmp_path, f"[http]\n{line}"))


ZONES = """
[cameras.a]
url = "a.mp4"
time_zone = "Europe/Berlin"
[cameras.a.zones.pool]
polygon = [[0, 0], [0.5, 0], [0.5, 1]]
[[cameras.a.rules]]
do = "watch"
zone = "pool"
begin = 21:00:00
end = "07:00"
days = ["fri"]
"""


def test_zones_and_rules_are_read_with_times_in_either_form(tmp_path):
    camera = load(tmp_path, ZONES).cameras["a"]
    assert camera.zones["pool"].polygon == ((0, 0), (0.5, 0), (0.5, 1))
    assert [(rule.do, rule.begin, rule.end, rule.days) for rule in camera.rules] == [
        ("watch", time(21), time(7), ("fri",))
    ]


def test_a_zone_may_be_private_and_a_camera_blurred(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        '[defaults]\nblur = "all"\n[cameras.porch]\nurl = "/x.mp4"\nblur = "none"\n'
        "[cameras.porch.zones.neighbour]\npolygon = [[0, 0], [1, 0], [1, 1]]\nprivate = true\n"
        "[cameras.porch.zones.path]\npolygon = [[0, 0], [1, 0], [1, 1]]\n"
        '[cameras.yard]\nurl = "/x.mp4"\n'
    )
    cameras = load_settings(path, {}).cameras
    triangle = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
    assert privacy(cameras["porch"]).name == Privacy({"neighbour": triangle}).name
    assert privacy(cameras["yard"]).name == Privacy(blur=Blur.ALL).name


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            'zone = "pool"',
            'zone = "street"',
            'cameras.a: a rule names the zone "street", but the camera has pool',
        ),
        ('zone = "pool"', "", 'cameras.a.rules.0: do = "watch" needs the zone that is to be watched'),
        ("[0.5, 1]]", "[2, 1]]", "the point 2, 1 is off the picture, which runs from 0 to 1 both ways"),
        ("[0.5, 1]]", "[0.2, 0]]", "encloses nothing"),
        ("[0.5, 1]]", "[0.5, 0.01]]", 'the zone "pool" is too small to be watched'),
        ("zones.pool", "zones.Pool", '"Pool" is not allowed: a name is 1 to 32 of a-z, 0-9, _ and -'),
        ("Europe/Berlin", "Europe/Nowhere", "must be a time zone such as Europe/Berlin"),
        ("Europe/Berlin", "../../etc/passwd", "must be a time zone such as Europe/Berlin"),
        ('"07:00"', '"25:00"', "must be a time of day such as 21:00"),
        ('"07:00"', '"07:00+01:00"', "must be a time of day without a zone, such as 21:00"),
        ('["fri"]', "[]", "days must name one day at least, or be left out"),
        ('["fri"]', '["friday"]', "rules.0.days.0: \"friday\" is not allowed: must be one of 'mon', 'tue'"),
        ('days = ["fri"]', 'colour = "red"', "cameras.a.rules.0.colour: unknown setting"),
        ('days = ["fri"]', 'labels = ["fall"]', "kinds and labels have no place there"),
    ],
)
def test_a_zone_or_rule_that_cannot_be_used_says_why(tmp_path, old, new, sentence):
    assert any(sentence in line for line in lines(tmp_path, ZONES.replace(old, new)))


def test_all_mistakes_are_listed_at_once(tmp_path):
    text = '[mqtt]\nport = 0\ntls = "maybe"\n[model]\ndevice = "tpu"\n[cameras.porch]\n'
    assert lines(tmp_path, text) == [
        "config.toml: mqtt.port: 0 is not allowed: must be at least 1",
        'config.toml: mqtt.tls: "maybe" is not allowed: must be true or false',
        "config.toml: model.device: \"tpu\" is not allowed: must be one of 'auto', 'cpu', 'cuda'",
        "config.toml: cameras.porch.url: is required",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[mqtt]\nhots = 1", 'mqtt.hots: unknown setting; did you mean "host"?'),
        ("[camera.a]", 'camera: unknown setting; did you mean "cameras"?'),
        ("zebra = 1", "zebra: unknown setting"),
        ("_env_file = 1", "_env_file: unknown setting"),
        (
            '[cameras.a]\nurl = "x"\nsample_fsp = 1',
            'cameras.a.sample_fsp: unknown setting; did you mean "sample_fps"?',
        ),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path, text, line):
    assert lines(tmp_path, text) == [f"config.toml: {line}"]


@pytest.mark.parametrize("name", ["Porch", "a b", "", "x" * 33, "a/b"])
def test_a_camera_name_is_short_and_plain(tmp_path, name):
    (line,) = lines(tmp_path, f'[cameras."{name}"]\nurl = "a.mp4"')
    assert line.endswith("is not allowed: a name is 1 to 32 of a-z, 0-9, _ and -")


@pytest.mark.parametrize("name", ["status", "event", "state", "snapshot", "budget"])
def test_a_camera_name_is_no_word_of_the_topics(tmp_path, name):
    (line,) = lines(tmp_path, f'[cameras.{name}]\nurl = "a.mp4"')
    assert line.endswith("a camera must not be named like a part of an MQTT topic")


@pytest.mark.parametrize(
    "url", ["exec:rm -rf /", "ftp://host/x", "concat:a|b", "rtsp://", "pipe:0", "rtsp:x"]
)
def test_a_url_cannot_run_commands_or_name_other_protocols(tmp_path, url):
    (line,) = lines(tmp_path, f'[cameras.a]\nurl = "{url}"')
    assert line.startswith("config.toml: cameras.a.url: ")


@pytest.mark.parametrize(
    "url", ["rtsps://h/x", "http://h/mjpeg", "/dev/video0", "clips/a b.mp4", "./10:30.mp4"]
)
def test_urls_files_folders_and_devices_are_cameras(tmp_path, url):
    assert load(tmp_path, f'[cameras.a]\nurl = "{url}"').cameras["a"].url == url


def test_a_variable_in_a_url_comes_from_the_environment(tmp_path):
    text = '[cameras.a]\nurl = "rtsp://${USER_NAME}:${PASS}@192.0.2.7/${STREAM}"'
    camera = load(tmp_path, text, USER_NAME="me", PASS="p@ss/word", STREAM="live/1").cameras["a"]
    # Only the part before @ is escaped: elsewhere a slash is meant as one.
    assert camera.url == "rtsp://me:p%40ss%2Fword@192.0.2.7/live/1"


def test_a_whole_url_can_be_a_variable(tmp_path):
    camera = load(tmp_path, '[cameras.a]\nurl = "${URL}"', URL="rtsp://u:p@h/x").cameras["a"]
    assert camera.url == "rtsp://u:p@h/x"


def test_an_unset_variable_is_named(tmp_path):
    text = '[cameras.a]\nurl = "rtsp://u:${NOT_SET}@h/x"'
    assert lines(tmp_path, text) == [
        "config.toml: cameras.a.url: the environment variable NOT_SET is not set"
    ]


def test_the_environment_overrides_the_file(tmp_path):
    environ = {"VIDEOBERTD_MQTT__HOST": "broker.lan", "VIDEOBERTD_CAMERAS__A__URL": "b.mp4"}
    settings = load(
        tmp_path, '[mqtt]\nhost = "x"\nport = 7\n[cameras.a]\nurl = "a.mp4"\nloop = true', **environ
    )
    assert (settings.mqtt.host, settings.mqtt.port) == ("broker.lan", 7)
    assert (settings.cameras["a"].url, settings.cameras["a"].loop) == ("b.mp4", True)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path):
    environ = {"VIDEOBERTD_MQTT__PORT": "many", "VIDEOBERTD_MQQT__HOST": "x"}
    assert lines(tmp_path, "", **environ) == [
        "environment: VIDEOBERTD_MQQT__HOST: unknown setting",
        'environment: VIDEOBERTD_MQTT__PORT: "many" is not allowed: must be a whole number',
    ]


def test_variables_that_kubernetes_sets_for_a_service_are_no_settings(tmp_path):
    assert load(tmp_path, "", VIDEOBERTD_PORT="tcp://10.0.0.1:80", VIDEOBERTD_SERVICE_HOST="x") == Settings()


def test_the_password_file_is_stripped(tmp_path):
    (tmp_path / "password").write_text("s3cret\n", encoding="utf-8")
    settings = load(tmp_path, f'[mqtt]\npassword_file = "{tmp_path}/password"')
    assert settings.mqtt.read_password() == "s3cret"


def test_the_password_of_the_environment_goes_before_the_file(tmp_path):
    settings = load(tmp_path, "", VIDEOBERTD_MQTT__PASSWORD="12345")
    assert settings.mqtt.read_password() == "12345"


def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path):
    (line,) = lines(tmp_path, '[mqtt]\npassword = "hunter2"')
    assert line.startswith("config.toml: mqtt.password: must not stand in the file")
    assert "hunter2" not in line


def test_no_secret_is_in_the_repr(tmp_path):
    text = '[cameras.a]\nurl = "rtsp://me:hunter2@h/x"'
    assert "hunter2" not in repr(load(tmp_path, text, VIDEOBERTD_MQTT__PASSWORD="hunter2"))


def test_no_secret_is_in_an_error(tmp_path):
    (line,) = lines(tmp_path, '[cameras.a]\nurl = "ftp://me:hunter2@h/x"')
    assert "hunter2" not in line


def test_a_file_that_is_not_there_is_named(tmp_path):
    (line,) = lines(tmp_path, '[mqtt]\nca_file = "/no/such.pem"')
    assert line == 'config.toml: mqtt.ca_file: "/no/such.pem" is not allowed: there is no such file'


def test_a_certificate_comes_with_its_key(tmp_path):
    certificate = write(tmp_path, "")
    (line,) = lines(tmp_path, f'[mqtt]\ncert_file = "{certificate}"')
    assert line == "config.toml: mqtt: cert_file and key_file go together: set both or neither"


@pytest.mark.parametrize("topic", ["", "a/", "/a", "a/#", "+", "a b", "$SYS"])
def test_a_base_topic_has_no_wildcards_and_no_outer_slash(tmp_path, topic):
    (line,) = lines(tmp_path, f'[mqtt]\nbase_topic = "{topic}"')
    assert line.startswith(f'config.toml: mqtt.base_topic: "{topic}" is not allowed: must be a topic')


def test_broken_toml_names_the_line(tmp_path):
    (line,) = lines(tmp_path, "[mqtt]\nhost = \n")
    assert line.startswith("config.toml: is not valid TOML: ")
    assert "at line 2" in line


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.toml: cannot be read: No such file or directory"):
        load_settings(tmp_path / "nowhere.toml", {})


def test_infinity_is_not_a_number_of_seconds(tmp_path):
    (line,) = lines(tmp_path, "[storage]\nkeep_days = inf")
    assert line == "config.toml: storage.keep_days: inf is not allowed: must be a finite number"


@pytest.mark.parametrize("url", ["rtsp:///x", "rtsp://h:99999/x", "rtsp://u:p/w@h/x", "http://[::1/x"])
def test_a_url_without_a_host_or_port_that_can_be_is_refused(tmp_path, url):
    (line,) = lines(tmp_path, f'[cameras.a]\nurl = "{url}"')
    assert line.endswith(
        "is not allowed: its host or port cannot be read; a password with / # or ? must come from ${NAME}"
    )


@pytest.mark.parametrize("value", ["", " ", "a\\u0000b", "a\\nb"])
@pytest.mark.parametrize(
    ("table", "key"), [("storage", "data_dir"), ("cameras.a", "url"), ("mqtt", "host"), ("http", "host")]
)
def test_a_path_or_address_is_printable_text(tmp_path, table, key, value):
    (line,) = lines(tmp_path, f'[{table}]\n{key} = "{value}"')
    assert line.endswith("is not allowed: must not be empty or hold control characters")


@pytest.mark.parametrize("host", ["mqtt://broker", "broker:1883", "me@broker", "a..b", "a" * 64])
def test_a_host_is_a_name_or_an_address_alone(tmp_path, host):
    (line,) = lines(tmp_path, f'[mqtt]\nhost = "{host}"')
    assert line.startswith(f'config.toml: mqtt.host: "{host}" is not allowed: must be a ')


@pytest.mark.parametrize("host", ["::1", "192.0.2.7", "broker.lan", "küche.local"])
def test_names_and_addresses_are_hosts(tmp_path, host):
    assert load(tmp_path, f'[mqtt]\nhost = "{host}"').mqtt.host == host


@pytest.mark.parametrize("url", ["cams.example", "http://[::1", "javascript:alert(1)", "https://"])
def test_a_public_url_is_one_of_the_web(tmp_path, url):
    (line,) = lines(tmp_path, f'[http]\npublic_url = "{url}"')
    assert line.endswith("is not allowed: must begin with http:// or https:// and a host, or be empty")


def test_our_topics_are_not_those_of_home_assistant(tmp_path):
    (line,) = lines(tmp_path, '[mqtt]\nbase_topic = "homeassistant"')
    assert line == "config.toml: mqtt: base_topic and discovery_prefix must differ"


@pytest.mark.parametrize(
    "text", ['[cameras]\na = "rtsp://u:hunter2@h/x"', '[[cameras]]\nurl = "rtsp://u:hunter2@h/x"']
)
def test_a_url_in_the_wrong_place_is_not_printed_with_its_password(tmp_path, text):
    (line,) = lines(tmp_path, text)
    assert "hunter2" not in line


def test_a_variable_that_is_not_closed_is_told(tmp_path):
    (line,) = lines(tmp_path, '[cameras.a]\nurl = "rtsp://u:${PASS@h/x"', PASS="x")
    assert line == "config.toml: cameras.a.url: ${ begins no variable: write ${NAME}"


def test_a_whole_table_in_one_variable_is_refused_by_its_name(tmp_path):
    assert lines(tmp_path, "", VIDEOBERTD_MQTT="x") == [
        "environment: VIDEOBERTD_MQTT: a variable holds one setting: write VIDEOBERTD_MQTT__HOST"
    ]


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    assert load(tmp_path, "\ufeff[mqtt]\nport = 7").mqtt.port == 7
