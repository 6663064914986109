import numpy as np

from ademan.synthetic import Person, people
from ademan.synthetic.poses import CHANNELS, channels


def test_different_persons_differ(rng: np.random.Generator) -> None:
    a, b = people(2, rng)
    assert (a.name, b.name) == ("person-01", "person-02")
    assert not np.allclose(a.hand.bones_m, b.hand.bones_m)
    assert not np.allclose(a.habit, b.habit)
    assert (a.tempo, a.amplitude, a.trembling) != (b.tempo, b.amplitude, b.trembling)
    assert a.camera != b.camera
    assert a.style != b.style


def test_the_same_seed_gives_the_same_person() -> None:
    a, b = (Person.draw(np.random.default_rng(7), "a") for _ in range(2))
    np.testing.assert_array_equal(a.habit, b.habit)
    np.testing.assert_array_equal(a.hand.bones_m, b.hand.bones_m)
    assert (a.camera, a.style, a.detector, a.tempo) == (b.camera, b.style, b.detector, b.tempo)


def test_most_people_are_right_handed(rng: np.random.Generator) -> None:
    assert 0.8 < np.mean([person.right_handed for person in people(300, rng)]) < 0.97


def test_another_session_is_the_same_person_before_another_camera(rng: np.random.Generator) -> None:
    here = Person.draw(rng)
    there = here.elsewhere(rng)
    assert there.camera != here.camera
    assert there.hand is here.hand
    assert there.habit is here.habit


def test_repetitions_vary_around_the_habit(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    poses = np.stack([person.variation(rng) for _ in range(2000)])
    assert poses.shape == (2000, len(CHANNELS))
    assert (poses.std(axis=0) > 0).all()
    np.testing.assert_allclose(poses.mean(axis=0), person.habit, atol=0.5)


def test_quick_people_take_less_time(rng: np.random.Generator) -> None:
    persons = sorted(people(50, rng), key=lambda person: person.tempo)
    far = channels(x=0.4)
    reach = [person.reach_s(channels(), far) for person in persons]
    assert reach == sorted(reach, reverse=True)
    pace = [np.mean([person.pace(1.0, rng) for _ in range(50)]) for person in (persons[0], persons[-1])]
    assert pace[0] > pace[1]
