"""The body: from frame to frame with a network that says what it is told, and its points refined by the heat map."""

import numpy as np

from ademan.landmarks.litert.detector import Detection
from ademan.landmarks.litert.pose import BodyTracker, refined
from ademan.landmarks.litert.region import Array
from ademan.video import Image

PICTURE: Image = np.zeros((480, 640, 3), np.uint8)


class People:
    """Finds somebody whose hips are in the middle of the picture, 100 pixels from the circle around the body."""

    def __init__(self) -> None:
        self.searches = 0

    def detect(self, _: Image) -> list[Detection]:
        self.searches += 1
        return [
            Detection(0.9, np.array([[300, 200], [340, 240.0]]), np.array([[320, 240], [320, 140], [0, 0], [0, 0.0]]))
        ]


class Points:
    """Gives points in the middle of the region, the circle as far away as it was, and no heat."""

    side = 256

    def __init__(self) -> None:
        self.presence, self.visibility = 0.9, 3.0

    def run(self, _: Image) -> list[Array]:
        body = np.full((39, 5), 128.0)
        body[:, 3:] = 3.0, self.visibility
        body[34, 1] = 128.0 - 256 / 2.5
        return [body.ravel(), np.array([self.presence]), np.zeros(1), np.full((64, 64, 39), -20.0, np.float32)]


def tracker(people: People, points: Points) -> BodyTracker:
    return BodyTracker(people, points, 0.5)  # type: ignore[arg-type]


def test_a_body_that_is_followed_is_not_searched_for() -> None:
    people = People()
    bodies = tracker(people, Points())
    for _ in range(5):
        body = bodies.find(PICTURE)
        assert body is not None
        np.testing.assert_allclose(body.points[:, :2], [[320, 240]] * 33, atol=1e-9)
        np.testing.assert_allclose(body.points[:, 2], 125)
        np.testing.assert_allclose([body.next_region.side, body.next_region.angle], [250, 0], atol=1e-9)
    assert people.searches == 1


def test_a_body_that_is_lost_is_searched_for_at_once() -> None:
    people, points = People(), Points()
    bodies = tracker(people, points)
    bodies.find(PICTURE)
    points.presence = 0.1
    assert bodies.find(PICTURE) is None
    assert people.searches == 2


def test_a_body_that_is_forgotten_is_searched_for() -> None:
    people = People()
    bodies = tracker(people, Points())
    bodies.find(PICTURE)
    bodies.reset()
    bodies.find(PICTURE)
    assert people.searches == 2


def test_a_point_is_as_visible_as_the_lesser_of_being_seen_and_being_there() -> None:
    points = Points()
    points.visibility = -3.0
    body = tracker(People(), points).find(PICTURE)
    assert body is not None
    np.testing.assert_allclose(body.visibility, 1 / (1 + np.exp(3.0)))


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
