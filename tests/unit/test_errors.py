"""Errors cross process boundaries, as process pools make them do."""

from __future__ import annotations

import copy
import pickle

import pytest

from convex_mastra import (
    ConvexMastraError,
    FunctionError,
    InvalidArgumentError,
    LimitExceededError,
    RequestRejectedError,
    ScanLimitError,
    UnavailableError,
)


@pytest.mark.parametrize(
    "error",
    [
        ConvexMastraError("m", code="c", operation="load t", request_id="r"),
        InvalidArgumentError("m", field="messages[0]"),
        LimitExceededError("m", size=2, limit=1, field="f"),
        ScanLimitError("m", limit=10_000),
        FunctionError("m", data={"k": 1}),
        RequestRejectedError("m", status=400, code="BadJsonBody"),
        UnavailableError("m", applied=False, status=503),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_can_be_pickled(error: ConvexMastraError) -> None:
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is type(error)
        assert vars(other) == vars(error)
        assert (str(other), other.args) == (str(error), error.args)
