"""A camera changed in a file's text: what is written, where, and that all else stays."""

import tomllib

import pytest

from daemon.config import CameraTable
from daemon.editing.document import add_camera, change_camera, remove_camera

POOL = [[0.1, 0.55], [0.42, 0.52], [0.45, 0.9]]
FILE = """\
# my cameras
[defaults]
sample_fps = 5  # enough

# the porch
[cameras.porch]
url = "rtsp://user:${PORCH_PASSWORD}@192.0.2.7/x"  # sub-stream
anomaly = true   # learns
# quiet at night

# deep
[cameras.porch.zones.pool]
polygon = [[0.1, 0.55], [0.42, 0.52], [0.45, 0.9]]  # measured

# neighbours
[cameras.porch.zones.street]
polygon = [[0.0, 0.0], [1.0, 0.0], [1.0, 0.25]]

# at night
[[cameras.porch.rules]]
do = "watch"  # first
zone = "pool"
begin = "21:00"
end = "07:00"

# by day
[[cameras.porch.rules]]
do = "ignore"
zone = "street"

# ---- another one ----

[cameras.garden]
url = "garden.mp4"
"""


def camera_of(text, name="porch"):
    return CameraTable.model_validate(tomllib.loads(text)["cameras"][name])


def changed(text=FILE, name="porch", **changes):
    """Return the text after some settings of a camera were given other values."""
    before = camera_of(text, name)
    after = CameraTable.model_validate(before.model_dump() | changes)
    return change_camera(text, name, before, after=after)


def differences(text):
    """Return which lines of FILE are gone, and which are new."""
    before, after = FILE.splitlines(), text.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def zones(**changes):
    return {**{name: zone.model_dump() for name, zone in camera_of(FILE).zones.items()}, **changes}


def rules(*kept, add=()):
    before = [rule.model_dump() for rule in camera_of(FILE).rules]
    return [*(before[number] for number in kept), *add]


def test_what_stays_the_same_is_not_touched():
    assert changed() == FILE


def test_a_value_is_exchanged_in_its_line():
    assert differences(changed(anomaly=False)) == (
        ["anomaly = true   # learns"],
        ["anomaly = false   # learns"],
    )


def test_a_new_value_comes_after_the_last_of_its_table():
    text = changed(budget_per_day=2.5)
    assert differences(text) == ([], ["budget_per_day = 2.5"])
    assert "# quiet at night\nbudget_per_day = 2.5\n\n# deep\n" in text


def test_a_url_stays_as_it_is_written():
    text = changed(budget_per_day=2.5, zones={}, rules=[])
    assert 'url = "rtsp://user:${PORCH_PASSWORD}@192.0.2.7/x"  # sub-stream\n' in text


def test_a_zone_is_drawn_anew_in_its_line():
    text = changed(zones=zones(pool={"polygon": [[0, 0], [0.5, 0], [0, 0.125]], "mask": True}))
    assert differences(text) == (
        ["polygon = [[0.1, 0.55], [0.42, 0.52], [0.45, 0.9]]  # measured"],
        ["polygon = [[0.0, 0.0], [0.5, 0.0], [0.0, 0.125]]  # measured", "mask = true"],
    )


def test_a_new_zone_stands_after_the_other_zones():
    text = changed(zones=zones(door={"polygon": [[0.1, 0.5], [0.2, 0.5], [0.2, 0.9]]}))
    assert differences(text) == (
        [],
        ["[cameras.porch.zones.door]", "polygon = [[0.1, 0.5], [0.2, 0.5], [0.2, 0.9]]"],
    )
    assert text.index("zones.street") < text.index("zones.door") < text.index("# at night")


def test_a_zone_that_is_named_anew_keeps_its_place_and_its_comments():
    old = zones()
    text = changed(zones={"pond": old["pool"], "street": old["street"]}, rules=rules(1))
    assert "# deep\n[cameras.porch.zones.pond]\n" in text
    assert text.index("zones.pond") < text.index("zones.street")


