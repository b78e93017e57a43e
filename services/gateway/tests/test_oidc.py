"""Tokens of an identity provider: a real one over HTTP, with real keys."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adwright_gateway.oidc import OidcConfig, OidcVerifier, looks_like_a_token
from adwright_gateway.settings import Settings
from adwright_servicekit.errors import AdwrightError, Unauthenticated, Unavailable
from adwright_servicekit.settings import SettingsError


class Provider:
    """Signs tokens, and publishes the keys for it."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked = 0
        self.broken = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += self.path == "/keys"
                found = provider.document(self.path)
                self.send_response(500 if provider.broken else 200)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self, path: str) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        made = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": name, "use": "sig"}
            for name, key in self.keys.items()
        ]
        return {"keys": made}

    def rotate(self, name: str) -> None:
        self.keys = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def token(self, *, kid: str | None = None, key: Any = None, algorithm: str = "RS256", **claims: Any) -> str:
        name, own = next(iter(self.keys.items()))
        said = {
            "iss": self.issuer,
            "aud": "adwright",
            "sub": "ida@example.com",
            "exp": time.time() + 60,
            "tenant": "acme",
            "scope": "openid generate adwright:read",
        } | claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, key or own, algorithm=algorithm, headers={"kid": kid or name})


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    provider.rotate("first")
    yield provider
    provider.server.shutdown()
    provider.server.server_close()


def verifier(provider: Provider, **settings: Any) -> OidcVerifier:
    return OidcVerifier(OidcConfig(provider.issuer, "adwright", **settings))


async def test_a_token_names_tenant_and_scopes_and_hides_its_subject(provider: Provider) -> None:
    identity = await verifier(provider).verify(provider.token())
    assert (identity.tenant, identity.scopes) == ("acme", {"generate", "read"})
    assert identity.key.startswith("users/")
    assert "ida" not in identity.key


async def test_claims_have_the_names_that_were_set(provider: Provider) -> None:
    token = provider.token(tenant=None, org="other", roles=["adwright:write", "cook"])
    identity = await verifier(provider, tenant_claim="org", scope_claim="roles").verify(token)
    assert (identity.tenant, identity.scopes) == ("other", {"write"})


@pytest.mark.parametrize(
    ("claims", "reason", "said"),
    [
        ({"exp": time.time() - 3600}, "TOKEN_EXPIRED", "expired"),
        ({"exp": None}, "TOKEN_INVALID", "'exp'"),
        ({"aud": "somebody-else"}, "TOKEN_INVALID", "audience"),
        ({"iss": "https://evil.example"}, "TOKEN_INVALID", "not from"),
        ({"sub": None}, "TOKEN_INVALID", "'sub'"),
        ({"tenant": None}, "TOKEN_INVALID", "'tenant'"),
        ({"tenant": 7}, "TOKEN_INVALID", "'tenant'"),
        ({"nbf": time.time() + 3600}, "TOKEN_INVALID", "signature"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said(
    provider: Provider, claims: dict[str, Any], reason: str, said: str
) -> None:
    with pytest.raises(Unauthenticated, match=said) as caught:
        await verifier(provider).verify(provider.token(**claims))
    assert caught.value.reason == reason


async def test_signatures_of_others_open_nothing(provider: Provider) -> None:
    tokens = verifier(provider)
    forged = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    unsigned = jwt.encode({"sub": "x"}, "", algorithm="none", headers={"kid": "first"})
    public = provider.keys["first"].public_key().public_numbers().n.to_bytes(256, "big")
    for token in (
        provider.token(key=forged),
        provider.token(key=public, algorithm="HS256"),
        unsigned,
        "a.b.c",
        provider.token()[:-4] + "AAAA",
    ):
        with pytest.raises(Unauthenticated):
            await tokens.verify(token)


async def test_new_keys_are_found_and_unknown_ones_do_not_make_it_ask_for_ever(provider: Provider) -> None:
    now = 1000.0
    tokens = OidcVerifier(OidcConfig(provider.issuer, "adwright"), clock=lambda: now)
    await tokens.verify(provider.token())
    await tokens.verify(provider.token())
    assert provider.asked == 1
    for _ in range(20):
        with pytest.raises(Unauthenticated, match="does not know the key"):
            await tokens.verify(provider.token(kid="nobodys"))
    assert provider.asked == 1
    provider.rotate("second")
    now += 11
    await tokens.verify(provider.token())
    assert provider.asked == 2


async def test_a_provider_that_is_away_is_not_the_callers_fault(provider: Provider) -> None:
    tokens = verifier(provider)
    provider.broken = True
    with pytest.raises(Unavailable) as caught:
        await tokens.verify(provider.token())
    assert caught.value.reason == "IDENTITY_PROVIDER_UNAVAILABLE"
    provider.broken = False
    await tokens.verify(provider.token())


def test_keys_are_no_tokens(provider: Provider) -> None:
    assert looks_like_a_token(provider.token())
    assert not looks_like_a_token("adw_9cr9-s8eRwpSysNPx7Jzzk5rh9brVCp2")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"ADWRIGHT_GATEWAY_OIDC_ISSUER": "https://id.example"}, "OIDC_AUDIENCE is required"),
        ({"ADWRIGHT_GATEWAY_OIDC_ISSUER": "http://id.example"}, "https://"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.load(environ)


async def test_the_gateways_door_takes_both(provider: Provider, tmp_path: Any) -> None:
    from adwright_gateway.doorkeeper import Doorkeeper
    from adwright_gateway.keys import KeyStore
    from adwright_resources.stores import utc_now

    settings = Settings.load({"ADWRIGHT_GATEWAY_SQLITE_PATH": str(tmp_path / "gateway.db")})
    async with await settings.place.open() as store:
        keys = KeyStore(store, utc_now)
        door = Doorkeeper(keys, utc_now, verifier(provider))
        _, secret = await keys.create("demo", ["read"])
        method = "adwright.context.v1.ContextService/GetBrand"
        assert (await door.identify(method, [("authorization", f"Bearer {secret}")])).tenant == "demo"
        assert (await door.identify(method, [("authorization", f"Bearer {provider.token()}")])).tenant == "acme"
        with pytest.raises(AdwrightError, match="this token has no scope 'write'"):
            await door.identify(
                "adwright.context.v1.ContextService/CreateBrand", [("authorization", f"Bearer {provider.token()}")]
            )
