"""Whether the name of a file or folder may tell who the patient is."""

from __future__ import annotations

import re

from OpportunisticBMDLib.reading.facts.known_words import spellings

# Names are judged by the patient's own, where these are known, and by what dates, numbers and full names look like.
_DATE = r"(?<!\d)(?:(?:19|20)\d\d[-_. ]?[01]\d[-_. ]?[0-3]\d|[0-3]?\d[-_. ][0-1]?\d[-_. ](?:19|20)?\d\d)(?!\d)"
_LONG_NUMBER = r"\d{6,}"
_UID = r"(?<![\d.])[0-2](?:\.(?:0|[1-9]\d*)){4,}"
_PERSON = r"\w\^\w|(?-i:\A\s*[A-ZÄÖÜ][\w'-]+, ?[A-ZÄÖÜ][\w'-]+)"
_LOOKS_IDENTIFYING = re.compile("|".join((_DATE, _LONG_NUMBER, _UID, _PERSON)), re.IGNORECASE)
_SHORTEST = 3  # letters of a part of a name that is looked for within longer words


def holds_identity(text: str, identity: tuple[str, ...]) -> bool:
    """Whether a text holds a part of the patient's name or numbers, however it is spelt, or looks as if it did.

    Args:
        identity: as `identity_of` gives it; empty where the patient is not known.
    """
    if _LOOKS_IDENTIFYING.search(text):
        return True
    parts = {part for word in re.split(r"[\W_]+", text) if word for part in spellings(word)}
    whole = spellings(text)
    for known in (spelling for part in identity for spelling in spellings(part)):
        if known in parts or (len(known) >= _SHORTEST and any(known in spelling for spelling in whole)):
            return True
    return False