def test_a_zone_goes_with_what_was_said_of_it():
    gone, new = differences(changed(zones={"street": zones()["street"]}, rules=rules(1)))
    assert new == []
    assert "# deep" in gone
    assert "# neighbours" not in gone


def test_of_two_rules_the_other_keeps_its_comment():
    text = changed(rules=rules(1))
    assert "# at night" not in text
    assert '# by day\n[[cameras.porch.rules]]\ndo = "ignore"' in text


def test_a_rule_is_changed_in_its_place():
    first, second = rules(0, 1)
    assert differences(changed(rules=[{**first, "end": "06:30"}, second])) == (
        ['end = "07:00"'],
        ['end = "06:30"'],
    )


def test_rules_that_change_places_take_their_comments_along():
    text = changed(rules=rules(1, 0))
    assert [rule.do for rule in camera_of(text).rules] == ["ignore", "watch"]
    assert differences(text) == ([], [])
    assert text.index("# by day\n[[cameras.porch.rules]]") < text.index("# at night\n[[cameras.porch.rules]]")
    assert text.index("# at night") < text.index("\n# ---- another one ----\n\n[cameras.garden]")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_new_rule_says_what_it_must_and_no_more(place):
    wanted = rules(0, 1)
    wanted.insert(place, {"do": "raise", "kinds": ["anomaly"], "begin": "08:15"})
    text = changed(rules=wanted)
    assert '[[cameras.porch.rules]]\ndo = "raise"\nkinds = ["anomaly"]\nbegin = "08:15"\n' in text
    assert camera_of(text).rules[place].do == "raise"
    assert differences(text)[0] == []


def test_the_first_zone_and_rule_of_a_camera_stand_below_it():
    text = changed(name="garden", zones={"pond": {"polygon": POOL}}, rules=[{"do": "watch", "zone": "pond"}])
    below = text.partition('url = "garden.mp4"\n')[2]
    assert below.startswith("\n[cameras.garden.zones.pond]\npolygon = ")
    assert below.endswith('\n\n[[cameras.garden.rules]]\ndo = "watch"\nzone = "pond"\n')


def test_a_camera_that_the_file_does_not_have_gets_a_table():
    before = CameraTable(url="from the environment")
    text = change_camera(FILE, "pond", before, after=before.model_copy(update={"clips": False}))
    assert text == f"{FILE}\n[cameras.pond]\nclips = false\n"


def test_a_file_of_another_system_keeps_its_line_ends():
    text = changed(FILE.replace("\n", "\r\n"), zones=zones(door={"polygon": POOL}), anomaly=False)
    assert text.count("\r\n") == text.count("\n")
    assert camera_of(text).zones.keys() == {"pool", "street", "door"}


@pytest.mark.parametrize(
    "description", ['"quoted"', "back\\slash", "line\nend", "ümläut 🎥", "# no comment", ""]
)
def test_any_text_is_read_as_it_was_given(description):
    assert camera_of(changed(description=description)).description == description


@pytest.mark.parametrize("text", [FILE, FILE.rstrip("\n"), f"{FILE}\n# [cameras.example]\n"])
def test_a_camera_that_is_added_stands_after_all_else(text):
    added = add_camera(text, "pond", "rtsp://user:${POND}@192.0.2.7/x")
    assert added == f'{text.rstrip()}\n\n[cameras.pond]\nurl = "rtsp://user:${{POND}}@192.0.2.7/x"\n'


def test_a_camera_that_comes_and_goes_leaves_nothing_behind():
    assert remove_camera(add_camera(FILE, "pond", "x"), "pond") == FILE


def test_a_camera_that_is_removed_takes_its_zones_rules_and_comments_along_and_no_other():
    assert (
        remove_camera(FILE, "porch")
        == FILE[: FILE.index("# the porch")] + FILE[FILE.index("# ---- another") :]
    )
    assert differences(remove_camera(FILE, "garden")) == (["[cameras.garden]", 'url = "garden.mp4"'], [])
