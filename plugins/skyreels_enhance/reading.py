"""What a short prompt says, as far as that can be told without a model: subject, action, place, time, camera, style.

English is parsed into subject and predicate by its verbs; of other languages only single words are known. Whatever is
not understood stays where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from skyreels_cli.order.enhance.words import UNSPACED, word_set, words
from skyreels_enhance import lexicon
from skyreels_enhance.lexicon import DETERMINERS, PREPOSITIONS

CAMERA = re.compile(
    rf"^(?:(?:the|a|an|slow|slowly|smooth|gentle|steady|static|and|with|die|la|le) )*(?:{lexicon.CAMERA})",
    re.IGNORECASE,
)
ANY_CAMERA = re.compile(rf"\bthe camera\b|{lexicon.CAMERA.removeprefix('camera|')}", re.IGNORECASE)
FRAMING = re.compile(rf"^(?:an? |the )?(?:\w+ )?(?:{lexicon.FRAMING})(?: shot)?", re.IGNORECASE)
ANY_FRAMING = re.compile(rf"\b(?:{lexicon.FRAMING})|特写|特寫", re.IGNORECASE)
LINK = re.compile(r"^\s*(?::|of\b)?\s*", re.IGNORECASE)
FOREIGN_LINK = re.compile(r"^\s*(?:von|vom|de|du|del|di|da|do|d')\b", re.IGNORECASE)
STYLE = re.compile(rf"\b(?:{lexicon.STYLE}|{lexicon.MONOCHROME})|动画|動畫|水墨|アニメ", re.IGNORECASE)
MONOCHROME = re.compile(lexicon.MONOCHROME, re.IGNORECASE)
TALE = re.compile(rf"^{lexicon.TALE}", re.IGNORECASE)
# Commas and full stops end a piece, but not within quotes or between digits, nor behind `Dr.`.
PIECE = re.compile(
    r"(?:\"[^\"]*\"|“[^”]*”|«[^»]*»|\d[.,]\d|\b(?:Dr|Mr|Mrs|Ms|St|Prof)\.|[^,.;!?。！？；，、\n])+", re.IGNORECASE
)
COLLECTIVES = word_set("""group pair herd flock pack crowd couple bunch team swarm school family row line dozen lot""")
NUMBERS = word_set("""two three four five six seven eight nine ten eleven twelve many several some few both""")
ADJECTIVES = word_set(
    """red orange yellow green blue purple pink white black grey gray brown golden silver big small large little tiny
    huge old young new tall short long beautiful graceful lonely happy sad dark bright shiny wild quick slow ancient
    wooden"""
)


@dataclass(frozen=True)
class PromptReading:
    """A prompt, taken apart; all texts are the person's own words."""

    opening: str
    """`a fairy tale of`, `a film about`."""
    framing: str
    """`close-up`, `aerial view`, if it is said before all else."""
    scene: str
    """What is seen and what happens: all that the other fields do not hold."""
    subject: str
    """The first noun phrase, with its article; empty if it is not certain where it ends."""
    predicate: str
    """What the subject does, up to the end of the scene; empty if no verb is known."""
    camera: tuple[str, ...]
    style: tuple[str, ...]
    kind: str
    action: str
    place: str
    time: str
    weather: str
    plural: bool
    says_camera: bool
    says_framing: bool
    stylised: bool
    monochrome: bool


def read(prompt: str) -> PromptReading:
    """Take a prompt apart."""
    text = " ".join(prompt.split())
    opening = found.group() if (found := TALE.match(text)) else ""
    framing, body = _split_framing(text[len(opening) :])
    scene, camera, style = _sort_pieces(body)
    subject, predicate = _split_clause(scene)
    plain = _plain_words(text)
    whole = _fold(text)
    return PromptReading(
        opening=opening.strip(),
        framing=framing,
        scene=scene,
        subject=subject,
        predicate=predicate,
        camera=camera,
        style=style,
        kind=_kind(subject, scene),
        action=_action(_plain_words(predicate or scene[len(subject) :]), whole),
        place=_concept(lexicon.PLACES, plain, whole),
        time=_concept(lexicon.TIMES, plain, whole),
        weather=_concept(lexicon.WEATHER, plain, whole),
        plural=_plural(subject),
        says_camera=bool(ANY_CAMERA.search(text)),
        says_framing=bool(ANY_FRAMING.search(text)),
        stylised=bool(STYLE.search(text)),
        monochrome=bool(MONOCHROME.search(text)),
    )


