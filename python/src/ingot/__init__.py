"""Ingot in Python: net files as NumPy arrays, and the nets, run by the program ``ingot``.

>>> import ingot
>>> with ingot.open("Tests/NetFileTests/Fixtures/golden-v1.ingot") as net:
...     net.family, net["quantized.weight"].dtype.name, net.array("quantized.weight").raw().dtype.name
('golden', 'float32', 'int8')
"""

from . import aio, errors, results
from ._pictures import Picture
from ._program import find as find_program
from .array import Array
from .commands import convert, diff, inspect, pull, quantize, scan, sign, verify
from .commands import list_nets as list
from .errors import (
    BadDataError, CannotCreateError, IngotError, IngotTimeoutError, InputOutputError, MismatchError, NoInputError,
    ProgramDiedError, ProgramNotFoundError, ProtocolError, UnavailableError, UsageError)
from .netfile import Damage, NetFile, VerificationError
from .netfile import open_net as open
from .tasks import VQA, Captioner, Classifier, Embedder, Matcher

__version__ = "0.2.0"

__all__ = [
    "VQA", "Array", "BadDataError", "CannotCreateError", "Captioner", "Classifier", "Damage", "Embedder",
    "IngotError", "IngotTimeoutError", "InputOutputError", "Matcher", "MismatchError", "NetFile", "NoInputError",
    "Picture", "ProgramDiedError", "ProgramNotFoundError", "ProtocolError", "UnavailableError", "UsageError",
    "VerificationError", "aio", "convert", "diff", "errors", "find_program", "inspect", "list", "open", "pull",
    "quantize", "results", "scan", "sign", "verify"]
