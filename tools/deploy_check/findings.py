"""What a check has to say: one line that names the object, the field, what is wrong and the remedy."""

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`where` is `Kind/name` or a path; `check` is the name of the policy or tool that found it."""

    where: str
    field: str
    problem: str
    remedy: str
    check: str = ""

    def line(self) -> str:
        """Everything, without the combination."""
        return f"{self.where} {self.field}: {self.problem}; {self.remedy} [{self.check}]"
