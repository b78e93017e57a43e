"""gRPC types that are generic to the type checker and not to the interpreter, spelled once."""

from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

__all__ = ["Context", "Handler"]

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Context = grpc.aio.ServicerContext
    Handler = grpc.RpcMethodHandler
