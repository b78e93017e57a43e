"""What answers prompts, one file each."""

from .base import Provider, Question
from .registry import Providers

__all__ = ["Provider", "Providers", "Question"]
