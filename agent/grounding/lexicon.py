"""Words for what can be seen and heard, as tables: body parts, motions, voice, emotions.

Data only; `mentions` reads text with it. Patterns are lower-case regular expressions.
Knows nothing about evidence. FACS meanings: the table in `agent.facs.units`; which action units
bear on which emotion: the prototypes and variants of Du, Tao & Martinez (2014) and EMFACS.
"""

from __future__ import annotations

from typing import Final, Literal

Claimed = Literal["L", "R", "B", "L only", "R only", "one"]
"""A side as stated: left, right, both, only the left, only the right, or one side whichever."""

DET: Final = r"(?:the|her|his|their|its|my|your|both|a|an|one|each|this|that|these)"
_OF: Final = rf"of (?:{DET} ){{0,2}}"

PARTS: Final[dict[str, str]] = {
    "inner brow": rf"inner (?:eye)?brows?|inner (?:corners?|ends?|parts?) {_OF}(?:eye)?brows?",
    "outer brow": rf"outer (?:eye)?brows?|outer (?:corners?|ends?|parts?) {_OF}(?:eye)?brows?",
    "brow": r"(?:eye)?brows?",
    "forehead": r"forehead",
    "upper lid": r"upper (?:eye)?lids?",
    "lid": r"(?:lower )?(?:eye)?lids?",
    "eye": r"eyes?",
    "cheek": r"cheeks?",
    "nose": r"nose|nostrils?",
    "upper lip": r"upper lips?",
    "lower lip": r"lower lips?",
    "lip corner": rf"(?:lip|mouth) corners?|corners? {_OF}(?:mouth|lips?)",
    "lip": r"lips?",
    "mouth": r"mouth",
    "chin": r"chin",
    "jaw": r"jaw",
    "tongue": r"tongue",
    "head": r"head",
    "gaze": r"gaze",
    "voice": r"voice",
    "pitch": r"(?:vocal )?pitch|intonation",
    "loudness": r"loudness|volume|vocal energy|energy",
    "tempo": r"speaking rate|speech rate|tempo|pace|speech",
    "blink": r"blink(?:ing)?(?: rate)?",
}
"""Part of the body or the voice → pattern. Longer names are tried first where they overlap."""

_GO: Final = (
    r"(?:go(?:es)?|going|gone|went|com(?:e|es|ing)|mov\w+|pull\w*|draw\w*|drew|turn\w*|push\w*"
    r"|curl\w*|tug\w*)"
)
_ADV: Final = r"(?:them |it )?(?:\w+ly )?"

