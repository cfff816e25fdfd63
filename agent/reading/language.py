"""Whether a sentence is English, told from its most common words.

Knows lists of function words of six languages and nothing of feelings. It keeps the English reader
from reading other languages; it is no general identifier of languages.
"""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN: Final = re.compile(r"[a-z]", re.IGNORECASE)

PROFILES: Final = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a about all am an and any are as at be been but by can can't could did didn't do "
        "does doesn't don't for from get go got had has have haven't he he's her here him his how "
        "i i'd i'll i'm i've if in is isn't it it's its just know like me mine more my never no "
        "not now of off oh on one or our out really she she's so some than that that's the their "
        "them then there there's these they they're this those to too up us very was wasn't we "
        "we're were what what's when where which who why will with won't would yes you you're "
        "your yours",
        "de": "aber alle als also am an auch auf aus bei bin bis bist da damit das dass dein deine "
        "dem den denn der des dich die dies diese dir doch du durch ein eine einem einen einer er "
        "es euch euer für gegen geht gut hab habe haben hast hat hatte hier ich ihm ihn ihr ihre "
        "im in ins ist ja jetzt kann kannst kein keine lass man mehr mein meine meinen mich mir "
        "mit muss nach nein nicht nichts noch nur oder ohne schon sehr sei seid sein seine sich "
        "sie sind so solche tut um und uns unser unter vom von vor war waren warst warum was weil "
        "wenn wer werden wie wieder will wir wird wo wollen zu zum zur über",
        "fr": "à ai alors as au aussi aux avec avoir bien c'est c'était ça ce cela ces cette chez "
        "comme d'un d'une dans de des deux du elle elles en es est et été être eu fait faire il "
        "ils j'ai je jamais l'ai la là le les leur lui ma mais me même mes moi moins mon n'est ne "
        "non nos notre nous on ont ou où oui par pas peu peur plus pour pourquoi qu'est-ce qu'il "
        "que quel quelle qui rien s'il sa sans se ses si son sont suis sur ta te tes toi ton tous "
        "tout très tu un une va vas veux veut vos votre vous y était",
        "es": "a al algo aquí así bien cómo como con cuando de del desde donde dónde dos el él "
        "ella ellos en era eres es esa ese eso esta está están estar este esto estoy fue ha había "
        "han has hasta hay he hemos hiciste hola la las le les lo los más me mi mía mis mucho muy "
        "nada ni no nos nosotros nunca o otra otro para pero poco por porque qué que quién quiero "
        "se sé ser si sí siempre sin sobre son soy su sus también tan te tengo tiene tienes todo "
        "todos tu tú tus un una uno usted va vamos y ya yo",
        "nl": "aan al alles als altijd andere ben bent bij daar dan dat de deze die dit doe doen "
        "door dus een eens en er ga gaan geen geweest goed haar had hadden heb hebben hebt heeft "
        "heel hem het hier hij hoe huis iets ik in is ja je jij jou jouw jullie kan kom kon kunnen "
        "laat maar me meer men met mij mijn moet na naar nee niet niets nog nu of om omdat ons "
        "onze ook op over te tegen toch toen tot u uit van veel voel voor waar waarom was wat we "
        "weer weet wel wie wij wil worden wordt zal ze zeer zei zich zij zijn zo zonder",
        "it": "a ad al alla anche ancora avere bene c'è che chi ci come con cosa così da dal dalla "
        "degli dei del della delle di dove due e è era essere fai fare fatto gli ha hai "
        "hanno ho i il in io l'hai la le lei li lo loro lui ma me mi mia mie mio molto nel nella "
        "no noi non nostra nostro o oggi ogni per perché più poco qua quando quanto quella quello "
        "questa questo qui se sei senza si sì siamo solo sono sta stai stata stato sto su sua suo "
        "sul tanto te ti tra tu tua tuo tutti tutto un una uno va vai voglio voi",
    }.items()
}
"""Language → its function words, with those that it shares with others."""

_FOREIGN: Final = re.compile(r"[äöüßàâçèéêëîïôœùûñáíóúìò¿¡]", re.IGNORECASE)
_LOANS: Final = re.compile(r"\b(caf|clich|fianc|na|r[ée]sum|d[ée]j)[éïà]\w*", re.IGNORECASE)


def words_of(text: str) -> list[str]:
    """Words in lower case, straight apostrophes."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]


def seems(text: str) -> str | None:
    """ "en", another language, "other" for a script that is not Latin, or None: too little said.

    English needs more function words than any other language; an equal count is undecided, and
    with letters that English does not use it is another language.
    """
    words = words_of(text)
    letters = sum(len(word) for word in words)
    if letters and len(_LATIN.findall(text)) + len(_FOREIGN.findall(text)) < letters / 2:
        return "other"
    hits = {
        language: sum(word in profile for word in words) for language, profile in PROFILES.items()
    }
    english = hits.pop("en")
    other = max(hits, key=lambda language: hits[language])
    foreign = len(_FOREIGN.findall(_LOANS.sub("", text)))
    if hits[other] > english or (foreign and hits[other] >= english):
        return other
    if foreign:
        return "other" if not english else "en"
    return "en" if english > hits[other] else None
