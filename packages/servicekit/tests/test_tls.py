"""TLS between services, and health for those who speak none: certificates of a CA made here, real channels."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from grpc_health.v1 import health_pb2, health_pb2_grpc
from service import SERVICE, Counting, generate_request, register

from adwright.generator.v1 import generator_service_pb2_grpc as pb_grpc
from adwright_servicekit.channel import open_channel
from adwright_servicekit.server import Server
from adwright_servicekit.settings import ServerSettings, SettingsError
from adwright_servicekit.telemetry import Telemetry
from adwright_servicekit.testing import as_tenant, served

SERVING = health_pb2.HealthCheckResponse.SERVING


@dataclass(frozen=True)
class Authority:
    """A CA that writes certificates for 127.0.0.1 into `folder`."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def made(cls, folder: Path, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, name, key, authority=True)
        authority = cls(folder, name, key, certificate)
        authority.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return authority

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.crt"

    def pair(self, name: str) -> dict[str, str]:
        """The two variables of a service with a certificate of this CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        cert_file.write_bytes(
            _certificate(name, key, self.name, self.key, authority=False).public_bytes(serialization.Encoding.PEM)
        )
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return {"ADWRIGHT_TLS_CERT_FILE": str(cert_file), "ADWRIGHT_TLS_KEY_FILE": str(key_file)}


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority.made(tmp_path, "ours")


def _mutual(ours: Authority, name: str) -> dict[str, str]:
    return ours.pair(name) | {"ADWRIGHT_TLS_CLIENT_CA_FILE": str(ours.file)}


@asynccontextmanager
async def _server(**environ: str) -> AsyncIterator[Server]:
    settings = ServerSettings.load(environ)
    async with served(partial(register, Counting(count=3, pause=0)), [SERVICE], settings=settings) as server:
        yield server


async def _generate(target: str, **environ: str) -> list[Any]:
    tls = ServerSettings.load(environ)
    async with open_channel(target, Telemetry("test"), tls=tls) as channel:
        stub = pb_grpc.GeneratorServiceStub(channel)
        return [event async for event in stub.Generate(generate_request(), metadata=as_tenant(), timeout=5)]


async def _health(target: str) -> Any:
    async with grpc.aio.insecure_channel(target) as channel:
        request = health_pb2.HealthCheckRequest(service=SERVICE)
        return await health_pb2_grpc.HealthStub(channel).Check(request, timeout=5)


async def test_services_with_certificates_of_one_ca_stream_to_each_other(ours: Authority) -> None:
    async with _server(**_mutual(ours, "context")) as server:
        assert len(await _generate(server.address, **_mutual(ours, "gateway"))) == 3


async def test_whoever_shows_no_certificate_is_turned_away(ours: Authority) -> None:
    async with _server(**_mutual(ours, "context")) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _generate(server.address, ADWRIGHT_TLS_CA_FILE=str(ours.file))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_of_another_ca_is_turned_away(ours: Authority, tmp_path: Path) -> None:
    theirs = Authority.made(tmp_path, "theirs")
    async with _server(**_mutual(ours, "context")) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _generate(server.address, **theirs.pair("stranger"), ADWRIGHT_TLS_CA_FILE=str(ours.file))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_of_another_ca_is_not_believed(ours: Authority, tmp_path: Path) -> None:
    theirs = Authority.made(tmp_path, "theirs")
    async with _server(**theirs.pair("impostor")) as server:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _generate(server.address, **_mutual(ours, "gateway"))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_the_edge_asks_nobody_for_a_certificate_and_shows_its_own_inside(ours: Authority) -> None:
    edge = ours.pair("gateway") | {"ADWRIGHT_TLS_CA_FILE": str(ours.file)}
    async with _server(**edge) as server, _server(**_mutual(ours, "context")) as inside:
        assert len(await _generate(server.address, ADWRIGHT_TLS_CA_FILE=str(ours.file))) == 3
        assert len(await _generate(inside.address, **edge)) == 3


async def test_probes_hear_of_health_without_tls(ours: Authority) -> None:
    async with _server(**_mutual(ours, "context"), ADWRIGHT_HEALTH_LISTEN="127.0.0.1:0") as server:
        assert (await _health(server.health_address)).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError):
            await _health(server.address)


async def test_nothing_but_health_is_served_without_tls(ours: Authority) -> None:
    async with _server(**_mutual(ours, "context"), ADWRIGHT_HEALTH_LISTEN="127.0.0.1:0") as server:
        for method in (f"/{SERVICE}/Generate", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"):
            async with grpc.aio.insecure_channel(server.health_address) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await channel.unary_unary(method)(b"", metadata=as_tenant(), timeout=5)
                assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_probes_hear_that_a_server_drains() -> None:
    async with (
        _server(ADWRIGHT_HEALTH_LISTEN="127.0.0.1:0", ADWRIGHT_SHUTDOWN_DELAY="0.2") as server,
        grpc.aio.insecure_channel(server.health_address) as channel,
    ):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        stopping = asyncio.create_task(server.stop())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await stopping


async def test_without_the_variable_nothing_listens_beside_the_server() -> None:
    async with _server() as server:
        assert server.health_address == ""


async def test_an_address_for_probes_that_is_taken_is_named() -> None:
    async with _server() as server:
        with pytest.raises(SettingsError, match=r"^ADWRIGHT_HEALTH_LISTEN: cannot listen on 127\.0\.0\.1:"):
            async with _server(ADWRIGHT_HEALTH_LISTEN=server.address):
                pass
