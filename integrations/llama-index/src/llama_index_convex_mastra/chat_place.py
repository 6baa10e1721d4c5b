"""Where the chat stores' threads are: the fields and the constructor that both have.

Each store names the client that it keeps; its methods, and what they promise, are its own.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

from llama_index.core.bridge.pydantic import BaseModel, PrivateAttr

from convex_mastra import Backend, Options
from convex_mastra.face import Client
from convex_mastra.ops.arguments import optional_text
from convex_mastra.wire import STORAGE_FUNCTION
from llama_index_convex_mastra.pickling import PickledByPlace


class ChatPlace(BaseModel, PickledByPlace):
    """A store of chats on a deployment, of one resource or of all.

    Attributes:
        _client_class: what a subclass keeps as its ``_connection``.
    """

    resource_id: str | None = None
    deployment_url: str | None = None
    storage_function: str = STORAGE_FUNCTION

    _client_class: ClassVar[type[Client]]
    _connection: Any = PrivateAttr()
    _place_arguments: dict[str, Any] | None = PrivateAttr()

    def __init__(
        self,
        resource_id: str | None = None,
        *,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        storage_function: str = STORAGE_FUNCTION,
        backend: Backend | None = None,
        options: Options | None = None,
        **fields: Any,
    ) -> None:
        fields.pop("class_name", None)  # of ``to_dict``
        if fields:
            raise TypeError(f"{type(self).__name__} takes no argument {sorted(fields)[0]!r}")
        place = {
            "resource_id": optional_text(resource_id, "resource_id"),
            "deployment_url": deployment_url,
            "storage_function": storage_function,
        }
        super().__init__(**place)
        self._place_arguments = place if backend is None else None
        self._connection = self._client_class(
            deployment_url,
            admin_auth_token,
            storage_function=storage_function,
            backend=backend,
            options=options,
        )

    __deepcopy__ = PickledByPlace.__deepcopy__

    @classmethod
    def from_params(
        cls,
        resource_id: str | None = None,
        deployment_url: str | None = None,
        admin_auth_token: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store; what the arguments leave out comes from the environment.

        Args:
            **kwargs: as of the constructor.
        """
        return cls(
            resource_id, deployment_url=deployment_url, admin_auth_token=admin_auth_token, **kwargs
        )
