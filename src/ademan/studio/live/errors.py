"""What is refused while a stream goes on, with a code for programs and a message for people."""

from typing import Any

from ademan.errors import AdemanError


class LiveError(AdemanError):
    """Something that a browser sent, or asked for, is refused; its stream goes on.

    Args:
        code: for programs, such as 'short'.
        message: for people, in plain words.
        is_garbage: whether no program of good will sends such a thing; too much of it ends the stream.
        about: what else is told, such as the number of the frame.
    """

    def __init__(self, code: str, message: str, *, is_garbage: bool = False, **about: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.is_garbage, self.about = code, message, is_garbage, about

    def to_json(self) -> dict[str, Any]:
        """Return what the browser is told."""
        return {"kind": "trouble", "code": self.code, "message": self.message, **self.about}
