"""LangGraph's checkpoints on Convex: ``ConvexSaver`` and the rooms behind it.

``saver`` is the class, ``base`` what it is built on, ``client`` its flows for both faces. ``putting``
and ``pending`` write; ``journal``, ``reading``, ``pending_reads``, ``history`` and ``delta`` read, by
``recalling`` what is ``newest`` in one request;
``removal``, ``pruning`` and ``copying`` do what the names say. ``layout`` says where everything lies.
"""

from langchain_convex_mastra.checkpoints.saver import ConvexSaver

__all__ = ["ConvexSaver"]
