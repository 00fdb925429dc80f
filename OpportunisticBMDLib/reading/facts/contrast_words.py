"""What a header says of contrast agents: in its own fields, and in words in several languages."""

from __future__ import annotations

import re
from typing import Any

from OpportunisticBMDLib.reading.facts.header_values import number_of, text_of
from OpportunisticBMDLib.reading.facts.known_words import known_agent, plain_letters

CONTRAST_TAGS = (
    "ContrastBolusAgent", "ContrastBolusRoute", "ContrastBolusVolume", "ContrastBolusStartTime",
    "ContrastBolusTotalDose", "ContrastBolusIngredient", "SeriesDescription", "ProtocolName", "StudyDescription",
)  # fmt: skip
GIVEN = "yes"

_UNKNOWN = re.compile(r"[\s?.*-]*|unknown|unk|unbekannt|n/?a|not (?:stated|known|available)|inconnu|x+", re.IGNORECASE)
_NO = (
    r"no|none|nil|non|not|n|pas|neg\w*|kein\w*|ohne|o\.|w/?o|without|sans|senza|sin|sem|zonder|uten|utan|uden|bez|nein|nej|nee"
    r"|nessuno?|aucun\w*|ninguno?|nenhum|nicht|nativ\w*|natif|native|plain|basale?|blanco|unenhanced|non-?enhanced"
    r"|non-?contrast|noncontrast|nc|ncct|nect|pre[- ]?contrast|pre[- ]?km|o ?/ ?km|km-|-km|c-|-c|0 ?ml|0 ?cc"
)
_AGENT_NAMES = (
    r"omnipa[qk]ue|ultravist|iomeron|imeron|isovue|visipa[qk]ue|optiray|xenetix|solutrast|accupa[qk]ue|[ji]opamiron?|niopam"
    r"|oxilan|hexabrix|telebrix|scanlux|conray|io(?:hexol|pamidol|promide?|dixanol|meprol|versol|bitridol|xilan|xaglate"
    r"|xithalamate|thalamate)|gad\w+|dotarem|magnevist|prohance|multihance|primovist|omniscan"
)
_BY_MOUTH = (
    r"oral\w*|per ?os|p\.?o\.?|by mouth|drank|getrunken|rectal\w*|rektal\w*|re[ck]to\w*|enema|einlauf|gastro\w+"
    r"|peritrast|barium\w*|micropa[qk]ue|readi-?cat|volumen|mannit\w+|water|wasser|eau|acqua|agua|telebrix gastro"
)
_INTO_VEINS = r"i\.?v\.?|intraven\w*|intra-?ven\w*|endoven\w*|ven\w+|arter\w+|intra-?art\w*|iv\+?"
# Words of a description that speak of a contrast agent in the vessels.
_PHASES = (
    r"portal\w*|porto\w*|ven(?:ous|oes|os|eux|euse|osa|oso|a)?|pv|pvp|arterial|arteriell\w*|arteriel\w*|arteriosa|art"
    r"|late|delayed|delay|spaet\w*|tardi\w*|excretory|nephrogra\w*|corticomedull\w*|equilibrium|urogra\w+|triphas\w+"
    r"|biphas\w+|multiphas\w+|angio\w*|cta|ctpa|cteph|cect|ce|contrast[- ]enhanced"
    r"|enhanced (?:chest|thorax|abd\w*|liver|ct|scan|phase)|(?<!low )(?<!high )contrast\w*|kontrast\w*"
    r"|km|mdc|m\.d\.c\.|mezzo di contrasto|c\+|\+c|post-?contrast|postcontrast|postkm|injecte\w*|injection|iv ?\+"
    r"|i\.v\.|bolus|w/? ?c|ivc"
)
_NOT_IONIC = re.compile(r"non[- ]?ionic|nicht[- ]?ionisch|non[- ]?ionique|non[- ]?ionico|low[- ]osmolar")
_CLAUSES = re.compile(r"[,;&|]|\+ ?(?=\w{2})| and | und | et | e | y |/(?!o\b|[woc]\b)", re.IGNORECASE)
_BOTH = re.compile(
    r"\b(?:w|with|mit|avec|con) ?(?:/|and|und|et|e|y|\+|&)? ?(?:w/?o|without|ohne|sans|senza|sin)\b"
    r"|\b(?:w/?o|without|ohne|sans|senza|sin) ?(?:/|and|und|et|e|y|\+|&)? ?(?:w|with|mit|avec|con)\b"
)
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?) ?(?:ml|cc)\b")


def contrast_agent_of(data: Any, identity: tuple[str, ...]) -> str | None:
    """The agent by its known name and "yes" without one; "" for an explicit no, None where nothing is told.

    An empty element only says that the agent is unknown; one whose volume is 0 was perhaps only planned.
    """
    text = text_of(data, "ContrastBolusAgent")
    if text is None or _UNKNOWN.fullmatch(text):
        return GIVEN if _says_given(data) else None
    if _all_deny(plain_letters(text)):
        return None if _says_given(data) else ""
    if number_of(data, "ContrastBolusVolume") == 0 and not _AMOUNT.search(text.lower()):
        return None
    affirmed = [clause for clause in _CLAUSES.split(text) if not _denies(_without_ionic(plain_letters(clause)))]
    return known_agent(" & ".join(clause.strip() for clause in affirmed), identity) or GIVEN


