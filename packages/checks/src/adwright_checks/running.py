"""Running checks, and reading what they found."""

import logging
from collections.abc import Iterable, Sequence

from adwright_checks.model import Check, Finding, Outcome, Subject

__all__ = ["failing_paths", "is_valid", "run_checks"]

_log = logging.getLogger(__name__)


def run_checks(checks: Iterable[Check], subject: Subject) -> list[Finding]:
    """What all `checks` say of `subject`, in their order. A check that raises becomes one ERROR
    finding.
    """
    findings: list[Finding] = []
    for check in checks:
        try:
            findings.extend(check(subject))
        except Exception as error:
            # The ad's text may be confidential, and an exception's message may quote it: log the
            # type alone.
            _log.error("check %s broke on %s: %s", check.name, subject.format.name, type(error).__name__)
            findings.append(
                Finding(
                    check=check.name,
                    path="",
                    outcome=Outcome.ERROR,
                    message=f"The check {check.name} broke ({type(error).__name__}): nothing is known of it.",
                    required=check.required,
                )
            )
    return findings


def is_valid(findings: Iterable[Finding]) -> bool:
    """True when no required check failed and none broke. A broken check proves nothing, so it is
    not a pass.
    """
    return not any(item.required and item.outcome in (Outcome.FAILED, Outcome.ERROR) for item in findings)


def failing_paths(findings: Sequence[Finding]) -> list[str]:
    """Paths that must be rewritten before the ad is valid, in the order found, without repetition.

    Findings about the whole ad have no path and are not among them.
    """
    return list(
        dict.fromkeys(item.path for item in findings if item.required and item.outcome is Outcome.FAILED and item.path)
    )
