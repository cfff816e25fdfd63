"""Head and eyes: pose, gaze, nods and blinks."""
