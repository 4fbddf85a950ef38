"""`videobertd import-frigate` on realistic files: it loads, says what is missing, tells no secret."""

import io
import stat
from pathlib import Path

import pytest
from rich.console import Console

from daemon.config import load_settings
from daemon.frigate.yaml_file import MAX_BYTES
from daemon.import_command import run_import
from pipeline.errors import SettingsError

FILES = Path(__file__).parent / "frigate_files"
ENVIRON = {"FRIGATE_RTSP_PASSWORD": "a@b", "FRIGATE_USER": "me", "FRIGATE_PW": "pw"}


class Import:
    """One run of the command: the settings that came of it, and what it printed and wrote."""

    def __init__(self, folder: Path, source: Path) -> None:
        target, console = folder / "config.toml", Console(file=io.StringIO())
        assert run_import(source, target, console) == 0
        self.settings = load_settings(target, ENVIRON)
        self.text = target.read_text(encoding="utf-8")
        self.printed = console.file.getvalue()
        self.mode = stat.S_IMODE(target.stat().st_mode)

    def says(self, line):
        return f"  {line}\n" in self.printed and f"#   {line}\n" in self.text


@pytest.fixture
def imported(tmp_path, request):
    return Import(tmp_path, FILES / f"{request.param}.yml")


def written(folder, text):
    path = folder / "frigate.yml"
    path.write_text(text, encoding="utf-8")
    return path


def camera(body="", url="rtsp://192.0.2.1/s", head=""):
    inputs = f"[{{path: '{url}', roles: [detect]}}]"
    return f"{head}cameras:\n  porch:\n    ffmpeg: {{inputs: {inputs}}}\n{body}"


