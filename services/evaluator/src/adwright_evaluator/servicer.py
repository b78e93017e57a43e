"""EvaluatorService as a whole."""

from adwright_evaluator.evaluation import Evaluator
from adwright_evaluator.evaluation_servicer import EvaluationServicer
from adwright_evaluator.exports import Exports
from adwright_evaluator.label_servicer import LabelServicer
from adwright_evaluator.labels import Labels
from adwright_evaluator.runs.evaluations import Evaluations
from adwright_evaluator.runs.hearing import Hearing
from adwright_evaluator.runs.keeper import Keeper
from adwright_evaluator.runs.session import Sessions
from adwright_evaluator.suite_servicer import SuiteServicer
from adwright_evaluator.suite_store import SuiteStore
from adwright_evaluator.text_servicer import TextServicer

__all__ = ["EvaluatorServicer"]


class EvaluatorServicer(TextServicer, EvaluationServicer, SuiteServicer, LabelServicer):
    """All methods, each in one of the parts."""

    def __init__(
        self,
        evaluator: Evaluator,
        evaluations: Evaluations,
        suites: SuiteStore,
        labels: Labels,
        sessions: Sessions,
        keeper: Keeper,
    ) -> None:
        TextServicer.__init__(self, evaluator, sessions.formats)
        EvaluationServicer.__init__(self, evaluations, suites, sessions, keeper, Exports(evaluations, labels))
        SuiteServicer.__init__(self, suites)
        LabelServicer.__init__(self, evaluations, labels, Hearing(evaluations, sessions, labels))
