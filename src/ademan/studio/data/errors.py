"""What can go wrong with the studio's data, with a code for programs and a message for people."""

from typing import Literal

from ademan.errors import AdemanError

Code = Literal["taken", "wrong", "forbidden", "gone", "too_many", "bad", "unavailable"]
"""Why something was refused.

taken: the name is in use, or somebody else was quicker. wrong: name and password, or a token, do not fit. forbidden:
somebody else may, but not this person. gone: it is not there, or no longer. too_many: wait, or delete something. bad:
it is not what is expected. unavailable: the database cannot be reached or has no time; the same can be tried again.
"""


class StudioError(AdemanError):
    """The studio's data refuse something.

    Args:
        code: why; see `Code`.
        message: for people, in plain words.
        retry_after_s: with 'too_many', seconds until it can be tried again, if waiting helps.
    """

    def __init__(self, code: Code, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.retry_after_s = retry_after_s