def refusal(folder, source):
    with pytest.raises(SettingsError) as raised:
        run_import(source, folder / "config.toml", Console(file=io.StringIO()))
    assert not (folder / "config.toml").exists()
    return str(raised.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("imported", ["small"], indirect=True)
def test_variables_become_ours_and_the_environment_must_have_them(imported):
    # The password a@b is percent-encoded by load_settings.
    assert imported.settings.cameras["front_door"].url == "rtsp://viewer:a%40b@192.0.2.10:554/stream2"
    assert "The daemon's environment must have FRIGATE_RTSP_PASSWORD.\n" in imported.printed
    assert imported.says("mqtt: it is switched off there; the daemon needs a broker: set host")
    assert "stand in the file" not in imported.printed


@pytest.mark.parametrize("imported", ["restreams"], indirect=True)
def test_go2rtcs_copies_become_the_cameras_own_addresses(imported):
    cameras = imported.settings.cameras
    assert {name: table.url for name, table in cameras.items()} == {
        "garage": "rtsp://admin:plain-s3cret@192.0.2.20:554/h264Preview_01_sub",
        "hall": "rtsp://192.0.2.21/live",
        "doorbell": "rtsp://127.0.0.1:8554/doorbell",
    }
    assert imported.says(
        "cameras.doorbell: its stream is made by go2rtc: Frigate, or go2rtc alone, must go on running for it"
    )
    assert [name for name, table in cameras.items() if not table.enabled] == ["hall"]


@pytest.mark.parametrize("imported", ["restreams"], indirect=True)
def test_zones_and_masks_become_polygons_in_fractions(imported):
    garage = imported.settings.cameras["garage"]
    # 64 of 640 pixels are a tenth, 180 of 360 are a half.
    assert garage.zones["einfahrt_vorne"].polygon == ((0.1, 0.5), (0.5, 0.5), (0.5, 1.0), (0.1, 1.0))
    assert garage.zones["mask_1"].polygon == ((0, 0), (1, 0), (1, 0.1), (0, 0.1))
    assert garage.zones["mask_2"].polygon[0] == (0.9, 0.9)
    assert [name for name, zone in garage.zones.items() if zone.mask] == ["mask_1", "mask_2"]
    assert [(rule.do, rule.zone, rule.kinds) for rule in garage.rules] == [
        ("ignore", "ignored", ("anomaly", "behaviour"))
    ]


@pytest.mark.parametrize("imported", ["restreams"], indirect=True)
def test_the_broker_comes_along_without_its_password(imported):
    mqtt = imported.settings.mqtt
    assert (mqtt.host, mqtt.port, mqtt.username, mqtt.client_id) == (
        "broker.lan",
        1884,
        "frigate",
        "videobertd",
    )
    assert imported.says(
        "mqtt.password: never stands in our file: set VIDEOBERTD_MQTT__PASSWORD, or password_file"
    )


@pytest.mark.parametrize("imported", ["restreams"], indirect=True)
def test_what_is_not_taken_over_is_listed_with_its_reason(imported):
    assert imported.says(
        "cameras.Garage.zones.Einfahrt (vorne): loitering_time, objects: there are no tracked objects here"
    )
    assert imported.says(
        "cameras.Garage.objects.filters.person.mask: there are no classes of objects to mask here"
    )
    assert imported.says("cameras.Garage.onvif: cameras are not moved")
    assert imported.says("cameras.Garage: it is called garage here")
    assert imported.says("detectors: has no counterpart")


@pytest.mark.parametrize("imported", ["restreams", "named_masks"], indirect=True)
def test_no_password_is_printed_and_only_the_owner_may_read_the_file(imported):
    assert "s3cret" not in imported.printed
    assert "onvif-s3cret" not in imported.text
    assert "br0ker-s3cret" not in imported.text
    assert "nest-s3cret" not in imported.text
    assert "stand in the file as they stood in Frigate's" in imported.printed
    assert imported.mode == 0o600


@pytest.mark.parametrize("imported", ["named_masks"], indirect=True)
def test_masks_with_names_and_shared_tables_are_read(imported):
    camera = imported.settings.cameras["state_2"]
    assert camera.url == "rtsp://me:pw@192.0.2.30/{live}"
    assert camera.description == "Rückseite West"
    # 500 of 1000 and 250 of 500 pixels are halves; the size comes through an anchor.
    assert camera.zones["pool"].polygon == ((0.5, 0.5), (1, 0.5), (1, 1), (0.5, 1))
    assert [(name, zone.mask) for name, zone in camera.zones.items()] == [("pool", False), ("clock", True)]
    assert imported.says("cameras.state.zones.bow: the polygon crosses itself: edges 1 and 3 meet")
    assert imported.says("cameras.state.zones.unused: it is switched off")


@pytest.mark.parametrize("imported", ["named_masks"], indirect=True)
def test_names_that_are_not_valid_here_are_changed_and_never_meet(imported):
    # `state` is a word of our topics, so both `state` and `State` get a number.
    assert list(imported.settings.cameras) == ["state_2", "7", "state_3"]
    assert imported.says("cameras.State: it is called state_3 here")


@pytest.mark.parametrize("imported", ["named_masks"], indirect=True)
def test_a_camera_that_cannot_be_used_is_left_out_with_the_reason(imported):
    allowed = "rtsp://, rtsps://, http://, https://, file:// and paths"
    assert imported.says(
        f"cameras.ancient: it was left out: 'rtmp://192.0.2.32/live' cannot be read; allowed are {allowed}"
    )
    assert imported.says("cameras.empty: it was left out: it is no table")


@pytest.mark.parametrize("imported", ["named_masks"], indirect=True)
def test_what_comes_from_variables_in_mqtt_is_to_be_set_in_ours(imported):
    assert imported.says("mqtt.host: comes from a variable there: set VIDEOBERTD_MQTT__HOST")
    assert imported.settings.mqtt.tls
    assert imported.says("mqtt.tls_ca_certs: is a path inside Frigate's container: set ca_file")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("rtsp://me:p#ss/w0rd@192.0.2.1:554/s", "rtsp://me:p%23ss%2Fw0rd@192.0.2.1:554/s"),
        ("rtsp://me:p%23ss@192.0.2.1/s", "rtsp://me:p%23ss@192.0.2.1/s"),
        ("rtsp://me:#${x}@192.0.2.1/s", "rtsp://me:%23%24%7Bx%7D@192.0.2.1/s"),
        ("rtsp://me:100%@192.0.2.1/s", "rtsp://me:100%25@192.0.2.1/s"),
        ("rtsp://192.0.2.1/a${b}", "rtsp://192.0.2.1/a%24{b}"),
        ("/media/porch.mp4", "/media/porch.mp4"),
    ],
)
def test_a_url_loads_as_it_was_meant(tmp_path, theirs, ours):
    imported = Import(tmp_path, written(tmp_path, camera(url=theirs)))
    assert imported.settings.cameras["porch"].url == ours


@pytest.mark.parametrize("mqtt", ["host: 'a b'", "host: mqtt://x", "port: 70000", "port: many"])
def test_a_broker_that_is_not_allowed_here_is_to_be_set(tmp_path, mqtt):
    imported = Import(tmp_path, written(tmp_path, camera(head=f"mqtt: {{{mqtt}}}\n")))
    key = mqtt.partition(":")[0]
    assert imported.says(f"mqtt.{key}: is not allowed here: set {key}")


def test_a_user_that_yaml_takes_for_a_number_is_a_name(tmp_path):
    imported = Import(tmp_path, written(tmp_path, camera(head="mqtt: {user: 7}\n")))
    assert imported.settings.mqtt.username == "7"


