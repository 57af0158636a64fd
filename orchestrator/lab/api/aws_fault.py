"""The errors that the lab itself answers with, as AWS names them."""

from __future__ import annotations


class AwsFault(Exception):
    """An answer that says no: AWS's error code (`InvalidInstanceId`), its message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
