"""The small pictures of a frame, and what masks hide of them."""

import av
import numpy as np

from pipeline.scaler import HIDDEN_GREY, Scaler

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def white():
    return av.VideoFrame.from_ndarray(np.full((90, 160, 3), 255, np.uint8), format="rgb24")


def test_a_mask_hides_its_part_of_every_picture():
    scaler = Scaler(224, [LEFT_HALF])
    scaled = scaler.scale(white())
    for picture, half in ((scaled.rgb, 112), (scaler.scale_rgb(white()), 112), (scaled.luma, 32)):
        assert (picture[:, :half] == HIDDEN_GREY).all()
        assert (picture[:, half:] > 200).all()


def test_without_masks_nothing_is_hidden():
    scaled = Scaler(224).scale(white())
    assert (scaled.rgb.shape, scaled.luma.shape) == ((224, 224, 3), (36, 64))
    assert (scaled.rgb > 200).all()