MOTIONS: Final[dict[str, str]] = {
    "up": rf"rais(?:e|es|ed|ing|er)|lift(?:s|ed|ing)?|elevat\w+|arch(?:es|ed|ing)?|rise[sn]?"
    rf"|rising|upturn|{_GO} {_ADV}(?:up(?:wards?)?|back)|upturned|up(?:wards?)?",
    "down": rf"lowers|lowered|lowering|lowerer|(?<=to )lower|(?<=not )lower|depress(?:ed|es|or)"
    rf"|droop\w*|{_GO} {_ADV}down(?:wards?)?|downturned|down(?:wards?)?|sag\w*|falls?|falling",
    "together": rf"knit(?:s|ted|ting)?|furrow(?:s|ed|ing)?|{_GO} {_ADV}(?:together|in)"
    r"|contract\w+|pinch\w+|crease[sd]?|bunch\w+",
    "wide": r"wid(?:e|en|ens|ened|ening)(?: open)?|open(?:s|ed|ing)? wide|bulg\w+",
    "tight": r"tight(?:en|ens|ened|ening|ener)?|tens(?:e|es|ed|ing)|narrow(?:s|ed|ing)?|squint\w*",
    "closed": r"close[sd]?|closing|shuts?|shutting",
    "wrinkle": r"wrinkl(?:e|es|ed|ing|er)|scrunch\w*|crinkl\w+|flar(?:e|es|ed|ing)",
    "dimple": r"dimpl\w+|tucked in",
    "pucker": r"pucker\w*|purs(?:e|es|ed|ing)|pout\w*",
    "stretch": rf"stretch\w*|{_GO} {_ADV}(?:sideways|back|apart|outwards?)",
    "funnel": r"funnel\w*|rounded|o-shaped",
    "thin": r"thin(?:s|ned|ning)?",
    "press": rf"press(?:es|ed|ing|or)?(?: together)?|clamp\w*|{_GO} together",
    "part": r"parts?|parted|parting|apart|separated?",
    "open": r"open(?:s|ed|ing)?|agape|gap(?:e|es|ing)|ajar",
    "drop": r"drop(?:s|ped|ping)?|fallen|falls?|lowers|lowered|hang\w* open|slack\w*",
    "still": r"(?:stays? |remains? |kept |held )?(?:still|relaxed|at rest|motionless|immobile)"
    r"|(?:not|n['’]t) move",
    "suck": rf"suck\w*|roll(?:s|ed|ing)? in(?:wards?)?|bit(?:e|es|ing|ten)|{_GO} in(?:wards?)?",
    "thrust": r"thrust\w*|jut\w*|pushed forward",
    "sideways": r"sideways|to (?:the|one) side",
    "puff": r"puff\w*|inflat\w+|blown out",
    "deepen": r"deepen\w*",
    "show": r"shows?|showing|shown|out|protrud\w+",
    "shake": r"shak(?:e|es|ing|en)|shook",
    "tilt": r"tilt\w*|lean\w*|cock(?:s|ed|ing)?",
    "turn": r"turn(?:s|ed|ing)?(?: away)?|rotat\w+",
    "bow": r"bow(?:s|ed|ing)?|hang(?:s|ing)?|hung",
    "away": r"away|avert\w*|drift\w*|wander\w*|shift\w*|avoid\w*|aside",
    "fast": r"fast(?:er)?|quick\w*|rapid\w*|hurried|speeds? up|accelerat\w+|frequent\w*|often|more",
    "slow": r"slow\w*|drag\w*|rare\w*|seldom|less",
    "high": r"high(?:er)?(?:[- ]pitched)?|rais\w+|rise[sn]?|rising|goes up|climb\w*|elevated|up",
    "low": r"low(?:er|ered|ers)?(?:[- ]pitched)?|fall(?:s|ing|en)?|drop\w*|deep(?:er|ens?)?|down",
    "loud": r"loud\w*|rais\w+|strong\w*|shout\w*|booming|forceful|high(?:er)?|rise[sn]?|rising|up",
    "quiet": r"quiet\w*|soft\w*|weak\w*|faint\w*|hushed|low(?:er|ered|ers)?|falls?|drop\w*|subdued",
    "flat": r"flat\w*|stead\w+|monoton\w*|narrow\w*|even",
    "lively": r"livel(?:y|ier)|varied|animated|wide\w*|melodic|sing-?song|expressive",
    "rough": r"rough\w*|harsh\w*|hoarse|creaky|rasp\w*|strained",
    "breathy": r"breath[y\w]*|whisper\w*|airy",
    "tense": r"tens\w+|press\w*|strain\w*|sharp\w*|tight\w*",
    "smooth": r"smooth\w*",
    "tremble": r"trembl\w*|shak(?:y|es|ing)|quiver\w*|unsteady|crack(?:s|ed|ing)?",
}
"""Motion → pattern."""