def _split_framing(text: str) -> tuple[str, str]:
    """`close-up of a fox` as `close-up` and `a fox`."""
    found = FRAMING.match(text)
    rest = text[found.end() :] if found else ""
    if not found or FOREIGN_LINK.match(rest):  # `primer plano de un ojo` stays one phrase
        return "", text
    link = LINK.match(rest)
    body = rest[link.end() :] if link else rest
    return (found.group(), body.lstrip(" ,")) if body.strip(" ,.") and re.match(r"[\s,:]", rest) else ("", text)


def _sort_pieces(text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The scene without the pieces that speak of nothing but the camera or the style, and those."""
    scene, camera, style = "", [], []
    for number, found in enumerate(PIECE.finditer(text)):
        piece = found.group().strip()
        stop = text[found.end() : found.end() + 1].strip()
        if CAMERA.match(piece) and number:
            camera.append(piece)
        elif (STYLE.search(piece) or FRAMING.match(piece)) and number and len(piece.split()) <= 5:
            style.append(piece)
        elif piece:
            scene += (" " if scene else "") + piece + stop
    return scene.strip().rstrip(",.;，。；、"), tuple(camera), tuple(style)


def _split_clause(scene: str) -> tuple[str, str]:
    """Subject and predicate of the first clause; the predicate goes on to the end of the scene."""
    tokens = list(re.finditer(r"\S+", scene))
    plain = [token.group().strip("'’,.;:!?").lower() for token in tokens]  # quotes stay: what is quoted is no verb
    for index in range(1, len(tokens)):
        if _is_verb(plain, index):
            start = tokens[index].start()
            subject = scene[:start].rstrip()
            return ("", "") if subject.endswith((",", ";", ".")) or index > 9 else (subject, scene[start:])
        if tokens[index - 1].group()[-1] in ",;.!?":
            return "", ""
    return _noun_phrase(scene, tokens, plain), ""


def _noun_phrase(scene: str, tokens: Sequence[re.Match[str]], plain: Sequence[str]) -> str:
    """The words before the first preposition, of a scene that is nothing but a thing and where it is."""
    if not plain or plain[0] not in DETERMINERS or UNSPACED.search(scene):
        return ""
    for index in range(2, len(tokens)):
        if plain[index] in PREPOSITIONS - {"of"}:
            return scene[: tokens[index].start()].rstrip()
    return scene if len(tokens) <= 6 and not re.search(r"[,.;]", scene) else ""


def begins_with_verb(text: str) -> bool:
    """Whether a clause begins with what a subject does: `crosses a river`."""
    first = text.split(" ", 1)[0].lower()
    _, third, participle = _verb_forms()
    return first in third | participle


def _is_verb(plain: Sequence[str], index: int) -> bool:
    """Whether the word begins the predicate, judged by its form and the words around it."""
    word, before = plain[index], plain[index - 1]
    after = plain[index + 1] if index + 1 < len(plain) else ""
    base, third, participle = _verb_forms()
    if before in DETERMINERS | PREPOSITIONS | {"and", "or"}:
        return False
    if word in ("is", "are", "was", "were", "has", "have"):
        return True
    if word in lexicon.AMBIGUOUS:
        leads_on = after in PREPOSITIONS | DETERMINERS or after.endswith("ly")
        return leads_on and plain[0] in DETERMINERS and before not in ADJECTIVES
    if word in third:
        return True
    if word in participle:
        return before not in ADJECTIVES and (_concept_of(lexicon.KINDS, before) != "" or index > 1)
    return word in base and (before in lexicon.PLURAL_NOUNS or (before.endswith("s") and not before.endswith("ss")))


@cache
def _verb_forms() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Base forms, third persons and present participles of the verbs that are known."""
    base = [verb for verbs in lexicon.ACTIONS.values() for verb in verbs.split()]
    return frozenset(base), frozenset(map(_third, base)), frozenset(map(_participle, base))


def _third(verb: str) -> str:
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else "s")


