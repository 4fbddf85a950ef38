"""The drawn data set: its labels follow the demo's script."""

import av

from benchmarks.rendered import labels, write
from tests.media import still_scene


def test_the_runner_and_the_cart_are_labelled_and_nothing_else():
    found = labels()
    # From 18 to 54 s, 10 a second: somebody runs from 30 to 34 s, a cart crosses from 42 to 49 s.
    assert len(found) == 360
    assert [index for index, one in enumerate(found) if one] == [*range(120, 160), *range(240, 310)]


def test_pictures_become_a_video_with_a_frame_each(tmp_path):
    write(tmp_path / "new/a.mp4", still_scene(12))
    with av.open(str(tmp_path / "new/a.mp4")) as container:
        assert len(list(container.decode(video=0))) == 12
