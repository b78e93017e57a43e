"""Where the gateway is and who is calling, from the environment."""

from adwright_servicekit.settings import Target, TlsSettings, env

__all__ = ["ClientSettings"]


class ClientSettings(TlsSettings):
    """What the `adwright` command reads; `X_FILE` may stand for `X`, as secrets are mounted.

    TLS is on when `ADWRIGHT_TLS_CA_FILE` (or `ADWRIGHT_TLS_CLIENT_CA_FILE`) names the authorities that the gateway's
    certificate is held against; certificate and key are sent where the gateway asks for them.
    """

    target: Target = env("ADWRIGHT_GATEWAY_TARGET", "127.0.0.1:50051")
    api_key: str = env("ADWRIGHT_API_KEY", "", repr=False)
