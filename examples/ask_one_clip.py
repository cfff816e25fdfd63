"""Ask about one clip, and look at what the answer stands on.

python examples/ask_one_clip.py clip.mp4
"""

import sys

from duchenne import Session

clip = sys.argv[1]
with Session(clip) as session:  # sensed once, then asked as often as you like
    for question in ("How does she feel, and why?", "When does she smile?", "How sure are you?"):
        answer = session.ask(question)
        print(f"{question}\n  {answer.answer}\n")
        for claim in answer.claims:
            print(f"  {claim.verdict}: {claim.text} {list(claim.cites)}")
        print()

    smile = next((cue for cue in session.evidence.cues if cue.code == "AU12"), None)
    if smile is not None:
        print(f"The smile lasts from {smile.start:.1f} to {smile.end:.1f} s, grade {smile.grade}.")
