"""What is said: from subtitles beside the clip or by recognition."""
