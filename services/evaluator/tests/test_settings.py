"""What the evaluator can be told by its environment."""

import pytest

from adwright_evaluator.settings import Settings
from adwright_servicekit.settings import SettingsError


def test_the_defaults_serve_on_loopback() -> None:
    settings = Settings.load({})
    assert (settings.listen, settings.workers) == ("127.0.0.1:50054", 2)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ADWRIGHT_EVALUATOR_LISTEN", "somewhere"),
        ("ADWRIGHT_EVALUATOR_WORKERS", "0"),
        ("ADWRIGHT_EVALUATOR_MAX_WAITING", "many"),
    ],
)
def test_a_wrong_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.load({variable: value})
