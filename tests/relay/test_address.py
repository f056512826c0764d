"""How a server is named, and how this process proves who it is; secrets are shown nowhere."""

from __future__ import annotations

import datetime
import ipaddress
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.relay.conftest import order
from tests.relay.server import NatsServer

from sim2live import connect as connect_gate
from sim2live.clock import SystemClock
from sim2live.errors import ConfigError
from sim2live.settings import load, open_venue
from sim2live.venues.nats import Nats
from sim2live.venues.nats_address import NatsAddress
from sim2live.venues.outcome import Kind
from sim2live.venues.relay_words import token

SECRET = "s3cret-of-the-server"


@pytest.mark.parametrize(
    ("target", "text", "desk"),
    [
        ("nats://host", "nats://host:4222", "desk"),
        ("nats://host:4333/", "nats://host:4333", "desk"),
        ("tls://host/two", "tls://host:4222/two", "two"),
        ("nats://[::1]:1", "nats://[::1]:1", "desk"),
    ],
)
def test_a_target_names_server_and_desk(target: str, text: str, desk: str) -> None:
    address = NatsAddress(target)
    assert (address.text, address.desk) == (text, desk)


@pytest.mark.parametrize("target", ["http://host", "nats://", "nats://h:x", "nats://h?a=b", "h:1"])
def test_a_wrong_target_is_refused(target: str) -> None:
    with pytest.raises(ConfigError, match="target"):
        NatsAddress(target)


def test_a_secret_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="SIM2LIVE_NATS_TOKEN") as error:
        NatsAddress(f"nats://{SECRET}@host:4222")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("key", ["nats_token", "nats_nkey"])
def test_a_secret_in_the_file_is_refused(key: str, tmp_path: Path) -> None:
    file = tmp_path / "sim2live.toml"
    file.write_text(f'{key} = "{SECRET}"')
    with pytest.raises(ConfigError, match=f"SIM2LIVE_{key.upper()}"):
        load(file, environment={})


def test_a_token_opens_the_door_and_stands_in_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server = NatsServer(tmp_path / "nats", f'authorization {{ token: "{SECRET}" }}')
    try:
        outsider = Nats(server.target, token="wrong-token")
        refused = outsider.send(order("one"), timeout=30.0)
        assert refused.kind is Kind.NOT_SENT
        assert "uthorization" in refused.reason
        outsider.close()
        monkeypatch.setenv("SIM2LIVE_NATS_TOKEN", SECRET)
        venue = open_venue(server.target, token=None, clock=SystemClock(), settings=load())
        let_in = venue.send(order("one"), timeout=30.0)
        assert "no relay" in let_in.reason
        venue.close()
        shown = f"{venue!r} {NatsAddress(server.target, token=SECRET)!r} {let_in} {caplog.text}"
        assert SECRET not in shown
        assert "wrong-token" not in shown
    finally:
        server.stop()


def test_an_nkey_opens_the_door(tmp_path: Path) -> None:
    import nkeys

    seed = bytes(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)).decode()
    public = nkeys.from_seed(bytearray(seed.encode())).public_key.decode()
    server = NatsServer(tmp_path / "nats", f"authorization {{ users: [ {{ nkey: {public} }} ] }}")
    try:
        for key, let_in in ((seed, True), (None, False)):
            venue = Nats(server.target, nkey=key)
            assert ("no relay" in venue.send(order("one"), timeout=30.0).reason) is let_in
            venue.close()
    finally:
        server.stop()


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's server")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_tls_is_verified(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    server = NatsServer(
        tmp_path / "nats", f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}'
    )
    try:
        target = server.target.replace("nats://", "tls://")
        for ca, let_in in ((str(certificate), True), (None, False)):
            venue = Nats(target, ca=ca)
            outcome = venue.send(order("one"), timeout=30.0)
            assert outcome.kind is Kind.NOT_SENT
            assert ("no relay" in outcome.reason) is let_in, outcome
            venue.close()
    finally:
        server.stop()


def test_without_the_package_the_error_names_the_pip_line() -> None:
    code = (
        "import sys; sys.modules['nats'] = None\n"
        "import sim2live\n"
        "try: sim2live.connect('nats://127.0.0.1:1', workflow='w')\n"
        "except sim2live.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=200
    )
    assert "pip install 'sim2live[nats]'" in done.stdout


def test_a_real_relay_wants_a_workflow_by_name(
    desk: str, relay: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="workflow is missing"):
        connect_gate(desk, journal=tmp_path / "journal.sqlite3")


def test_names_that_no_subject_can_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="workflow_id"):
        token("workflow_id", "\ud800")
    with pytest.raises(ValueError, match="empty"):
        token("workflow_id", "")
