"""The methods that the gateway serves, whatever a call comes in by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from adwright_servicekit.rpc_types import Handler

__all__ = ["Methods", "full_name"]


def full_name(method: MethodDescriptor) -> str:
    """`package.Service/Method`."""
    return f"{method.containing_service.full_name}/{method.name}"


class Methods:
    """Services with a handler for each of their methods."""

    def __init__(self) -> None:
        self._services: dict[ServiceDescriptor, Mapping[str, Handler]] = {}

    def add(self, service: ServiceDescriptor, handlers: Mapping[str, Handler]) -> None:
        """`handlers` are by method name, all of the service's."""
        assert set(handlers) == {method.name for method in service.methods}, service.full_name
        self._services[service] = handlers

    def add_servicer(self, service: ServiceDescriptor, register: Callable[[Any], None]) -> None:
        """A service of generated code: `register` is `partial(add_XServicer_to_server, servicer)`."""
        collector = _Collector()
        register(collector)
        self.add(service, collector.handlers)

    @property
    def services(self) -> Iterable[ServiceDescriptor]:
        """In the order in which they were added."""
        return self._services.keys()

    def handler(self, method: MethodDescriptor) -> Handler:
        """The handler of a method of one of the services."""
        return self._services[method.containing_service][method.name]

    def serve_on(self, server: grpc.aio.Server) -> None:
        """Has a gRPC server answer them."""
        server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(service.full_name, dict(handlers))
                for service, handlers in self._services.items()
            ]
        )


class _Collector:
    """A server as far as generated code needs one."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, handlers: Iterable[Any]) -> None:
        """The same handlers in another form."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        self.handlers.update(handlers)
