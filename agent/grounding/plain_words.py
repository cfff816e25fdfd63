"""Words that claim nothing by themselves: what may stand around a thing that is asserted.

Data only. This is a list of what is let through, not of what is forbidden: a word that is neither
here nor in the tables of `lexicon` says something that no cue could carry.
"""

from __future__ import annotations

from typing import Final


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


PLAIN: Final[frozenset[str]] = _words(
    # who and which
    "the a an this that these those it its he she they we you i him her them his hers their",
    "theirs your my our us me himself herself themselves itself who whom whose which what",
    "someone somebody something anyone anybody anything nobody nothing everything everyone each",
    "every all any some both either neither another other others one ones two three four five",
    "same such own several none",
    # how words hang together
    "of in on at to from for by with without within into onto over under above below between",
    "among against across along around about after before during until till up since while as",
    "than then when whenever where whereas though although but and or nor so yet if because due",
    "despite per through throughout toward towards near beside besides beyond upon out off like",
    "alongside therefore thus hence however meanwhile otherwise instead rather moreover",
    # be, have, do
    "be is are was were been being am has had have having do does did doing done can could may",
    "might must shall should will would cannot isn aren wasn weren don doesn didn hasn hadn",
    "haven can won wouldn couldn t s re ve ll d get gets getting got becomes become becoming",
    "became give gives given make makes made making take takes",
    # how much, how sure, how often
    "not no only also too very much more most less least many few little quite fairly somewhat",
    "just even still again ever never always often sometimes mostly mainly partly almost nearly",
    "roughly together apart alone clearly clear visibly visible audible audibly noticeably",
    "probably perhaps possibly possible likely unlikely likeliest maybe well best better",
    "overall generally typically usually usual unusual unusually normal typical slightly strong",
    "stronger strongest strongly weak weaker weakly marked markedly severe severely extreme",
    "maximum maximal trace slight mild moderate moderately high higher low lower intense",
    "intensely brief briefly short long longer full fully whole half third quarter main first",
    "second last next final once twice times sudden suddenly gradual gradually slow slowly soon",
    "constant constantly steady steadily",
    # when
    "here there now later earlier moment moments time second seconds sec minute minutes ms s",
    "beginning start middle end course clip video audio picture pictures frame frames recording",
    "view outside",
    "duration part parts point stretch span phase early late initially finally eventually",
    "afterwards",
    # what carries a reading
    "appear appears appeared appearing seem seems seemed look looks looked looking show shows",
    "shown showing display displays displayed exhibit exhibits indicate indicates indicating",
    "suggest suggests suggesting suggested point points pointing reflect reflects express",
    "expresses expressing expressed expression expressions convey conveys sign signs evidence",
    "cue cues fit fits fitting fitted match matches rest rests resting based support supports",
    "supported speak speaks consistent accompanied accompanies accompany combined combination",
    "combine combines observed seen heard noticed detected found measured present absent shared",
    "read reads carry carries carried class label feature features mark marks departs depart",
    "dominant dominates dominated conclusion change changes changed changing shift shifts",
    "shifted begin begins began starts started ends ended lasts lasting lasted continue",
    "continues remain remains stay stays stayed keep keeps hold holds held fade fades faded",
    "fading return returns returned grow grows grew growing turn turns increase increases",
    "decrease decreases follow follows followed following come comes came go goes going went",
    "gone reach reaches active activated works work move moves moved moving",
    # what may be spoken of
    "face facial head voice vocal speech spoken words word tone sound subtitle subtitles",
    "speaker person people man woman girl boy child student side sides left right muscle",
    "muscles unit units action actions movement movements signal signals intensity level levels",
    "grade degree strength confidence probability share percent emotion emotions emotional",
    "emotionally feeling feelings feel feels felt mood state affect affective reading channel",
    "channels discord agree agrees disagree disagrees hz db khz semitones syllables harmonics",
    "noise phrase sd adults a b c d e answer observation observations interpretation",
)
"""Lower case, without apostrophes."""

REMARKS: Final[tuple[str, ...]] = (
    r"raised cheeks go with a felt smile more often than not",
    r"some can pose them",
    r"politeness can look like this too",
    r"habit can look the same",
    r"concentration looks much the same",
    r"as felt smiles do",
    r"with a felt one they mostly are",
    r"words weigh little here",
    r"meets muscles",
    r"telling of what is lived through",
    r"taking in what the other means",
    r"behaviour (?:monitoring|controlling|mixed)",
    r"cognition (?:positive|negative|mixed|neutral)",
)
"""What is said about signs in general, or of words as a whole, and not about the person."""
