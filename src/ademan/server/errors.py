"""The one shape of an error, whatever went wrong: {"error": {"code", "message"}}."""

from typing import Any

from ademan.errors import RequestError

STATUS = {
    "bad_http": 400,
    "bad_json": 400,
    "no_key": 401,
    "wrong_key": 401,
    "wrong_origin": 403,
    "not_found": 404,
    "wrong_method": 405,
    "too_slow": 408,
    "no_camera": 409,
    "too_large": 413,
    "wrong_type": 415,
    "bad_points": 422,
    "bad_request": 422,
    "bad_video": 422,
    "failed": 500,
    "not_ready": 503,
    "busy": 503,
}
"""HTTP status by code."""
RETRY_AFTER_S = 1


class ApiError(RequestError):
    """What somebody sent cannot be used, or not now.

    Args:
        code: one of STATUS.
        message: what, where, expected, found.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, STATUS[code]

    def to_json(self) -> dict[str, Any]:
        """Return what the client gets."""
        return {"error": {"code": self.code, "message": self.message}}

    @property
    def headers(self) -> dict[str, str]:
        """That go with it."""
        if self.status == 503:
            return {"Retry-After": str(RETRY_AFTER_S)}
        return {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
