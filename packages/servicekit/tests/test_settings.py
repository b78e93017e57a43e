"""Settings come from the environ that is passed, and a wrong one is one line."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from adwright_servicekit.settings import Address, ServerSettings, SettingsError, Target, env


class Example(ServerSettings):
    listen: Address = env("EXAMPLE_LISTEN", "127.0.0.1:50051")
    target: Target = env("EXAMPLE_TARGET", "dns:///context:50052")
    key: SecretStr | None = env("EXAMPLE_KEY", None)
    count: int = env("EXAMPLE_COUNT", 3, ge=1)


def test_defaults_hold_where_nothing_is_set() -> None:
    settings = Example.load({})
    assert (settings.listen, settings.count, settings.key) == ("127.0.0.1:50051", 3, None)


def test_a_secret_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("adw_secret\n")
    settings = Example.load({"EXAMPLE_KEY_FILE": str(tmp_path / "key")})
    assert settings.key is not None
    assert settings.key.get_secret_value() == "adw_secret"
    assert "adw_secret" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"EXAMPLE_LISTEN": "50051"}, "EXAMPLE_LISTEN: expected HOST:PORT"),
        ({"EXAMPLE_LISTEN": "localhost:99999"}, "EXAMPLE_LISTEN: expected HOST:PORT"),
        ({"EXAMPLE_COUNT": "many"}, "EXAMPLE_COUNT: "),
        ({"EXAMPLE_COUNT": "0"}, "EXAMPLE_COUNT: "),
        ({"EXAMPLE_TARGET": "a b"}, "EXAMPLE_TARGET: expected a gRPC target"),
        ({"EXAMPLE_KEY_FILE": "/nowhere/at/all"}, "EXAMPLE_KEY_FILE: cannot read /nowhere/at/all"),
        ({"ADWRIGHT_LOG_LEVEL": "LOUD"}, "ADWRIGHT_LOG_LEVEL: "),
        ({"ADWRIGHT_TLS_KEY_FILE": "/nowhere.pem"}, "ADWRIGHT_TLS_KEY_FILE: cannot read /nowhere.pem"),
        ({"ADWRIGHT_TLS_CERT_FILE": __file__}, "ADWRIGHT_TLS_CERT_FILE and ADWRIGHT_TLS_KEY_FILE come together"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(environ: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Example.load(environ)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
