"""Settings changed at the desk: what is written and taken up, and what changes nothing."""

import logging
import threading

import pytest

from daemon.config import load_settings
from daemon.editing.desk import Running, SettingsDesk
from daemon.editing.form import RefusedEditError, StaleEditError, UnknownCameraError, check_new
from daemon.editing.settings_file import SettingsFile
from daemon.roll import Roll
from pipeline.controls import CameraControls
from pipeline.errors import SettingsError

FILE = """\
[defaults]
budget_per_day = 2

# the porch
[cameras.porch]
url = "rtsp://user:${PORCH_PASSWORD}@192.0.2.7/x?token=t0ken"

[cameras.porch.zones.pool]
polygon = [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9]]
"""
ENVIRON = {"PORCH_PASSWORD": "s3cret/word"}
TRIANGLE = [[0, 0], [0.5, 0], [0, 0.5]]
BOW = [[0.0, 0.0], [0.5, 0.5], [0.5, 0.0], [0.0, 0.5]]


class House:
    """Cameras that run on a file, which a desk changes."""

    def __init__(self, path, environ):
        self.path = path
        self.environ = environ
        self.reloads = 0
        self.followed = []
        self.roll = {}
        self.desk = SettingsDesk(
            SettingsFile(path), environ, Running(lambda: self.roll, self.follow, self.reload)
        )
        self.take_up()

    def take_up(self):
        cameras = load_settings(self.path, self.environ).cameras
        self.roll = {
            name: Roll(table, CameraControls(budget_per_day=table.budget_per_day))
            for name, table in cameras.items()
        }

    def follow(self, camera, switches):
        self.followed.append((camera, dict(switches)))
        for name, value in switches.items():
            self.roll[camera].controls.set(name, value)

    def reload(self):
        self.reloads += 1

    def change(self, edit, *, revision=None, camera="porch"):
        seen = self.desk.view(camera).revision if revision is None else revision
        return self.desk.change(camera, edit, revision=seen, by="ada")

    def add(self, name, url):
        return self.desk.add(check_new({"name": name, "url": url}), by="ada")

    def refused(self, edit):
        """Return what is said of an edit, by field; and see that it changed nothing."""
        before = self.path.read_bytes()
        with pytest.raises(RefusedEditError) as refusal:
            self.change(edit)
        assert (self.path.read_bytes(), self.reloads, self.followed) == (before, 0, [])
        return {".".join(problem.location): problem.sentence for problem in refusal.value.problems}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def house(path):
    return House(path, dict(ENVIRON))


def test_a_view_has_what_the_file_and_its_defaults_say(house):
    view = house.desk.view("porch")
    assert view.settings["budget_per_day"] == 2.0
    assert view.settings["zones"] == {
        "pool": {"polygon": [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9]], "mask": False, "private": False}
    }
    assert (view.in_use, view.locked, view.in_file, view.obstacle) == (True, {}, {}, "")


def test_a_view_tells_no_secret_and_no_url_that_could_be_written_back(house):
    text = repr(house.desk.view("porch"))
    assert house.desk.view("porch").source == "rtsp://***@192.0.2.7/x?token=***"
    assert "url" not in house.desk.view("porch").settings
    assert [word for word in ("s3cret", "PORCH_PASSWORD", "t0ken") if word in text] == []


def test_a_change_is_in_the_file_and_a_reload_is_asked_for(house, path):
    view = house.change({"budget_per_day": 0.5, "zones": {"door": {"polygon": TRIANGLE}}})
    assert (view.in_use, house.reloads) == (False, 1)
    camera = load_settings(path, ENVIRON).cameras["porch"]
    assert (camera.budget_per_day, list(camera.zones)) == (0.5, ["door"])
    assert "# the porch" in path.read_text()
    assert "${PORCH_PASSWORD}" in path.read_text()
    house.take_up()
    assert house.desk.view("porch").in_use


def test_what_is_as_it_was_is_not_written(house, path):
    house.change(house.desk.view("porch").settings)
    assert (path.read_text(), house.reloads) == (FILE, 0)


def test_two_who_edit_at_once_do_not_undo_each_other(house, path):
    seen = house.desk.view("porch").revision
    house.change({"clips": False}, revision=seen)
    written = path.read_bytes()
    with pytest.raises(StaleEditError, match="have changed since you opened them"):
        house.change({"budget_per_day": 5}, revision=seen)
    assert path.read_bytes() == written


