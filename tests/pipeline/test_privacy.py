"""What is private is a coarse mosaic in every picture, and the frame that is analysed stays as it is."""

import av
import numpy as np
import pytest

from pipeline.privacy import EVERYTHING_SHOWN, TILES, Blur, Privacy
from tests.media import scene

LEFT_HALF = Privacy({"window": ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))})
ALL = Privacy(blur=Blur.ALL)


def frame(width_px=320, height_px=180, pixel_format="bgr24", seed=0):
    picture = scene(seed=seed, width_px=width_px, height_px=height_px)
    return av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format)


def colours(picture):
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def steps(picture):
    """Return the columns at which a colour changes, in whichever row."""
    return (1 + np.flatnonzero((picture[:, 1:] != picture[:, :-1]).any(axis=(0, 2)))).tolist()


def test_a_picture_is_at_most_1280_pixels_wide_and_keeps_its_shape():
    assert EVERYTHING_SHOWN.picture_of(frame(3840, 1634)).shape == (544, 1280, 3)  # 1634 / 3 = 544.7
    assert EVERYTHING_SHOWN.picture_of(frame(1280, 720), 320).shape == (180, 320, 3)


def test_a_private_zone_is_a_mosaic_and_the_rest_is_as_it_was():
    plain, shown = EVERYTHING_SHOWN.picture_of(frame()), LEFT_HALF.picture_of(frame())
    assert np.array_equal(
        shown[:, 162:], plain[:, 162:]
    )  # column 160 is the zone's edge, and one more is hidden
    # Eight of sixteen columns of tiles in nine rows, and the ninth column touches the edge.
    assert colours(shown[:, :161]) <= 9 * 9


def test_two_pictures_that_differ_within_tiles_alone_look_the_same():
    """What a tile shows is its mean: nobody can tell which of its pixels were bright."""
    one, other = np.zeros((180, 320, 3), np.uint8), np.zeros((180, 320, 3), np.uint8)
    one[::2], other[1::2] = 200, 200  # tiles are 20 x 20 pixels
    shown = [ALL.picture_of(av.VideoFrame.from_ndarray(picture, format="bgr24")) for picture in (one, other)]
    assert np.array_equal(*shown)
    assert (shown[0] == 100).all()


@pytest.mark.parametrize(("width_px", "height_px", "rows"), [(320, 180, 9), (320, 240, 12), (64, 256, 64)])
def test_a_whole_mosaic_has_sixteen_columns_of_square_tiles(width_px, height_px, rows):
    noise = np.random.default_rng(0).integers(0, 255, (height_px, width_px, 3), np.uint8)
    shown = ALL.picture_of(av.VideoFrame.from_ndarray(noise, format="bgr24"))
    side_px = width_px // 16
    assert steps(shown) == list(range(side_px, width_px, side_px))
    assert steps(shown.transpose(1, 0, 2)) == [side_px * row for row in range(1, rows)]


def test_a_pixel_that_a_zone_only_touches_is_hidden_too():
    # The zone begins at column 159.6 of 320: the last two fifths of column 159 belong to it.
    touching = Privacy({"gap": ((0.49875, 0.0), (1.0, 0.0), (1.0, 1.0), (0.49875, 1.0))})
    plain, shown = EVERYTHING_SHOWN.picture_of(frame()), touching.picture_of(frame())
    assert not np.array_equal(shown[:, 159], plain[:, 159])


@pytest.mark.parametrize("pixel_format", ["bgr24", "yuv420p"])
@pytest.mark.parametrize("privacy", [LEFT_HALF, ALL])
def test_the_frame_that_is_analysed_stays_as_it_is(privacy, pixel_format):
    original = frame(pixel_format=pixel_format)
    before = original.to_ndarray().copy()
    privacy.picture_of(original)
    assert np.array_equal(original.to_ndarray(), before)


def test_a_stream_that_changes_its_size_is_hidden_at_every_size():
    for number in range(20):
        width_px = 100 + 2 * number
        shown = LEFT_HALF.picture_of(frame(width_px, 100))
        assert colours(shown[:, : width_px // 2]) <= 9 * TILES


def test_the_cells_that_a_private_zone_touches_are_hidden_in_a_heat_map():
    hidden = LEFT_HALF.hidden_cells
    assert hidden.shape == (40, 60)
    assert hidden[:, :31].all()  # the edge at column 30 is hidden, too
    assert not hidden[:, 32:].any()
    assert not ALL.hidden_cells.any()


def test_privacies_that_hide_the_same_have_one_name():
    again = Privacy({"another name": ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))})
    names = [privacy.name for privacy in (EVERYTHING_SHOWN, LEFT_HALF, again, ALL)]
    assert names[0] == ""
    assert names[1] == names[2] != names[3]
    assert [privacy.hides for privacy in (EVERYTHING_SHOWN, LEFT_HALF, ALL)] == [False, True, True]
