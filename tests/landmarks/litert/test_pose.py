"""The body's points, refined by the heat map."""

import numpy as np

from ademan.landmarks.litert.pose import refined


def test_a_point_moves_to_the_middle_of_the_heat_around_it() -> None:
    heat = np.full((64, 64, 39), -20.0, np.float32)
    heat[30, 32, 0] = heat[30, 33, 0] = 20.0
    places = np.full((39, 2), 0.5)
    found = refined(places, heat)
    np.testing.assert_allclose(found[0], [32.5 / 64, 30 / 64], atol=1e-6)
    np.testing.assert_array_equal(found[1:], places[1:])


def test_heat_that_is_far_away_or_weak_moves_nothing() -> None:
    heat = np.full((64, 64, 39), -20.0, np.float32)
    heat[0, 0, 0] = 20.0
    heat[32, 33, 1] = -0.5
    places = np.full((39, 2), 0.5)
    np.testing.assert_array_equal(refined(places, heat), places)


def test_points_at_the_edge_and_outside_do_no_harm() -> None:
    heat = np.full((64, 64, 39), 20.0, np.float32)
    places = np.linspace(-0.2, 1.2, 78).reshape(39, 2)
    found = refined(places, heat)
    outside = ((places < 0) | (places >= 1)).any(axis=1)
    np.testing.assert_array_equal(found[outside], places[outside])
    assert np.isfinite(found).all()