def test_of_many_at_the_same_moment_one_comes_first(house, path):
    seen, told = house.desk.view("porch").revision, []

    def edit(number):
        try:
            told.append(house.change({"budget_per_day": number}, revision=seen).settings["budget_per_day"])
        except StaleEditError:
            told.append(None)

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(3, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first,) = set(told) - {None}
    assert told.count(None) == 7
    assert load_settings(path, ENVIRON).cameras["porch"].budget_per_day == first


def test_a_file_that_somebody_else_wrote_meanwhile_is_not_overwritten(house, path):
    seen = house.desk.view("porch").revision
    path.write_text(f"{FILE}\n# by hand\n")
    with pytest.raises(StaleEditError):
        house.change({"clips": False}, revision=seen)
    assert path.read_text().endswith("# by hand\n")


class RacedFile(SettingsFile):
    """A file that somebody else writes right after it was read once."""

    reads = 0

    def read(self):
        self.reads += 1
        if self.reads == 2:
            self.path.write_text(f"{FILE}\n# by hand\n")
        return super().read()


def test_a_file_that_somebody_writes_in_that_very_moment_is_not_overwritten(house, path):
    seen = house.desk.view("porch").revision
    desk = SettingsDesk(RacedFile(path), ENVIRON, Running(lambda: house.roll, house.follow, house.reload))
    with pytest.raises(StaleEditError):
        desk.change("porch", {"clips": False}, revision=seen, by="ada")
    assert path.read_text() == f"{FILE}\n# by hand\n"


def test_a_switch_that_was_turned_meanwhile_counts_as_a_change(house):
    seen = house.desk.view("porch").revision
    house.roll["porch"].controls.set("budget_per_day", 9.0)
    with pytest.raises(StaleEditError):
        house.change({"budget_per_day": 5}, revision=seen)


def test_a_switch_that_was_turned_is_shown_as_it_stands_beside_what_the_file_says(house):
    house.roll["porch"].controls.set("budget_per_day", 9.0)
    view = house.desk.view("porch")
    assert (view.settings["budget_per_day"], view.in_file) == (9.0, {"budget_per_day": 2.0})


def test_saving_a_switch_lets_the_file_count_from_then_on_even_where_the_file_has_that_already(house, path):
    house.roll["porch"].controls.set("budget_per_day", 9.0)
    house.change({"budget_per_day": 2.0, "clips": True})
    assert house.followed == [("porch", {"budget_per_day": 2.0})]
    assert path.read_text() == FILE


