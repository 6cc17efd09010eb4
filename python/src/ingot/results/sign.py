"""Made by tools/make_results.py from sign.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._record import Record

__all__ = ["SignReport", "Signature", "Signer"]


@dataclass(frozen=True, kw_only=True)
class Signer(Record):
    """Whose key signed: a key's curve and SHA-256, or a certificate's names and SHA-256.

    Attributes:
        curve: P-256, P-384 or P-521.
        key_sha256: SHA-256 of the public key as PEM text.
        subject: Whom the certificate is of, as in RFC 2253.
        issuer: Who issued it.
        certificate_sha256: SHA-256 of the certificate's bytes.
    """

    curve: str | None
    key_sha256: str | None
    subject: str | None
    issuer: str | None
    certificate_sha256: str | None

    @classmethod
    def from_json(cls, value: Any) -> Signer:
        return cls(
            raw=value, curve=value.get("curve"), key_sha256=value.get("keySha256"), subject=value.get("subject"),
            issuer=value.get("issuer"), certificate_sha256=value.get("certificateSha256"))


@dataclass(frozen=True, kw_only=True)
class Signature(Record):
    """A signature that was written.

    Attributes:
        path: The folder or file that is signed.
        signature: The signature's file.
        files: How many are signed.
        bytes: Of all of them.
        root_sha256: SHA-256 of all files' digests, one after the other.
        ignored: Paths from the folder that are not signed, with all that is below them.
    """

    path: str
    signature: str
    files: int
    bytes: int
    root_sha256: str
    ignored: tuple[str, ...]
    signer: Signer

    @classmethod
    def from_json(cls, value: Any) -> Signature:
        return cls(
            raw=value, path=value["path"], signature=value["signature"], files=value["files"], bytes=value["bytes"],
            root_sha256=value["rootSha256"], ignored=tuple(value["ignored"]),
            signer=Signer.from_json(value["signer"]))


@dataclass(frozen=True, kw_only=True)
class SignReport(Record):
    """What ingot sign --json prints"""

    signatures: tuple[Signature, ...]

    @classmethod
    def from_json(cls, value: Any) -> SignReport:
        return cls(
            raw=value, signatures=tuple(Signature.from_json(item) for item in value["signatures"]))
