"""Pickling and copying a store: what says where it is, without its key and its connections.

``IngestionPipeline(num_workers=…)`` and process pools pickle what they hand over. Used by all stores
but the vector store, whose fields say where it is.
"""

from __future__ import annotations

from typing import Any

from convex_mastra import Backend


def place_arguments(
    namespace: str, deployment_url: str | None, storage_function: str, backend: Backend | None
) -> dict[str, Any] | None:
    """Return what a store is made again of; None if it shares *backend*, which has no address."""
    if backend is not None:
        return None
    return {
        "namespace": namespace,
        "deployment_url": deployment_url,
        "storage_function": storage_function,
    }


class PickledByPlace:
    """A store that is made again of what named its place; the admin key comes from the environment.

    Subclasses set ``_place_arguments`` in their constructor, to what the function of that name
    returns.
    """

    _place_arguments: dict[str, Any] | None

    def __reduce__(self) -> tuple[Any, ...]:
        if self._place_arguments is None:
            raise TypeError(
                f"a {type(self).__name__} over a shared backend cannot be pickled: it does not know "
                "where it is; pass deployment_url instead"
            )
        return _make, (type(self), self._place_arguments)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Any:
        # As pickled and read again; pydantic would copy the connection.
        make, arguments = self.__reduce__()
        return make(*arguments)


def _make(store_class: type[Any], arguments: dict[str, Any]) -> Any:
    return store_class(**arguments)
