"""Small tools that know nothing of clips: reports switched off, processes begun, names printed."""
