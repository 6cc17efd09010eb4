"""Where schemas, golden files and demo nets are, for check_formats.py and its parts."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
FIXTURES = ROOT / "Tests" / "NetFileTests" / "Fixtures"
DEMO = ROOT / "weights" / "demo"
GOLDEN_AXES = FIXTURES / "golden-v2.ingot"
GOLDEN_PACKED = FIXTURES / "golden-v2-packed.ingot"
PACKED_SOURCE = ROOT / "Tests/CheckpointsTests/Fixtures/packed/typed.onnx"
GOLDEN = [FIXTURES / "golden-v1.ingot", FIXTURES / "golden-v1-compressed.ingot"]
EVERY_TYPE = FIXTURES / "every-type.safetensors"
TINY = [ROOT / "Tests" / "FamiliesTests" / "Fixtures" / name for name in ("tiny-blip", "tiny-vit")]
EMBEDDER = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "embedders" / "mean"
CLIP = ROOT / "Tests" / "FamiliesTests" / "Fixtures" / "clip" / "1"
