"""The composition root: everything is built here, by constructor."""

from adwright.evaluator.v1 import evaluator_service_pb2, evaluator_service_pb2_grpc
from adwright_checks import load_formats
from adwright_evaluator.evaluation import Evaluator
from adwright_evaluator.pool import ScoringPool
from adwright_evaluator.scorers import all_scorers
from adwright_evaluator.servicer import EvaluatorServicer
from adwright_evaluator.settings import Settings
from adwright_servicekit.server import Server
from adwright_servicekit.telemetry import Telemetry

__all__ = ["SERVICE", "build_servicer", "serve"]

SERVICE = evaluator_service_pb2.DESCRIPTOR.services_by_name["EvaluatorService"].full_name


def build_servicer(pool: ScoringPool) -> EvaluatorServicer:
    """The servicer with every scorer and every format, scoring in `pool`."""
    return EvaluatorServicer(Evaluator(all_scorers(), pool), load_formats())


async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Serves until a signal, then drains. Raises SettingsError when the address cannot be had."""
    with ScoringPool(settings.workers, settings.max_waiting) as pool:
        server = Server(settings.listen, [SERVICE], settings, telemetry)
        servicer = build_servicer(pool)
        evaluator_service_pb2_grpc.add_EvaluatorServiceServicer_to_server(servicer, server.grpc)
        await server.start()
        await server.serve_until_signal()
