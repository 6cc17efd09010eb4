"""What the program's JSON becomes. Made by tools/make_results.py: change that, not this."""

from ._record import Record, made
from .ask import Answer, AnswerFrame, AnswerRanking, AnswerSeconds
from .caption import Caption, CaptionFrame, CaptionSeconds
from .classify import Classification, ClassificationClass
from .convert import ConvertPublished, ConvertReport, Coverage, CoverageIgnored, Totals, WrittenNet
from .diff import DiffConfiguration, DiffDifference, DiffEquivalent, DiffReport, DiffTy
from .embed import Vector
from .inspect import (
    InspectCheck, InspectCheckFinding, InspectElementType, InspectInferredLayers, InspectInferredLayersOther,
    InspectInferredLayersType, InspectLeftover, InspectNet, InspectNetContext, InspectQuantization,
    InspectQuantizationScheme, InspectReport, InspectTotals, InspectedArray, InspectedArrayPacking, Layer, Statistics
)
from .list import (
    ListAxis, ListFamily, ListFamilyUnreadable, ListNet, ListPublication, ListPublicationFile, ListReport
)
from .match import Match, MatchFrame, MatchSeconds, Matches
from .net_file import Tie
from .pull import Fetched, PullFile, PullLeft, PullReport
from .quantize import (
    QuantizeQuantized, QuantizeQuantizedError, QuantizeQuantizedErrorWorstRow, QuantizeQuantizedLeft, QuantizeReport,
    QuantizeSearch, QuantizeSearchHelped, QuantizeTrial
)
from .scan import Finding, ScanReport, ScannedFile, ScannedFileGlobal
from .sign import SignReport, Signature, Signer
from .verify import (
    VerifiedSignature, VerifyArrays, VerifyDifference, VerifyFailure, VerifyFile, VerifyFileSource, VerifyOutput,
    VerifyReceipt, VerifyReceiptDifferent, VerifyReport
)

__all__ = [
    "Answer", "AnswerFrame", "AnswerRanking", "AnswerSeconds", "Caption", "CaptionFrame", "CaptionSeconds",
    "Classification", "ClassificationClass", "ConvertPublished", "ConvertReport", "Coverage", "CoverageIgnored",
    "DiffConfiguration", "DiffDifference", "DiffEquivalent", "DiffReport", "DiffTy", "Fetched", "Finding",
    "InspectCheck", "InspectCheckFinding", "InspectElementType", "InspectInferredLayers",
    "InspectInferredLayersOther", "InspectInferredLayersType", "InspectLeftover", "InspectNet", "InspectNetContext",
    "InspectQuantization", "InspectQuantizationScheme", "InspectReport", "InspectTotals", "InspectedArray",
    "InspectedArrayPacking", "Layer", "ListAxis", "ListFamily", "ListFamilyUnreadable", "ListNet", "ListPublication",
    "ListPublicationFile", "ListReport", "Match", "MatchFrame", "MatchSeconds", "Matches", "PullFile", "PullLeft",
    "PullReport", "QuantizeQuantized", "QuantizeQuantizedError", "QuantizeQuantizedErrorWorstRow",
    "QuantizeQuantizedLeft", "QuantizeReport", "QuantizeSearch", "QuantizeSearchHelped", "QuantizeTrial", "Record",
    "ScanReport", "ScannedFile", "ScannedFileGlobal", "SignReport", "Signature", "Signer", "Statistics", "Tie",
    "Totals", "Vector", "VerifiedSignature", "VerifyArrays", "VerifyDifference", "VerifyFailure", "VerifyFile",
    "VerifyFileSource", "VerifyOutput", "VerifyReceipt", "VerifyReceiptDifferent", "VerifyReport", "WrittenNet",
    "made"
]