def _participle(verb: str) -> str:
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    one_syllable = len(re.findall(r"[aeiouy]+", verb)) == 1 or verb in ("begin", "forget")
    doubled = one_syllable and re.fullmatch(r".*[^aeiou][aeiou][bdgklmnprt]", verb)
    return verb + (verb[-1] if doubled else "") + "ing"


def _kind(subject: str, scene: str) -> str:
    """What the subject is: judged by its last noun, else by any word of it, else by the scene's."""
    head = head_noun(subject)
    for text in (head, subject, scene if not subject else ""):
        if kind := _concept(lexicon.KINDS, _plain_words(text), _fold(text)):
            return kind
    names = words(subject)
    is_name = bool(names) and len(names) <= 3 and all(word[0].isupper() for word in names)
    return "person" if is_name else "thing"


def head_noun(subject: str) -> str:
    """`fox` of `a red fox with a bell`, `wolves` of `a pack of wolves`."""
    nouns = subject.split()
    for index, word in enumerate(nouns):
        if word.lower() in PREPOSITIONS and index:
            if word.lower() == "of" and nouns[index - 1].lower() in COLLECTIVES:
                return head_noun(" ".join(nouns[index + 1 :]))
            return nouns[index - 1]
    return nouns[-1] if nouns else ""


def _plural(subject: str) -> bool:
    plain = [word.lower() for word in words(subject)]
    head = head_noun(subject).lower().strip(",.")
    if any(word in NUMBERS or (word.isdigit() and word != "1") for word in plain) or " and " in f" {subject} ":
        return True
    if plain[:1] in (["a"], ["an"]):
        return False
    return head in lexicon.PLURAL_NOUNS - {"fish", "deer", "sheep"} or (head.endswith("s") and not head.endswith("ss"))


def _action(plain: Sequence[str], whole: str) -> str:
    forms = _forms_by_action()
    known = next((forms[word] for word in plain if word in forms), "")
    return known or _concept(lexicon.FOREIGN_ACTIONS, plain, whole)


@cache
def _forms_by_action() -> Mapping[str, str]:
    return {
        form: action
        for action, verbs in lexicon.ACTIONS.items()
        for verb in verbs.split()
        for form in (verb, _third(verb), _participle(verb))
    }


def _concept(entries: Mapping[str, str], plain: Sequence[str], whole: str) -> str:
    """The concept of the first word that names one; in unspaced script, of the first character or run that does."""
    for word in plain:
        if concept := _concept_of(entries, word):
            return concept
    for concept, listed in entries.items():
        if any(word in whole for word in listed.split() if UNSPACED.search(word)):
            return concept
    return ""


def _concept_of(entries: Mapping[str, str], word: str) -> str:
    exact, stems = _index(tuple(entries.items()))
    if word in exact:
        return exact[word]
    return next((stems[word[:end]] for end in range(len(word), 1, -1) if word[:end] in stems), "")


@cache
def _index(entries: tuple[tuple[str, str], ...]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Words and stems by concept, accents folded."""
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    for concept, listed in entries:
        for word in map(_fold, listed.split()):
            if word.endswith("*"):
                stems.setdefault(word[:-1], concept)
            else:
                exact.setdefault(word, concept)
    return exact, stems


def _plain_words(text: str) -> list[str]:
    return [word.removesuffix("'s").removesuffix("’s") for word in words(_fold(text))]


def _fold(text: str) -> str:
    """Small letters without accents."""
    spread = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", "".join(mark for mark in spread if not unicodedata.combining(mark)))


def place_phrase(scene: str) -> str:
    """`through the snow` of `a fox runs through the snow at night`; empty if no phrase names a place."""
    tokens = scene.split()
    starts = [index for index, word in enumerate(tokens) if word.lower() in PREPOSITIONS - {"of", "with", "by", "from"}]
    for start in starts:
        stop = next((end for end in range(start + 1, len(tokens)) if _ends_phrase(tokens, end)), len(tokens))
        phrase = " ".join(tokens[start:stop]).rstrip(",.;:!?")
        if _concept(lexicon.PLACES, _plain_words(phrase), _fold(phrase)):
            return phrase
    return ""


def _ends_phrase(tokens: Sequence[str], index: int) -> bool:
    ended = tokens[index - 1][-1] in ",.;:!?"
    return ended or tokens[index].lower() in PREPOSITIONS - {"of"} or tokens[index].lower() in ("and", "while", "as")
