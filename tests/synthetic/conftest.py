"""How often properties are tried here."""

from hypothesis import settings

# Test machines may be busy: slowness is no failure.
FEW = settings(max_examples=15, deadline=None)
