"""`python -m adwright_servicekit.probe HOST:PORT [SERVICE]`: asks a server without TLS whether it is SERVING.

For what can run a command but speaks no gRPC, such as Compose. Kubernetes asks by itself. Exit codes: 0 SERVING,
1 anything else, 2 a wrong command line.
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

__all__ = ["main"]

_PATIENCE_SECONDS = 3.0


def main(arguments: list[str]) -> int:
    """Returns the exit code; without `SERVICE` it is asked about the whole server."""
    if len(arguments) not in (1, 2):
        print("usage: python -m adwright_servicekit.probe HOST:PORT [SERVICE]", file=sys.stderr)
        return 2
    target, *service = arguments
    request = health_pb2.HealthCheckRequest(service=service[0] if service else "")
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_PATIENCE_SECONDS)
        except grpc.RpcError as error:
            print(f"{target}: {error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    print(status)
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