MOVES: Final[tuple[tuple[str, str, str], ...]] = (
    ("inner brow", "up", "AU01"),
    ("outer brow", "up", "AU02"),
    ("inner brow", "together", "AU04"),
    ("brow", "up", "AU01|AU02"),
    ("brow", "down", "AU04"),
    ("brow", "together", "AU04"),
    ("brow", "still", "!AU01|AU02|AU04"),
    ("mouth", "still", "!AU12|AU15|AU20|AU23|AU24|AU25|AU26|AU27"),
    ("forehead", "wrinkle", "AU01|AU02|AU04"),
    ("forehead", "together", "AU04|AU01|AU02"),
    ("upper lid", "up", "AU05"),
    ("upper lid", "wide", "AU05"),
    ("lid", "up", "AU05"),
    ("lid", "tight", "AU07"),
    ("lid", "closed", "AU43|AU45"),
    ("lid", "down", "AU43"),
    ("eye", "wide", "AU05"),
    ("eye", "tight", "AU07|AU06"),
    ("eye", "closed", "AU43|AU45"),
    ("eye", "wrinkle", "AU06|AU07"),
    ("cheek", "up", "AU06"),
    ("cheek", "puff", "AU34"),
    ("cheek", "dimple", "AU14"),
    ("nose", "wrinkle", "AU09"),
    ("upper lip", "up", "AU10"),
    ("lower lip", "down", "AU16"),
    ("lower lip", "suck", "AU28"),
    ("upper lip", "suck", "AU28"),
    ("lip corner", "up", "AU12|AU13"),
    ("lip corner", "stretch", "AU20|AU12"),
    ("lip corner", "down", "AU15"),
    ("lip corner", "dimple", "AU14"),
    ("lip corner", "tight", "AU14"),
    ("mouth", "up", "AU12"),
    ("mouth", "down", "AU15"),
    ("mouth", "open", "AU26|AU25|AU27"),
    ("mouth", "wide", "AU27|AU26"),
    ("mouth", "stretch", "AU20|AU27"),
    ("mouth", "tight", "AU23|AU24"),
    ("mouth", "closed", "!AU25|AU26|AU27"),
    ("chin", "up", "AU17|head_up"),
    ("chin", "wrinkle", "AU17"),
    ("chin", "tight", "AU17"),
    ("lip", "pucker", "AU18"),
    ("lip", "stretch", "AU20"),
    ("lip", "funnel", "AU22"),
    ("lip", "tight", "AU23"),
    ("lip", "press", "AU24"),
    ("lip", "thin", "AU24|AU23"),
    ("lip", "part", "AU25"),
    ("lip", "open", "AU25"),
    ("lip", "suck", "AU28"),
    ("jaw", "drop", "AU26"),
    ("jaw", "open", "AU26"),
    ("jaw", "down", "AU26"),
    ("jaw", "thrust", "AU29"),
    ("jaw", "sideways", "AU30"),
    ("tongue", "show", "AU19"),
    ("head", "shake", "shake"),
    ("head", "tilt", "tilt"),
    ("head", "turn", "turn"),
    ("head", "down", "head_down|head_lower"),
    ("head", "bow", "head_down|head_lower"),
    ("head", "up", "head_up|head_raise"),
    ("gaze", "away", "gaze_away"),
    ("gaze", "down", "gaze_down|gaze_away"),
    ("eye", "away", "gaze_away"),
    ("blink", "fast", "blink_rate+"),
    ("blink", "slow", "blink_rate-"),
    ("voice", "high", "pitch+|energy+"),
    ("voice", "low", "pitch-|energy-"),
    ("voice", "loud", "energy+|effort+|pitch+"),
    ("voice", "quiet", "energy-|effort-"),
    ("voice", "flat", "pitch_range-"),
    ("voice", "lively", "pitch_range+"),
    ("voice", "rough", "roughness+"),
    ("voice", "breathy", "breathiness+"),
    ("voice", "tremble", "roughness+|jitter+|cry_like"),
    ("pitch", "high", "pitch+|pitch_slope+"),
    ("pitch", "low", "pitch-|pitch_slope-"),
    ("pitch", "flat", "pitch_range-"),
    ("pitch", "lively", "pitch_range+"),
    ("loudness", "loud", "energy+"),
    ("loudness", "quiet", "energy-"),
    ("voice", "tense", "effort+|brightness+|roughness+"),
    ("voice", "smooth", "roughness-"),
    ("loudness", "lively", "energy_range+"),
    ("loudness", "flat", "energy_range-"),
    ("tempo", "fast", "rate+"),
    ("tempo", "slow", "rate-"),
)
"""Part, motion, codes. "A|B": either carries it; a + or − after a code is the direction of the
cue's value against the person's own baseline."""