@pytest.mark.parametrize(
    ("edit", "field", "sentence"),
    [
        ({"budget_per_day": 1000}, "budget_per_day", "1000 is not allowed: must be at most 100"),
        ({"budget_per_day": "many"}, "budget_per_day", '"many" is not allowed: must be a number'),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "must be a time zone such as Europe/Berlin"),
        (
            {"zones": {"x": {"polygon": BOW}}},
            "zones.x.polygon",
            "the polygon crosses itself: edges 1 and 3 meet",
        ),
        ({"zones": {"x y": {"polygon": TRIANGLE}}}, "zones.x y", "a name is 1 to 32 of a-z"),
        ({"zones": {}, "rules": [{"do": "watch", "zone": "pool"}]}, "", 'a rule names the zone "pool"'),
        ({"rules": [{"do": "watch"}]}, "rules.0", "needs the zone that is to be watched"),
        (
            {"rules": [{"do": "ignore", "begin": "25:00"}]},
            "rules.0.begin",
            "must be a time of day such as 21:00",
        ),
        ({"url": "http://evil.example/x"}, "url", "unknown setting"),
        ({"transport": "udp"}, "transport", "unknown setting"),
        ({"budget": 3}, "budget", 'unknown setting; did you mean "budget_per_day"?'),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_field_and_nothing_changes(house, edit, field, sentence):
    problems = house.refused(edit)
    assert list(problems) == [field]
    assert sentence in problems[field]


def test_a_long_value_is_not_thrown_back_whole(house):
    assert len(house.refused({"time_zone": "x" * 60_000})["time_zone"]) < 200


def test_a_refusal_is_in_the_log_without_the_values(house, caplog):
    house.refused({"time_zone": "rtsp://user:pa55@192.0.2.7/", "zones": {"pa55": {}}, "pa55\nINFO": 1})
    assert "camera porch: a change by ada is refused: time_zone, zones\n" in caplog.text
    assert "pa55" not in caplog.text


def test_a_change_is_in_the_log_by_names(house, caplog):
    caplog.set_level(logging.INFO)
    house.change({"description": "my hidden key", "clips": False})
    assert "camera porch: description, clips changed by ada" in caplog.text
    assert "hidden" not in caplog.text


def test_what_the_environment_sets_is_named_and_not_changed(path):
    name = "VIDEOBERTD_CAMERAS__PORCH__BUDGET_PER_DAY"
    house = House(path, {**ENVIRON, name: "7"})
    view = house.desk.view("porch")
    assert (view.settings["budget_per_day"], view.locked) == (7.0, {"budget_per_day": name})
    problems = house.refused({"budget_per_day": 3, "clips": False})
    assert problems == {"budget_per_day": f"comes from the environment variable {name} and is changed there"}
    house.change({"budget_per_day": 7, "clips": False})
    assert "budget_per_day = 7" not in path.read_text()


def test_a_part_of_a_setting_in_the_environment_locks_all_of_it(path):
    house = House(path, {**ENVIRON, "VIDEOBERTD_CAMERAS__PORCH__ZONES__POOL__MASK": "true"})
    assert list(house.desk.view("porch").locked) == ["zones"]


def test_a_camera_of_the_environment_alone_gets_a_table_for_what_is_changed(path):
    house = House(path, {**ENVIRON, "VIDEOBERTD_CAMERAS__POND__URL": "pond.mp4"})
    house.change({"clips": False}, camera="pond")
    assert path.read_text() == f"{FILE}\n[cameras.pond]\nclips = false\n"


@pytest.mark.parametrize(
    "text",
    [
        'cameras.porch.url = "porch.mp4"\n',
        'cameras = {porch = {url = "porch.mp4"}}\n',
        '[cameras.porch]\nurl = "porch.mp4"\nzones = {x = {polygon = [[0, 0], [1, 0], [1, 1]]}}\n',
        '[cameras.porch]\nurl = "porch.mp4"\nrules = [{do = "ignore"}]\n',
        '[cameras.porch]\nurl = "porch.mp4"\n[cameras.porch.zones]\nx.polygon = [[0, 0], [1, 0], [1, 1]]\n',
    ],
)
def test_a_file_in_a_form_that_is_not_foreseen_is_left_alone(path, text):
    path.write_text(text)
    house = House(path, {})
    with pytest.raises(SettingsError, match=r"only changed by hand: .* \[cameras.porch\]"):
        house.change({"clips": False, "zones": {}, "rules": [{"do": "ignore", "zone": ""}] * 2})
    assert path.read_text() == text


def test_a_byte_order_mark_stays_where_it_was(path):
    path.write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    House(path, ENVIRON).change({"clips": False})
    assert path.read_bytes().startswith(b"\xef\xbb\xbf[defaults]")


@pytest.mark.parametrize(
    "text", ["[cameras", "[http]\nport = 'http://user:pa55@x'\n", "\xff".encode("latin-1")]
)
def test_of_a_file_with_mistakes_nothing_is_changed_and_nothing_told(house, path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match="has mistakes, which `videobertd check` names") as error:
        house.desk.view("porch")
    assert "pa55" not in str(error.value)


def test_a_camera_that_is_not_there_is_unknown(house):
    with pytest.raises(UnknownCameraError, match="no camera is named 'yard'"):
        house.change({}, camera="yard", revision="x")


def test_a_camera_is_added_as_it_was_given_and_comes_with_the_reload(house, path, caplog):
    view = house.add("pond", "rtsp://pa55:${PORCH_PASSWORD}@192.0.2.8/x")
    assert (view.source, view.in_use, house.reloads) == ("rtsp://***@192.0.2.8/x", False, 1)
    assert (
        path.read_text() == f'{FILE}\n[cameras.pond]\nurl = "rtsp://pa55:${{PORCH_PASSWORD}}@192.0.2.8/x"\n'
    )
    assert "pa55" not in caplog.text


@pytest.mark.parametrize(
    ("name", "url", "place"),
    [
        ("porch", "x.mp4", ("name", "there is a camera of that name")),
        ("status", "x.mp4", ("name", "must not be named like a part of an MQTT topic")),
        ("x]\n[http", "x.mp4", ("name", "a name is 1 to 32 of a-z")),
        ("pond", "", ("url", "must not be empty")),
        ("pond", "ftp://user:pa55@192.0.2.8/", ("url", "must begin with rtsp://")),
        ("pond", "rtsp://user:${POND}@192.0.2.8/", ("url", "the environment variable POND is not set")),
        ("pond", "rtsp://user:pa55/w@192.0.2.8/", ("url", "must come from ${NAME}")),
        ("pond", 'x"\n[http]\nport = 1\n', ("url", "must not be empty or hold control characters")),
    ],
)
def test_a_camera_that_cannot_be_used_is_not_added(house, path, name, url, place):
    field, sentence = place
    with pytest.raises(RefusedEditError) as refusal:
        house.add(name, url)
    (problem,) = refusal.value.problems
    assert problem.location == (field,)
    assert sentence in problem.sentence
    assert "pa55" not in problem.sentence
    assert (path.read_text(), house.reloads) == (FILE, 0)


@pytest.mark.parametrize(
    "url",
    [
        "${PORCH_PASSWORD}",
        "/srv/${PORCH_PASSWORD}",
        "ftp:${PORCH_PASSWORD}",
        "rtsp://192.0.2.8/${PORCH_PASSWORD}",
        "rtsp://192.0.2.8/?token=${PORCH_PASSWORD}",
        "rtsp://a b${PORCH_PASSWORD}@192.0.2.8/",
        "rtsp://user@${PORCH_PASSWORD}@192.0.2.8/",
        "rtsp://192.0.2.8/#${PORCH_PASSWORD}@x",
        "rtsp://user:${VIDEOBERTD_MQTT__PASSWORD}@192.0.2.8/",
    ],
)
def test_a_new_camera_s_url_brings_no_variable_of_the_environment_to_light(path, url):
    house = House(path, {**ENVIRON, "VIDEOBERTD_MQTT__PASSWORD": "s3cret/word"})
    with pytest.raises(RefusedEditError) as refusal:
        house.add("pond", url)
    (problem,) = refusal.value.problems
    assert problem.location == ("url",)
    assert "s3cret" not in problem.sentence
    assert path.read_text() == FILE


def test_what_notifications_are_sent_with_is_not_sent_to_a_camera(path):
    path.write_text(f'{FILE}\n[notify.phone]\nurl = "tgram://${{TELEGRAM}}/7"\n')
    house = House(path, {**ENVIRON, "TELEGRAM": "t0ken"})
    with pytest.raises(RefusedEditError, match=r"a variable of \[notify\] must not be sent to a camera"):
        house.add("pond", "rtsp://user:${TELEGRAM}@192.0.2.8/")


def test_a_camera_is_removed_with_the_reload(house, path):
    house.desk.remove("porch", revision=house.desk.view("porch").revision, by="ada")
    assert path.read_text() == "[defaults]\nbudget_per_day = 2\n"
    assert house.reloads == 1
    with pytest.raises(UnknownCameraError):
        house.desk.view("porch")


def test_a_camera_that_has_changed_meanwhile_is_not_removed(house, path):
    seen = house.desk.view("porch").revision
    house.change({"clips": False})
    with pytest.raises(StaleEditError):
        house.desk.remove("porch", revision=seen, by="ada")
    assert "[cameras.porch]" in path.read_text()


def test_a_camera_of_the_environment_is_not_removed_from_here(path):
    house = House(path, {**ENVIRON, "VIDEOBERTD_CAMERAS__PORCH__URL": "porch.mp4"})
    with pytest.raises(SettingsError, match="only changed by hand"):
        house.desk.remove("porch", revision=house.desk.view("porch").revision, by="ada")
    assert path.read_text() == FILE


def test_a_zone_that_a_notification_names_is_not_removed(house, path):
    address = path.with_name("address")
    address.write_text("json://192.0.2.9")
    text = f'{FILE}\n[notify.phone]\nurl_file = "{address}"\nzones = ["pool"]\n'
    path.write_text(text)
    with pytest.raises(RefusedEditError, match=r'^notify.phone.zones: "pool" is not there$'):
        house.change({"zones": {}})
    assert path.read_text() == text
