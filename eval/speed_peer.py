"""The peer's side of `eval.speed`: MediaPipe Tasks' FaceLandmarker over one clip, timed.

Run by another interpreter, so it imports nothing of this project:

    PEER_PYTHON eval/speed_peer.py CLIP face_landmarker.task

Prints one JSON object {frames, seconds, version}; the time covers decoding (OpenCV), colour
conversion, detection, tracking, mesh and blendshapes, and not the loading of the model.
"""

import json
import sys
import time


def main(clip: str, model: str) -> None:
    import cv2
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        running_mode=vision.RunningMode.VIDEO,
        output_face_blendshapes=True,
        num_faces=1,
    )
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        begin, frames = time.perf_counter(), 0
        opened = cv2.VideoCapture(clip)
        step = 1000 / (opened.get(cv2.CAP_PROP_FPS) or 30)
        while True:
            there, picture = opened.read()
            if not there:
                break
            image = mp.Image(mp.ImageFormat.SRGB, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
            landmarker.detect_for_video(image, round(frames * step))
            frames += 1
        seconds = time.perf_counter() - begin
    print(json.dumps({"frames": frames, "seconds": seconds, "version": mp.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
