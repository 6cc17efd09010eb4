"""Made by tools/make_results.py from verify.schema.json: change that, not this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ._record import Record
from .sign import Signer

__all__ = ["VerifiedSignature", "VerifyArrays", "VerifyDifference", "VerifyFailure", "VerifyFile", "VerifyFileSource",
    "VerifyOutput", "VerifyReceipt", "VerifyReceiptDifferent", "VerifyReport"]


@dataclass(frozen=True, kw_only=True)
class VerifyFailure(Record):
    """An array that is not as it should be, or the one after padding that is not zero."""

    file: str
    name: str
    reason: str

    @classmethod
    def from_json(cls, value: Any) -> VerifyFailure:
        return cls(
            raw=value, file=value["file"], name=value["name"], reason=value["reason"])


@dataclass(frozen=True, kw_only=True)
class VerifyArrays(Record):
    """Part of what `ingot verify --json` prints.

    Attributes:
        checked: Arrays whose digests were computed.
    """

    checked: int
    failed: tuple[VerifyFailure, ...]

    @classmethod
    def from_json(cls, value: Any) -> VerifyArrays:
        return cls(
            raw=value, checked=value["checked"],
            failed=tuple(VerifyFailure.from_json(item) for item in value["failed"]))


@dataclass(frozen=True, kw_only=True)
class VerifyOutput(Record):
    """An output of the nets beside a reference's, over all images or questions. Numbers are null when the two can't
    be compared.

    Attributes:
        cases: Images or questions.
        max_error: Largest difference, divided by the reference's largest magnitude; of token ids 1 where any differ.
        mean_error: Mean difference, divided likewise; of token ids the share of cases that differ.
        cosine: The least; null for token ids.
        tolerance: Most that maxError may be.
        reason: Why the two can't be compared.
    """

    name: str
    cases: int
    max_error: float | None
    mean_error: float | None
    cosine: float | None
    tolerance: float
    passed: bool
    reason: str | None

    @classmethod
    def from_json(cls, value: Any) -> VerifyOutput:
        return cls(
            raw=value, name=value["name"], cases=value["cases"], max_error=value["maxError"],
            mean_error=value["meanError"], cosine=value["cosine"], tolerance=value["tolerance"],
            passed=value["passed"], reason=value.get("reason"))


@dataclass(frozen=True, kw_only=True)
class VerifyFileSource(Record):
    """The checkpoint that the arrays were compared with; left out when there was none."""

    path: str
    arrays: int
    different: int

    @classmethod
    def from_json(cls, value: Any) -> VerifyFileSource:
        return cls(
            raw=value, path=value["path"], arrays=value["arrays"], different=value["different"])


@dataclass(frozen=True, kw_only=True)
class VerifyFile(Record):
    """Part of what `ingot verify --json` prints.

    Attributes:
        file: Path of the net file.
        source: The checkpoint that the arrays were compared with; left out when there was none.
        not_compared: Why no checkpoint can be compared with this net, where one is given.
    """

    file: str
    verified: bool
    arrays: int
    source: VerifyFileSource | None
    not_compared: str | None

    @classmethod
    def from_json(cls, value: Any) -> VerifyFile:
        return cls(
            raw=value, file=value["file"], verified=value["verified"], arrays=value["arrays"],
            source=None if value.get("source") is None else VerifyFileSource.from_json(value.get("source")),
            not_compared=value.get("notCompared"))


@dataclass(frozen=True, kw_only=True)
class VerifyReceiptDifferent(Record):
    """Part of what `ingot verify --json` prints."""

    image: str | None
    text: str | None
    reason: str

    @classmethod
    def from_json(cls, value: Any) -> VerifyReceiptDifferent:
        return cls(
            raw=value, image=value.get("image"), text=value.get("text"), reason=value["reason"])


@dataclass(frozen=True, kw_only=True)
class VerifyReceipt(Record):
    """Results of a receipt that were computed again; left out where there was none.

    Attributes:
        arithmetic: The version of docs/ARITHMETIC.md.
        scores_sha256: The receipt's, of all results.
        different: Results that are other than the receipt says.
    """

    task: Literal["ask", "caption", "match", "classify", "embed"]
    arithmetic: int
    results: int
    scores_sha256: str
    different: tuple[VerifyReceiptDifferent, ...]

    @classmethod
    def from_json(cls, value: Any) -> VerifyReceipt:
        return cls(
            raw=value, task=value["task"], arithmetic=value["arithmetic"], results=value["results"],
            scores_sha256=value["scoresSHA256"],
            different=tuple(VerifyReceiptDifferent.from_json(item) for item in value["different"]))


@dataclass(frozen=True, kw_only=True)
class VerifyDifference(Record):
    """A file that isn't what was signed.

    Attributes:
        name: Its path from the folder; . where a file is signed for itself.
    """

    name: str
    kind: Literal["changed", "missing", "unsigned"]
    reason: str

    @classmethod
    def from_json(cls, value: Any) -> VerifyDifference:
        return cls(
            raw=value, name=value["name"], kind=value["kind"], reason=value["reason"])


@dataclass(frozen=True, kw_only=True)
class VerifiedSignature(Record):
    """A signature that is right, and how what is there differs from what was signed.

    Attributes:
        path: The folder or file that was signed.
        signature: The signature's file.
        verified: Whether all files are as they were signed.
        files: How many were signed.
        bytes: Of the files that were read.
        root_sha256: SHA-256 of the signed files' digests, one after the other.
        ignored: Paths that the signature leaves out, with all below them.
        left_out: Paths that whoever verified left out besides.
    """

    path: str
    signature: str
    verified: bool
    signer: Signer
    files: int
    bytes: int
    root_sha256: str
    ignored: tuple[str, ...]
    left_out: tuple[str, ...]
    differences: tuple[VerifyDifference, ...]

    @classmethod
    def from_json(cls, value: Any) -> VerifiedSignature:
        return cls(
            raw=value, path=value["path"], signature=value["signature"], verified=value["verified"],
            signer=Signer.from_json(value["signer"]), files=value["files"], bytes=value["bytes"],
            root_sha256=value["rootSha256"], ignored=tuple(value["ignored"]), left_out=tuple(value["leftOut"]),
            differences=tuple(VerifyDifference.from_json(item) for item in value["differences"]))


@dataclass(frozen=True, kw_only=True)
class VerifyReport(Record):
    """What ingot verify --json prints

    Attributes:
        verified: Whether all that was checked is right.
        outputs: Outputs compared with reference outputs.
        files: Net files; empty where only signatures of other files were verified.
        receipt: Results of a receipt that were computed again; left out where there was none.
        signatures: Signatures that were verified; left out where none were to be.
    """

    verified: bool
    arrays: VerifyArrays
    outputs: tuple[VerifyOutput, ...]
    files: tuple[VerifyFile, ...]
    receipt: VerifyReceipt | None
    signatures: tuple[VerifiedSignature, ...] | None

    @classmethod
    def from_json(cls, value: Any) -> VerifyReport:
        return cls(
            raw=value, verified=value["verified"], arrays=VerifyArrays.from_json(value["arrays"]),
            outputs=tuple(VerifyOutput.from_json(item) for item in value["outputs"]),
            files=tuple(VerifyFile.from_json(item) for item in value["files"]),
            receipt=None if value.get("receipt") is None else VerifyReceipt.from_json(value.get("receipt")),
            signatures=None if value.get("signatures") is None else tuple(VerifiedSignature.from_json(item) for item
                in value.get("signatures")))