PHRASES: Final[tuple[tuple[str, str], ...]] = (
    # "A&B" asserts both
    (r"duchenne smil\w+|(?:cheek-raising|genuine|felt) smil\w+|smil\w+ with (?:the|her|his) eyes",
     "AU06&AU12"),
    (r"whole brows?", "AU01&AU02"),
    (r"(?:not|n['’]t) (?:reach|involve|spread to|extend to) (?:the|her|his|their) eyes", "!AU06"),
    (r"smil(?:e|es|ed|ing|ingly)|grin(?:s|ned|ning)?|beam(?:s|ed|ing)?", "AU12"),
    (r"(?:posed|polite|insincere|put[- ]on) (?:\w+ )?smil\w+", "AU12&!AU06"),
    (r"(?<=is )(?:posed|polite|insincere|put on)", "!AU06"),
    (r"smirk\w*|lopsided smile|half[- ]smile", "AU12|AU14"),
    (r"crow'?s[- ]?feet", "AU06"),
    (r"frown(?:s|ed|ing)?|scowl\w*|glower\w*", "AU04"),
    (r"(?:mouth|lip) frown|down-?turned mouth", "AU15"),
    (r"(?:bare[sd]?|show(?:s|ing)?) (?:\w+ ){0,1}teeth|teeth (?:are |were )?(?:visible|bared|shown)"
     r"|toothy", "AU25|AU10"),
    (r"(?:grit|clench)\w* (?:\w+ )?(?:teeth|jaw)|(?:teeth|jaw) (?:is |are )?(?:clenched|gritted)",
     "AU24|AU23"),
    (r"wide[- ]eyed|star(?:es|ed|ing) wide", "AU05"),
    (r"squint\w*", "AU07|AU06"),
    (r"sneer\w*|snarl\w*", "AU10|AU09"),
    (r"grimac\w+|winc\w+", "AU04|AU09|AU10|AU20|AU07"),
    (r"tight-lipped", "AU23|AU24"),
    (r"pout\w*", "AU17|AU18|AU15"),
    (r"nasolabial (?:fold|furrow)s?(?: \w+){0,2} deep\w*|deep\w* nasolabial \w+", "AU11"),
    (r"open-mouthed|(?:mouth )?agape|gap(?:es|ed|ing)|gasp\w*|slack-jawed", "AU26|AU25|AU27"),
    (r"blink(?:s|ed|ing)?", "AU45|blink_rate"),
    (r"blink(?:ing)? rate", "blink_rate|AU45"),
    (r"nod(?:s|ded|ding)?", "nod"),
    (r"head ?shak(?:e|es|ing)", "shake"),
    (r"head ?tilts?", "tilt"),
    (r"look(?:s|ed|ing)? (?:away|aside|to the side)|avert(?:s|ed|ing)?"
     r"|(?:avoid|break|lose)\w* eye contact|gaze aversion", "gaze_away"),
    (r"look(?:s|ed|ing)? down(?:wards?)?", "gaze_down|head_down|gaze_away"),
    (r"turn(?:s|ed|ing)? away", "turn|gaze_away"),
    (r"laugh(?:s|ed|ing|ter)?|giggl\w+|chuckl\w+", "laughter_like"),
    (r"sob(?:s|bed|bing)?|cr(?:y|ies|ied|ying)|weep\w*", "cry_like"),
    (r"paus(?:e|es|ed|ing)|hesitat\w+|falls? silent|long silence", "pause"),
    (r"(?:speak|talk)(?:s|ing)? (?:\w+ ){0,1}(?:fast(?:er)?|quick\w*|rapid\w*|hurried\w*)"
     r"|fast speech|rapid speech|hurried speech", "rate+"),
    (r"(?:speak|talk)(?:s|ing)? (?:\w+ ){0,1}slow\w*|slow speech", "rate-"),
    (r"(?:speak|talk)(?:s|ing)? (?:\w+ ){0,1}(?:loud\w*|up)|shout\w*|yell\w*|scream\w*"
     r"|loud (?:speech|tone)", "energy+"),
    (r"(?:speak|talk)(?:s|ing)? (?:\w+ ){0,1}(?:quiet\w*|soft\w*)|whisper\w*|murmur\w*|mumbl\w*"
     r"|soft-spoken", "energy-"),
    (r"no speech|nothing is said|says? nothing|(?:stays?|remains?) silent|speechless",
     "!speech|words"),
    (r"(?:very )?loud(?:er)? (?:for|than)", "energy+|effort+"),
    (r"(?:very )?quiet(?:er)? (?:for|than)", "energy-|effort-"),
    (r"fast(?:er)? (?:for|than)", "rate+"),
    (r"slow(?:er)? (?:for|than)", "rate-"),
    (r"loudness (?:is )?usual|(?:usual|normal) loudness", "energy"),
    (r"(?:voice )?pitch (?:is )?(?:usual|moves|(?:of |at )?(?:about )?\d+)", "pitch|pitch_range"),
    (r"(?:usual|normal) (?:pace|tempo)", "rate"),
    (r"(?:usual|normal) effort", "effort"),
    (r"silent|silence", "pause"),
    (r"monoton\w*", "pitch_range-"),
    (r"high[- ]pitched", "pitch+"),
    (r"low[- ]pitched", "pitch-"),
    (r"speak(?:s|ing)?|spoke|talk(?:s|ed|ing)?", "speech|words"),
    (r"the words (?:check where the group stands|set out to change what the group does"
     r"|judge the task as going (?:well|badly)|hold back from taking a side)", "words"),
    (r"muscles that work against it", "AU04|AU14|AU15|AU24"),
    (r"sharper, more tense voice", "effort+|brightness+"),
    (r"softer, duller voice", "effort-|brightness-"),
    (r"say(?:s|ing)?|said|tells?|told|mention(?:s|ed)|(?:her|his|their) words|utters?|asks?|asked",
     "words"),
)  # fmt: skip
"""Pattern, codes: single words and fixed phrases."""

