"""Every error this library raises, as one tree.

ConvexMastraError
├── InvalidArgumentError (also ValueError)   the caller's input; nothing was sent
│   └── LimitExceededError                   one item that no request could carry
├── ConfigurationError                       no deployment named, or an unsafe one
├── ClosedError                              the store was closed
├── NotFoundError (also LookupError)         a thread, index or record that must exist does not
├── AlreadyExistsError                       a record to be created is there already
├── ScanLimitError                           a read may have been cut short by the server
├── UnfinishedError                          stopped after as many requests as it may take; go on
├── FunctionError                            the deployed function ran and refused; nothing was applied
│   ├── FunctionNotFoundError                no function of that name is deployed
│   └── StorageError                         Mastra's handler answered ``ok: false``
│       └── UnsupportedOperationError        the handler is older than the operation
├── RequestRejectedError                     HTTP 4xx: nothing was applied
│   └── AuthenticationError                  HTTP 401 or 403
├── TransportError                           the only branch that is ever retried
│   ├── RateLimitedError                     HTTP 429
│   ├── UnavailableError                     HTTP 5xx, 408, or a database that stayed locked
│   ├── ConnectError                         no connection was made
│   └── ConnectionLostError                  sent, but no answer came back (timeout included)
├── OutcomeUnknownError                      lost reply to an operation that must not be repeated
└── ProtocolError                            an answer that is not of the documented form

Both backends end here: the same mistake has the same class and the same ``code`` on a Convex
deployment and on the embedded backend. No message or attribute ever holds the admin key.
"""

from __future__ import annotations

from typing import Any, Final

MASTRA_CODE: Final = "MASTRA_STORAGE_CONVEX_"
"""What Mastra's own codes begin with, wherever its client has one for the same mistake."""


class ConvexMastraError(Exception):
    """Base of all errors of this library.

    Attributes:
        code: a stable identifier: the platform's (``TooManyWrites``), Mastra's
            (``MASTRA_STORAGE_CONVEX_…``) or None.
        operation: the operation that was running, e.g. ``batchInsert mastra_messages``.
        request_id: Convex's request id, when the deployment named one.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        operation: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.operation = operation
        self.request_id = request_id

    def __str__(self) -> str:
        context = [
            f"{name}={value}"
            for name, value in (
                ("operation", self.operation),
                ("code", self.code),
                ("request_id", self.request_id),
            )
            if value is not None and str(value) not in self.message
        ]
        return f"{self.message} [{', '.join(context)}]" if context else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with the message alone; process pools then break.
        return _restored, (type(self), self.args, self.__dict__)


class InvalidArgumentError(ConvexMastraError, ValueError):
    """An argument cannot be used. Raised before anything is sent.

    Attributes:
        field: the argument, as a path (``messages[3].content``), or None.
    """

    def __init__(self, message: str, *, field: str | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.field = field


class LimitExceededError(InvalidArgumentError):
    """One item is larger than Convex can hold, so no way of splitting helps.

    Attributes:
        size: how large it is; limit: how large it may be; unit: of both.
    """

    def __init__(
        self, message: str, *, size: int, limit: int, unit: str = "bytes", **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.size = size
        self.limit = limit
        self.unit = unit


class ConfigurationError(ConvexMastraError):
    """No deployment is named, or the one named must not be used as configured."""


class ClosedError(ConvexMastraError):
    """The backend was closed, or belongs to another process."""


class NotFoundError(ConvexMastraError, LookupError):
    """What the operation needs does not exist."""


class AlreadyExistsError(ConvexMastraError):
    """What the operation was to create exists. It was left as it is."""


class ScanLimitError(ConvexMastraError):
    """A read met the server's cap, so its answer may be incomplete and is not returned.

    Attributes:
        limit: the cap, in rows, or None when the server named none.
    """

    def __init__(self, message: str, *, limit: int | None = None, **context: Any) -> None:
        super().__init__(message, **context)
        self.limit = limit


class UnfinishedError(ConvexMastraError):
    """Old rows were in the way, and not all were deleted in the requests one operation may take.

    What was asked for was not done; the deletions stay. The same operation again goes on with
    them.
    """


class FunctionError(ConvexMastraError):
    """The deployed function failed. Its transaction was rolled back: nothing was applied.

    Attributes:
        data: the payload of a ConvexError, or None.
        hidden: the deployment hides error texts, so that the cause is unknown: the function may
            even be missing.
    """

    def __init__(
        self, message: str, *, data: Any = None, hidden: bool = False, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.data = data
        self.hidden = hidden


class FunctionNotFoundError(FunctionError):
    """No function of that path and kind is deployed."""


class StorageError(FunctionError):
    """Mastra's handler, of storage or of the cache, answered ``ok: false``.

    Vector and background-task operations may have kept rows written before the failure.
    """


class UnsupportedOperationError(StorageError):
    """The deployed handler does not know the operation: it is older than it."""


class RequestRejectedError(ConvexMastraError):
    """The platform refused the request (HTTP 4xx). Nothing was applied.

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int, **context: Any) -> None:
        super().__init__(message, **context)
        self.status = status


class AuthenticationError(RequestRejectedError):
    """The admin key is missing, wrong, or lacks the permission (HTTP 401 or 403)."""


class TransportError(ConvexMastraError):
    """A transient failure.

    Attributes:
        applied: False when the request certainly changed nothing, None when that is unknown.
        status: the HTTP status, or None when there was no answer.
    """

    def __init__(
        self,
        message: str,
        *,
        applied: bool | None = None,
        status: int | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.applied = applied
        self.status = status


class RateLimitedError(TransportError):
    """HTTP 429: too many requests or bytes at once. Not run."""


class UnavailableError(TransportError):
    """The deployment cannot answer now (HTTP 5xx or 408, or a locked database)."""


class ConnectError(TransportError):
    """No connection could be made. Nothing was sent."""


class ConnectionLostError(TransportError):
    """The request was sent, the answer did not arrive (time-out, reset)."""


class OutcomeUnknownError(ConvexMastraError):
    """The reply to an operation that must not be repeated was lost.

    It may or may not have been applied: read back before trying again.
    """


class ProtocolError(ConvexMastraError):
    """The answer is not what Convex or the storage handler documents."""


def _restored(
    kind: type[ConvexMastraError], args: tuple[Any, ...], state: dict[str, Any]
) -> ConvexMastraError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error
