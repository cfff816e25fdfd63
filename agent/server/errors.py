"""What a client is told when something fails: a status, a code and a sentence of ours.

Texts of exceptions never get here: they may name paths, addresses in memory or other people's
files. The shape is that of the OpenAI protocol.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A failure with its HTTP status; `message` is safe to send."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        """As JSON."""
        kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
        kind = kinds.get(self.status, "server_error" if self.status >= 500 else None)
        return {
            "error": {
                "message": self.message,
                "type": kind or "invalid_request_error",
                "param": self.param,
                "code": self.code,
            }
        }

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def bad(message: str, param: str | None = None, code: str = "invalid_request") -> ApiError:
    """A request that cannot be as it was sent."""
    return ApiError(400, code, message, param=param)


def busy(message: str, seconds: int) -> ApiError:
    """The server has no room now."""
    return ApiError(503, "overloaded", message, retry_after=seconds)


INTERNAL = ApiError(500, "internal_error", "something failed here; the log has this request's id")
"""For faults of our own code."""