NEGATORS: Final = (
    r"no|not|never|without|neither|nor|none of|nothing|cannot|\w+n['’]t|lack(?:s|ed|ing)?(?: of)?"
    r"|absence of|absent|free of|fail(?:s|ed)? to|no longer|instead of|rather than|far from"
    r"|devoid of|missing|w/o|zero"
)
"""Words that deny what follows them."""

NOT_NEGATORS: Final = (
    r"not only|not just|not merely|no doubt|no more than|no less than|nothing but|not without"
    r"|never without|can(?:no|['’])t (?:help|stop)(?: but)?|can not (?:help|stop)|why not"
    r"|whether or not|no matter"
)
"""Phrases that look like a denial and are none."""

_GONE: Final = (
    r"(?=\s*(?:$|[.,;:)]|\b(?:and|or|nor|but|at all|yet|present|seen|visible|shown|there|here"
    r"|active|activated|observed|detected|found|evident|apparent|noticeable|measured|moving"
    r"|in view|anywhere|used|involved|engaged|to be|appear|occur|show|move|happen|fire|activate"
    r"|come|follow|exist|take|rise|lift|engage|contract|change)\b))"
)
DENIED_AFTER: Final = (
    r"[:=-]?\s*(?:(?:is|are|was|were|remains?|stays?|seems?|appears?)\s+)?(?:(?:completely|entirely|"
    rf"totally|quite|fully)\s+)?(?:absent|missing|lacking|inactive|nowhere|(?:not|never){_GONE})"
    rf"|(?:is|are|was|were)n['’]t{_GONE}|(?:do(?:es)?|did|has|have|can|could|will)(?:\s*not|n['’]t)"
    rf"{_GONE}|can(?:not|['’]t){_GONE}|(?:=|:|of|at)\s*0(?:\.0+)?(?![.\d:])|(?:fails?|failed) to"
)
"""What denies the words right before it; "not" does so only before a word of being there."""

