"""The errors of this package: a model that can't be used, and a request that can't be answered."""

from __future__ import annotations


class ModelError(Exception):
    """A saved model that can't be used: where, and what is wrong with it."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class RequestError(Exception):
    """A client's mistake: the HTTP status, a code, the field, and what was expected and got."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
