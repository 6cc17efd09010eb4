"""What the makers of first inputs share."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "Tests"
SERVER_TESTS = ROOT / "Server/Tests/IngotRequestsTests"
# A digest in a header.
ZERO = "0" * 64


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def small(pattern, most):
    return [path.read_bytes() for path in sorted(TESTS.glob(pattern)) if path.is_file() and path.stat().st_size <= most]