NOT_DENIED_AFTER: Final = (
    r"(?:do(?:es)?|did)(?:\s*not|n['’]t)\s+(?:reach|last|fade|stop|spread|involve|extend)"
)
"""What looks like a denial of the words before it and denies something else."""

SCOPE_ENDS: Final = (
    r"[.;:!?]|\b(?:but|however|yet|although|though|while|whereas|except|only|instead|because|then"
    r"|so|which|who|when|despite|with(?! out))\b"
)
"""Where a denial stops reaching forward; commas and "and" are judged apart."""

GRADE_WORDS: Final[tuple[tuple[int, str], ...]] = (
    (1, r"traces?(?: of)?|barely|hardly|scarcely|hint of|minimal(?:ly)?|fleeting(?:ly)?"),
    (2, r"slight(?:ly)?|weak(?:ly)?|faint(?:ly)?|mild(?:ly)?|subtl[ey]|small|gentl[ey]|a little"),
    (3, r"marked(?:ly)?|pronounced|clear(?:ly)?|moderate(?:ly)?|noticeabl[ey]|distinct(?:ly)?"),
    (
        4,
        r"sever(?:e|ely)|strong(?:ly)?|intense(?:ly)?|big|broad(?:ly)?|hard|heav(?:y|ily)|deep(?:ly)?",
    ),
    (
        5,
        r"maxim(?:um|al|ally)|extreme(?:ly)?|full(?:y)?|very strong(?:ly)?|huge|as far as possible",
    ),
)
"""Intensity 1-5 (A-E) and the words for it."""

SIDES: Final[tuple[tuple[Claimed, str], ...]] = (
    ("L only", r"left(?:[- ](?:hand|side))? only|only (?:on )?(?:(?:the|her|his|their) )?left"),
    ("R only", r"right(?:[- ](?:hand|side))? only|only (?:on )?(?:(?:the|her|his|their) )?right"),
    ("L", r"left(?:[- ](?:hand|side|sided))?|leftwards?"),
    ("R", r"right(?!\s+(?:now|after|before|away|at|then|there|as|when|here))"
          r"(?:[- ](?:hand|side|sided))?|rightwards?"),
    ("B", r"both|bilateral(?:ly)?|symmetric(?:al|ally)?|(?:two|both)[- ]sided|on both sides"),
    ("one", r"one[- ]side(?:d|dly)?|on one side|unilateral(?:ly)?|asymmetric(?:al|ally)?|lopsided"),
)  # fmt: skip
"""Side and the words for it, the narrower first; "one": one side only, whichever."""

PEOPLE: Final = (
    r"(?:man|men|woman|women|person|people|girl|boy|child|kid|one|speaker|listener|student|pupil"
    r"|teacher|guy|lady|actor|face)"
)
"""Words for people: a side right beside them says where somebody is, not which side moves."""

