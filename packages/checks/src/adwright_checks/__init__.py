"""What makes an ad valid: formats as data, and the checks that hold an ad against them.

The generator chooses and repairs its tries with these checks and the evaluator scores with them, so
that both mean the same by "valid".
"""

from adwright_checks.checks import default_checks
from adwright_checks.formats import Format, FormatError, FormatField, Output, load_formats
from adwright_checks.lengths import Counting, text_length
from adwright_checks.model import (
    AdText,
    BrandRules,
    Check,
    Finding,
    Outcome,
    Price,
    ProductFacts,
    Spec,
    Subject,
)
from adwright_checks.quantities import allowed_numbers
from adwright_checks.running import failing_paths, is_valid, run_checks
from adwright_checks.schema import json_schema, max_code_points

__all__ = [
    "AdText",
    "BrandRules",
    "Check",
    "Counting",
    "Finding",
    "Format",
    "FormatError",
    "FormatField",
    "Outcome",
    "Output",
    "Price",
    "ProductFacts",
    "Spec",
    "Subject",
    "allowed_numbers",
    "default_checks",
    "failing_paths",
    "is_valid",
    "json_schema",
    "load_formats",
    "max_code_points",
    "run_checks",
    "text_length",
]
