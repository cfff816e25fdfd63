"""Evidence as pictures: the strip over time, the face strip, the voice picture.

The same PNGs go to people, to any stock vision-language model and to the trained bridge.
"""

from agent.pictures.strip import strip
from agent.voice_picture import (
    VoicePicture,
    VoicePictureError,
    decode_voice,
    encode_voice,
    is_voice_picture,
    log_mel,
    voice_pictures,
)

__all__ = [
    "VoicePicture",
    "VoicePictureError",
    "decode_voice",
    "encode_voice",
    "is_voice_picture",
    "log_mel",
    "strip",
    "voice_pictures",
]
