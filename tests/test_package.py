from pathlib import Path

import pytest

import ademan


def test_every_public_name_is_there_and_no_other() -> None:
    for name in ademan.__all__:
        assert callable(getattr(ademan, name))
    assert set(ademan.__all__) == set(ademan._HOMES)
    with pytest.raises(AttributeError, match="module 'ademan' has no attribute 'recognize'"):
        ademan.__getattr__("recognize")


def test_verbs_are_python_calls(dataset_file: Path, small_bundle: Path) -> None:
    assert ademan.inspect(dataset_file).clips == 36
    assert ademan.verify(small_bundle)["verified"]
    assert [p.clip_id for p in ademan.predict(small_bundle, f"{dataset_file}#c05")] == ["c05"]
