"""What requests use and cost, added up while they run: also when they fail or are cancelled."""

from dataclasses import dataclass

__all__ = ["Account"]


@dataclass(slots=True)
class Account:
    """Tokens, calls and money, over any number of requests."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    """True once a backend gave no counts and they had to be estimated."""
    model_calls: int = 0
    """Calls to models, those that were refused or failed included."""
    cost_usd: float = 0.0

    def add(self, other: "Account") -> None:
        """Adds what another account holds."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.estimated = self.estimated or other.estimated
        self.model_calls += other.model_calls
        self.cost_usd += other.cost_usd