def test_a_copy_of_a_copy_of_itself_stays_as_it_is(tmp_path):
    head = "go2rtc: {streams: {porch: ['ffmpeg:porch2#video=h264'], porch2: ['ffmpeg:porch#video=h264']}}\n"
    source = written(tmp_path, camera(url="rtsp://127.0.0.1:8554/porch", head=head))
    assert Import(tmp_path, source).settings.cameras["porch"].url == "rtsp://127.0.0.1:8554/porch"


@pytest.mark.parametrize(
    ("coordinates", "reason"),
    [
        ("10,10,20,10,20,20", "it is in pixels, and detect.width and detect.height are not given"),
        ("0,0,1,0", "a polygon has 3 to 64 points, this one has 2"),
        ("0,0,1,0,1", "its coordinates are no pairs of numbers of 0 and above"),
        ("0,0,nan,0,1,1", "its coordinates are no pairs of numbers of 0 and above"),
        ("left,0,1,0,1,1", "its coordinates are no list of numbers"),
        ("{a: 1}", "its coordinates are no list of numbers"),
    ],
)
def test_a_zone_that_is_no_area_is_left_out_with_the_reason(tmp_path, coordinates, reason):
    body = f"    zones:\n      pool:\n        coordinates: {coordinates}\n"
    imported = Import(tmp_path, written(tmp_path, camera(body)))
    assert imported.settings.cameras["porch"].zones == {}
    assert imported.says(f"cameras.porch.zones.pool: {reason}")


def test_a_zone_and_a_mask_of_one_name_stay_apart(tmp_path):
    body = "    zones: {mask: {coordinates: '0,0,1,0,1,1'}}\n    motion: {mask: '0,0,0.5,0,0.5,0.5'}\n"
    zones = Import(tmp_path, written(tmp_path, camera(body))).settings.cameras["porch"].zones
    assert {name: zone.mask for name, zone in zones.items()} == {"mask": False, "mask_2": True}


def bomb(merge):
    """Return nine tables of nine aliases each: 9 to the ninth values, or as many merged keys."""
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, 10):
        aliases = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} " + (f"{{<<: [{aliases}]}}" if merge else f"[{aliases}]"))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cameras: [", "is not valid YAML: expected the node content, but found '<stream end>' in line 1"),
        ("a: 'unfinished\n", "is not valid YAML: found unexpected end of stream in line 2"),
        (
            "password: !secret x\n",
            "is not valid YAML: could not determine a constructor for the tag '!secret' in line 1",
        ),
        ("a: 2026-99-99\n", "is not valid YAML: a value cannot be read"),
        ("a: \x01\n", "is not valid YAML: a value cannot be read"),
        ("", "is no Frigate configuration: it holds no table"),
        ("- a\n- b\n", "is no Frigate configuration: it holds no table"),
        ("a: 1\n", "names no camera that can be used"),
        ("cameras: 7\n", "names no camera that can be used"),
        (
            "cameras: {porch: {}}\n",
            "names no camera that can be used\ncameras.porch: it was left out: it has no ffmpeg.inputs",
        ),
        ("a: &a [*a]\n", "a value contains itself"),
        ("[" * 5000, "its values are nested too deeply"),
        (bomb(merge=False), "holds more than 100000 values: is it a Frigate configuration?"),
        (bomb(merge=True), "holds more than 100000 values: is it a Frigate configuration?"),
        ("# " + "x" * MAX_BYTES, "is larger than 1 MB: is it a Frigate configuration?"),
    ],
)
def test_a_file_that_is_no_configuration_is_answered_by_one_sentence(tmp_path, text, sentence):
    assert refusal(tmp_path, written(tmp_path, text)) == f"frigate.yml: {sentence}"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    assert refusal(tmp_path, tmp_path / "none.yml") == "none.yml: cannot be read: No such file or directory"
    assert refusal(tmp_path, tmp_path / "binary.yml") == "binary.yml: is not UTF-8 text"


def test_nothing_is_written_over(tmp_path):
    target = tmp_path / "config.toml"
    target.write_text("mine")
    with pytest.raises(SettingsError, match="is there already: name another file by --output"):
        run_import(FILES / "small.yml", target)
    assert target.read_text() == "mine"


def test_names_with_control_letters_reach_neither_the_terminal_nor_the_comments(tmp_path):
    source = written(tmp_path, camera(body='    "\\e[2Jx\\ny": 1\n'))
    imported = Import(tmp_path, source)
    assert imported.says("cameras.porch. [2Jx y: has no counterpart")
