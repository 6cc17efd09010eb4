"""Commands that report: each runs the program with ``--json`` and gives what it printed as a record.

What all of them take:

- ``parameters``: the net's, as ``{"Release": "demo"}``; ``family``, ``shelf``: as the program's ``--family`` and
  ``--shelf``.
- ``limits``: what may be read of files, as ``{"arrays": 10}``; ``ingot limits`` lists them.
- ``program``: the program's path (see ``find_program``); ``timeout``: seconds that it may take.
- further keywords are options of the command: ``allow_unused=True`` is ``--allow-unused``.

All raise ``IngotError``; which class of it, says the program's exit status. What the program notes on standard error
goes to the logger ``ingot``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._program import flags, report, settings
from .results import (
    ConvertReport, DiffReport, InspectReport, ListReport, PullReport, QuantizeReport, ScanReport, SignReport,
    VerifyReport, made)

__all__ = ["convert", "diff", "inspect", "list_nets", "pull", "quantize", "scan", "sign", "verify"]

Path = str | os.PathLike[str]
Parameters = Mapping[str, str | bool | int]


def _run(
    command: str, inputs: Sequence[Path], parameters: Parameters | None, family: str | None, shelf: Path | None,
    limits: Mapping[str, int] | None, program: Path | None, timeout: float | None, options: Mapping[str, Any],
    answers: tuple[int, ...] = (0,),
) -> Any:
    given = flags(
        set=settings(parameters), family=family, shelf=shelf, allow=settings(limits), **options)
    return report(
        command, given, [os.fspath(item) for item in inputs], program=program, timeout=timeout, answers=answers)


def inspect(
    what: Path | None = None, *, statistics: bool = False, check: bool = False, layers: bool = False,
    parameters: Parameters | None = None, family: str | None = None, shelf: Path | None = None,
    limits: Mapping[str, int] | None = None, program: Path | None = None, timeout: float | None = None, **options: Any,
) -> InspectReport:
    """What is in a net file, a checkpoint, or, without either, the net that parameters name.

    Args:
        what: path of a net file, a weights file or a folder.
        statistics: measure every array's values.
        check: look for NaN, infinities and zeros.
        layers: tell the layers in the order in which they run.
    """
    options |= {"statistics": statistics, "check": check, "layers": layers}
    inputs = [] if what is None else [what]
    return made(InspectReport, _run(
        "inspect", inputs, parameters, family, shelf, limits, program, timeout, options, answers=(0, 1)))


def convert(
    checkpoint: Path, *, precision: str | None = None, compress: bool = False, force: bool = False,
    parameters: Parameters | None = None, family: str | None = None, shelf: Path | None = None,
    limits: Mapping[str, int] | None = None, program: Path | None = None, timeout: float | None = None, **options: Any,
) -> ConvertReport:
    """Casts a checkpoint into net files on the shelf.

    Args:
        checkpoint: a weights file, or the folder that holds it and its configuration.
        precision: as which element type; None: as the checkpoint has it.
        compress: the arrays.
        force: replace nets on the shelf that came from another checkpoint.
    """
    options |= {"precision": precision, "compress": compress, "force": force}
    return made(ConvertReport, _run(
        "convert", [checkpoint], parameters, family, shelf, limits, program, timeout, options))


def quantize(
    *nets: Path, precision: str | None = None, force: bool = False, parameters: Parameters | None = None,
    family: str | None = None, shelf: Path | None = None, limits: Mapping[str, int] | None = None,
    program: Path | None = None, timeout: float | None = None, **options: Any,
) -> QuantizeReport:
    """Makes int8 nets of float ones, or of another precision.

    Args:
        nets: net files; without any, those that parameters name.
        precision: ``int8``, ``float16`` or ``bfloat16``.
        force: replace nets on the shelf that came from others.
    """
    options |= {"precision": precision, "force": force}
    return made(QuantizeReport, _run(
        "quantize", nets, parameters, family, shelf, limits, program, timeout, options, answers=(0, 1)))


def sign(
    *paths: Path, key: Path, certificate: Path | None = None, certificate_chain: Sequence[Path] = (),
    signature: Path | None = None, ignore: Sequence[str] = (), allow_symlinks: bool = False,
    parameters: Parameters | None = None, family: str | None = None, shelf: Path | None = None,
    limits: Mapping[str, int] | None = None, program: Path | None = None, timeout: float | None = None, **options: Any,
) -> SignReport:
    """Signs folders, files or the nets that parameters name, as OpenSSF model signing does.

    Args:
        paths: folders and files; each gets a signature of its own.
        key: the private key, of the curve P-256, P-384 or P-521, in PEM.
        certificate: the key's certificate, in PEM; ``certificate_chain``: those that lead from it to the root.
        signature: where the signature is written; None: ``model.sig`` in a folder, ``NAME.sig`` beside a file.
        ignore: paths in the folder that are left out.
        allow_symlinks: follow symbolic links to files.
    """
    options |= {"key": key, "certificate": certificate, "certificate_chain": list(certificate_chain),
                "signature": signature, "ignore": list(ignore), "allow_symlinks": allow_symlinks}
    return made(SignReport, _run("sign", paths, parameters, family, shelf, limits, program, timeout, options))


def verify(
    *nets: Path, source: Path | None = None, reference: Path | None = None, key: Path | None = None,
    certificate_chain: Sequence[Path] = (), signature: Path | None = None, parameters: Parameters | None = None,
    family: str | None = None, shelf: Path | None = None, limits: Mapping[str, int] | None = None,
    program: Path | None = None, timeout: float | None = None, **options: Any,
) -> VerifyReport:
    """Checks every checksum of net files, and what else is asked for; that something differs is no error: see
    ``verified``.

    Args:
        nets: net files; without any, those that parameters name.
        source: a checkpoint that every array is compared with.
        reference: a file with what other software computed.
        key: the public key of whom signed: then signatures are verified too, of other folders and files as well;
            ``certificate_chain``: the certificates that are trusted, where a certificate's key signed.
        signature: the signature's file; None: ``model.sig`` in a folder, ``NAME.sig`` beside a file.
    """
    options |= {"source": source, "reference": reference, "key": key, "certificate_chain": list(certificate_chain),
                "signature": signature}
    return made(VerifyReport, _run(
        "verify", nets, parameters, family, shelf, limits, program, timeout, options, answers=(0, 1)))


def diff(
    a: Path, b: Path, *, limits: Mapping[str, int] | None = None, program: Path | None = None,
    timeout: float | None = None, **options: Any,
) -> DiffReport:
    """What differs between two nets or checkpoints, whatever their layouts; that something does is no error.

    Args:
        a: a net file or checkpoint.
        b: another one.
    """
    return made(DiffReport, _run("diff", [a, b], None, None, None, limits, program, timeout, options, answers=(0, 1)))


def scan(
    *paths: Path, limits: Mapping[str, int] | None = None, program: Path | None = None, timeout: float | None = None,
    **options: Any,
) -> ScanReport:
    """What loading files elsewhere would run; what is found is no error: see ``verdict``.

    Args:
        paths: files and folders.
    """
    return made(ScanReport, _run(
        "scan", paths, None, None, None, limits, program, timeout, options, answers=(0, 1, 65)))


def pull(
    address: str | None = None, *, revision: str | None = None, include: Sequence[str] = (), dry_run: bool = False,
    parameters: Parameters | None = None, family: str | None = None, program: Path | None = None,
    timeout: float | None = None, **options: Any,
) -> PullReport:
    """Fetches a net's files into the cache that the hub's clients share; ``place`` is where they are then.

    Args:
        address: ``hf://ORG/NAME``; None: of the published net that parameters name.
        revision: a branch, tag or commit; None: as the address says, or main.
        include: patterns of the files that are wanted; none: what a net needs.
        dry_run: only tell what would be fetched.
    """
    options |= {"revision": revision, "include": list(include), "dry_run": dry_run}
    inputs = [] if address is None else [address]
    return made(PullReport, _run("pull", inputs, parameters, family, None, None, program, timeout, options))


def list_nets(
    family: str | None = None, *, shelf: Path | None = None, program: Path | None = None,
    timeout: float | None = None, **options: Any,
) -> ListReport:
    """Families, their parameters, and which nets are on the shelf or published.

    Args:
        family: of which; None: of all.
    """
    inputs = [] if family is None else [family]
    return made(ListReport, _run("list", inputs, None, None, shelf, None, program, timeout, options))
