from daemon.demo.perspective import FINE, Perspective

VIEW = Perspective(horizon_px=72.0, focal_px=470.0, height_m=5.5)


def test_things_are_smaller_the_farther_away_they_are():
    assert (VIEW.px_per_m(10.0), VIEW.px_per_m(20.0)) == (47.0, 23.5)


def test_the_ground_rises_towards_the_horizon():
    # 72 + 47 * 5.5
    assert VIEW.ground_px(10.0) == 330.5
    assert 72 < VIEW.ground_px(1e6) < 72.01


def test_a_point_is_painted_three_times_as_large():
    # 2 m to the right of the middle, as high as the camera: on the horizon.
    assert VIEW.fine(2.0, 10.0, 5.5) == ((320 + 94) * FINE, 72 * FINE)
