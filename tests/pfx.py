"""Certificates with their keys for tests, as PFX files."""

from __future__ import annotations

import datetime
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12


class Pfx:
    """A certificate and its key as a PFX, and its thumbprint."""

    def __init__(self, *, ended: bool = False, with_key: bool = True) -> None:
        ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=-1 if ended else 30)
        begins = ends - datetime.timedelta(days=90)
        leaf = trustme.CA().issue_cert("exo-bridge.contoso.example", not_before=begins, not_after=ends)
        self._certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
        self._key = leaf.private_key_pem.bytes() if with_key else None
        self.thumbprint = self._certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what a thumbprint is

    def content(self, password: str) -> bytes:
        """The file."""
        if self._key is None:
            return pkcs12.serialize_key_and_certificates(None, None, None, [self._certificate], _encryption(password))
        key: Any = serialization.load_pem_private_key(self._key, None)
        return pkcs12.serialize_key_and_certificates(b"exo", key, self._certificate, None, _encryption(password))


def _encryption(password: str) -> serialization.KeySerializationEncryption:
    if not password:
        return serialization.NoEncryption()
    return serialization.BestAvailableEncryption(password.encode())