EMOTIONS: Final[dict[str, str]] = {
    "joy": r"happ(?:y|ily|iness|ier)|joy(?:ful|fully|ous)?|amuse\w*|delight\w*|pleas(?:ed|ure)"
    r"|cheer\w*|takes (?:it|what happens) as welcome"
    r"|welcomes it"
    r"|enjoy\w*|content(?:ed|ment)?|glad|excite\w*|elat\w+|proud|pride|relie[fv]\w*",
    "sadness": r"sad(?:ness|ly|der)?|unhapp\w+|grie[fv]\w*|sorrow\w*|depress(?:ion|ed mood)"
    r"|gloom\w*|takes it as a loss or a burden that cannot be changed"
    r""
    r"|melanchol\w+|disappoint\w*|hurt|despair\w*|lonel\w+|distress\w*",
    "anger": r"ang(?:er|ry|rily|ered)|furious|fury|rage\w*|irritat\w+|annoy\w+|frustrat\w+"
    r"|hostil\w+"
    r"|takes it as unwelcome and as something to act against"
    r"|resent\w*|mad|indignant|indignation|outrage\w*",
    "fear": r"fear\w*|afraid|scared|anxi(?:ous|ety)\w*|worr(?:y|ied|ies)|nervous\w*"
    r"|terr(?:or|ified)|panic\w*"
    r"|takes it as a threat that is hard to control"
    r"|fright\w*|apprehens\w+|tension",
    "disgust": r"disgust\w*|revuls\w+|repuls\w+|takes it as repellent|repelled|distaste",
    "surprise": r"surpris\w+|did not expect it"
    r"|astonish\w+|amaze\w*|startl\w+|shock(?:ed|ing)?|stunned",
    "contempt": r"contempt\w*|scorn\w*|takes it as beneath them|disdain\w*|smug\w*|condescen\w+",
    "neutral": r"neutral(?:ity|ly)?|calm(?:ly|ness)?|composed|relaxed|indifferen\w+|bored|boredom",
    "confusion": r"confus\w+|puzzl\w+|perplex\w+|ambivalen\w+|doubt\w*|uncertain\w*",
    "fatigue": r"fatigue\w*|tired\w*|sleep(?:y|iness)|drows\w+",
    "distraction": r"distract\w+|inattenti\w+|absent-minded",
    "valence": r"positive|negative|mixed|(?:un)?pleasant",
    "empathy": r"feeling in response",
}
"""Family of emotions and the words for it."""

BEARS: Final[dict[str, tuple[int, ...]]] = {
    "joy": (6, 7, 12, 13, 14, 25, 26, 27, 1, 2, 5),
    "sadness": (1, 4, 6, 7, 11, 15, 17, 20, 23, 24, 25, 43, 45),
    "anger": (4, 5, 7, 9, 10, 11, 15, 16, 17, 20, 22, 23, 24, 25, 26, 27, 29),
    "fear": (1, 2, 4, 5, 7, 11, 15, 20, 25, 26, 27, 28, 45),
    "disgust": (4, 6, 7, 9, 10, 11, 15, 16, 17, 19, 20, 24, 25, 26),
    "surprise": (1, 2, 4, 5, 25, 26, 27, 45),
    "contempt": (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24),
}
"""Action units that bear on a family; families that are not listed: any does."""

ABSENCES: Final[tuple[tuple[str, str], ...]] = (
    (r"no (?:audible |usable )?(?:sound|audio|voice)\b|nothing (?:is|was|can be|could be) heard"
     r"|silent|sound is missing", "sound|voice|audio"),
    (r"no (?:visible |clear )?(?:face|faces|person|people)\b|nobody\b|no one\b"
     r"|face (?:is|was) (?:not|never) (?:visible|seen|found)", "face|faces|people|video"),
    (r"no speech\b", "sound|voice|audio|speech"),
    (r"no (?:words|subtitles?|transcript)\b|words are (?:missing|unknown)", "words|sound|audio"),
    (r"no (?:voice )?baseline", "baseline|voice baseline"),
)  # fmt: skip
"""Statements that something is missing, and the names under which the record may say so."""

ABSTAINS: Final = (
    r"cannot (?:be )?(?:tell|told|say|said|judge|judged|decide|decided|know|known)"
    r"|can['’]t (?:tell|say|know)|(?:not|too little|no) (?:enough )?evidence|unclear|undecided"
    r"|nothing (?:\w+ ){0,3}(?:shows|points|was measured)"
)
"""An honest "cannot tell"."""