def is_oral_only(data: Any) -> bool:
    """Whether an agent was given by mouth or rectum, and none into a vein."""
    route = plain_letters(text_of(data, "ContrastBolusRoute") or "")
    if _says(_INTO_VEINS, route):
        return False
    clauses = [c for c in _clauses(plain_letters(text_of(data, "ContrastBolusAgent") or "")) if not _denies(c)]
    if any(_says(_INTO_VEINS, clause) for clause in clauses):
        return False
    if _says(_BY_MOUTH, route):
        return True
    return bool(clauses) and all(
        _says(_BY_MOUTH, clause) or _says("only|nur|ausschliesslich", clause) for clause in clauses
    )


def contrast_hint_of(data: Any, identity: tuple[str, ...]) -> str | None:
    """Words that speak of a contrast agent although none is stated, or contradict that there was none."""
    agent = contrast_agent_of(data, identity)
    if agent and not is_oral_only(data):
        return None
    if agent is None and (contradiction := _contradiction(data, identity)):
        return contradiction
    for tag in ("SeriesDescription", "ProtocolName", "StudyDescription"):
        words = _spoken(plain_letters(text_of(data, tag) or "").replace("_", " ").replace("^", " "))
        if words is not None:
            return words or None
    return None


def _contradiction(data: Any, identity: tuple[str, ...]) -> str | None:
    """An agent that is named, yet has no volume, or is denied, yet has one."""
    text = text_of(data, "ContrastBolusAgent")
    if text is None or _UNKNOWN.fullmatch(text):
        return None
    if _all_deny(plain_letters(text)):
        return "an agent is denied, yet has a volume, a time or a route"
    return " ".join(filter(None, (known_agent(text, identity), "with a volume of 0 ml")))


def _says_given(data: Any) -> bool:
    """Whether amount, time, route or ingredient speak of an agent that is not named."""
    amounts = (number_of(data, tag) or 0 for tag in ("ContrastBolusVolume", "ContrastBolusTotalDose"))
    start = (text_of(data, "ContrastBolusStartTime") or "").strip("0.: ")
    route = plain_letters(text_of(data, "ContrastBolusRoute") or "")
    ingredient = text_of(data, "ContrastBolusIngredient") or "NONE"
    is_stated = not _UNKNOWN.fullmatch(ingredient) and not _denies(plain_letters(ingredient))
    return (
        any(amount > 0 for amount in amounts) or bool(start) or _says(f"{_INTO_VEINS}|{_BY_MOUTH}", route) or is_stated
    )


def _spoken(text: str) -> str | None:
    """What a description says of contrast: the phase, "" that there is none, None where it says nothing."""
    clauses = _clauses(_BOTH.sub("with", text))
    affirmed = [match.group() for c in clauses if not _denies_phase(c) for match in _whole(_PHASES).finditer(c)]
    if affirmed:
        return " ".join(dict.fromkeys(affirmed))
    return "" if any(_denies_phase(c) for c in clauses) else None


def _denies_phase(clause: str) -> bool:
    """ "ohne KM", "non contrast", "nativ"; not "no" or "o" anywhere."""
    absent = (
        r"non-?contrast|noncontrast|non-?enhanced|unenhanced|ncct|nect|nativ\w*|natif|native|c-|-c|-km|km-"
        r"|pre[- ]?(?:contrast|km)"
    )
    without = rf"(?:{_NO})(?![a-z0-9])[ .-]*(?:\w+ ){{0,2}}?(?:{_PHASES})"
    return _says(absent, clause) or _says(without, clause)


def _all_deny(text: str) -> bool:
    clauses = _clauses(text)
    return bool(clauses) and all(_denies(clause) for clause in clauses)


def _denies(clause: str) -> bool:
    """Whether a no stands before what it denies: "NO IV CONTRAST", not "OMNIPAQUE, NO REACTION"."""
    first_no = _whole(_NO).search(clause)
    amounts = [float(amount.replace(",", ".")) for amount in _AMOUNT.findall(clause)]
    if any(amount > 0 for amount in amounts):
        return False
    if amounts:
        return True
    named = _whole(_AGENT_NAMES).search(clause)
    return first_no is not None and (named is None or first_no.start() < named.start())


def _clauses(text: str) -> list[str]:
    """Parts of a text that speak of one agent each; "non ionic" is no no."""
    return [clause.strip() for clause in _CLAUSES.split(_without_ionic(text)) if clause.strip()]


def _without_ionic(text: str) -> str:
    return _NOT_IONIC.sub(" ", text)


def _says(pattern: str, text: str) -> bool:
    return _whole(pattern).search(text) is not None


def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])")
