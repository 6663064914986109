"""What the pages refuse, and by which status and words."""

from dataclasses import dataclass
from typing import Final

from ademan.errors import AdemanError


@dataclass(frozen=True)
class Kind:
    """A kind of refusal.

    Args:
        status: of HTTP.
        text: key of what people read, error.<text> and error.<text>_text.
    """

    status: int
    text: str


KINDS: Final = {
    "bad": Kind(422, "bad"),
    "wrong": Kind(422, "bad"),
    "signed_out": Kind(401, "forbidden"),
    "stale": Kind(403, "stale"),
    "forbidden": Kind(403, "forbidden"),
    "gone": Kind(404, "gone"),
    "method": Kind(405, "method"),
    "slow": Kind(408, "busy"),
    "taken": Kind(409, "bad"),
    "large": Kind(413, "large"),
    "too_many": Kind(429, "busy"),
    "failed": Kind(500, "failed"),
    "unavailable": Kind(503, "busy"),
}
"""By code: those of `ademan.studio.data.Code`, and those that only a web has."""
RETRY_AFTER_S: Final = 2


class WebError(AdemanError):
    """What a browser asked for is refused.

    Args:
        code: one of KINDS.
        message: for programs and for the log; people read the texts of the code.
        retry_after_s: when it can be tried again, if that helps.
    """

    def __init__(self, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.kind = code, message, KINDS[code]
        self.retry_after_s = RETRY_AFTER_S if retry_after_s is None and self.kind.status == 503 else retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """That go with it."""
        headers = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
        return headers | ({"WWW-Authenticate": "Session"} if self.kind.status == 401 else {})
