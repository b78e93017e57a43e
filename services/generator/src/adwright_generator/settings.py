"""What the generator can be told by its environment."""

from pathlib import Path

from adwright_servicekit.settings import Address, ServerSettings, env

__all__ = ["Settings"]


class Settings(ServerSettings):
    """The generator's settings."""

    listen: Address = env("ADWRIGHT_GENERATOR_LISTEN", "127.0.0.1:50053")
    config: Path | None = env("ADWRIGHT_GENERATOR_CONFIG", None)
    """YAML with backends and routing; without it there is the one embedded backend."""
    embedded_model: Path | None = env("ADWRIGHT_EMBEDDED_MODEL", None)
    """A GGUF file for embedded backends that name none; without it the packaged SmolLM2."""
