"""The picture of an event: small enough to send, with the place drawn into it."""

import av
import cv2
import numpy as np
import pytest

from pipeline.evidence import REGION_COLOUR, Reason, snapshot
from pipeline.privacy import EVERYTHING_SHOWN
from pipeline.types import Region


def grey_frame(width_px, height_px, pixel_format="yuv420p"):
    picture = np.full((height_px, width_px, 3), 60, np.uint8)
    return av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format)


def taken_of(frame, region=None):
    return snapshot(EVERYTHING_SHOWN.picture_of(frame), Reason(region))


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


MIDDLE = Region(0.25, 0.25, 0.5, 0.5)


def is_orange(pixel):
    """Say whether a pixel is nearer to the region's colour than to the grey of the frame."""
    return np.abs(pixel.astype(int) - REGION_COLOUR).sum() < np.abs(pixel.astype(int) - 60).sum()


@pytest.mark.parametrize(
    ("width_px", "height_px", "shape"),
    [
        (320, 240, (240, 320, 3)),
        (1280, 720, (720, 1280, 3)),
        (1920, 1080, (720, 1280, 3)),
        (3840, 1634, (544, 1280, 3)),  # 1634 / 3 = 544.7, and the nearest even number is 544
    ],
)
def test_a_snapshot_is_at_most_1280_pixels_wide_and_keeps_its_shape(width_px, height_px, shape):
    taken = taken_of(grey_frame(width_px, height_px))
    assert decoded(taken.picture).shape == shape == (taken.height_px, taken.width_px, 3)


def test_the_region_is_drawn_around_its_place():
    picture = decoded(taken_of(grey_frame(320, 240), MIDDLE).marked)
    # The left edge is column 80, the right one 240, the top one row 60, the bottom one 180.
    assert all(
        is_orange(picture[row, column]) for row, column in [(120, 80), (120, 240), (60, 160), (180, 160)]
    )
    assert not is_orange(picture[120, 160])
    assert not is_orange(picture[20, 20])


def test_nothing_is_drawn_into_the_picture_that_is_kept_under_the_layers():
    taken = taken_of(grey_frame(320, 240), MIDDLE)
    picture = decoded(taken.picture)
    assert (picture == picture[0, 0]).all()
    assert taken.region == MIDDLE


@pytest.mark.parametrize(
    ("width_px", "shape"),
    [(1280, (180, 320, 3)), (160, (90, 160, 3))],  # 720 / 4 = 180; a small picture is left as it is
)
def test_a_thumbnail_is_at_most_320_pixels_wide_and_has_its_place_drawn_in(width_px, shape):
    small = decoded(taken_of(grey_frame(width_px, width_px * 9 // 16), MIDDLE).thumbnail)
    assert small.shape == shape
    assert is_orange(small[shape[0] // 2, shape[1] // 4])


def test_a_region_of_the_whole_picture_can_be_drawn():
    picture = decoded(taken_of(grey_frame(320, 240), Region(0.0, 0.0, 1.0, 1.0)).marked)
    assert is_orange(picture[120, 0])


def test_without_a_region_nothing_is_drawn():
    picture = decoded(taken_of(grey_frame(64, 48)).marked)
    assert (picture == picture[0, 0]).all()


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "nv12", "gray", "rgb24"])
def test_every_format_that_cameras_send_becomes_a_jpeg(pixel_format):
    assert taken_of(grey_frame(64, 48, pixel_format)).picture[:2] == b"\xff\xd8"
