"""Evidence as pictures: the strip over time, the face strip, the voice picture.

The same PNGs go to people, to any stock vision-language model and to the trained bridge.
"""

from agent.render.crops import Shot, face_strip, moments
from agent.render.strip import strip
from agent.render.voice_picture import (
    VoicePicture,
    VoicePictureError,
    decode_voice,
    encode_voice,
    is_voice_picture,
    log_mel,
    voice_pictures,
)

__all__ = [
    "Shot",
    "VoicePicture",
    "VoicePictureError",
    "decode_voice",
    "encode_voice",
    "face_strip",
    "is_voice_picture",
    "log_mel",
    "moments",
    "strip",
    "voice_pictures",
]
