"""The key `reference` of result.json: where a density lies among people of an age and sex that the user gave."""

from __future__ import annotations

from typing import Any

from OpportunisticBMDLib.core.standing import SEXES, Peers, Person, Standing
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_numbers import rounded


def standing_as_json(standing: Standing | None) -> dict[str, Any] | None:
    """In the schema's order of keys."""
    if standing is None:
        return None
    return {
        "age_years": standing.person.age_years,
        "sex": standing.person.sex,
        "peers": [_peers(peers) for peers in standing.peers],
    }


def standing_from_json(document: Entries) -> Standing:
    """The standing that `standing_as_json` wrote.

    Raises:
        ValueError: keys that are missing, or that hold what they cannot.
    """
    person = Person(document.whole("age_years"), document.word("sex", SEXES))  # type: ignore[arg-type]  # one of these
    return Standing(person, tuple(_read_peers(entries) for entries in document.parts("peers")))


def _peers(peers: Peers) -> dict[str, Any]:
    return {
        "population": peers.population,
        "who": peers.who,
        "read_in": peers.read_in,
        "bmd_mg_cm3": rounded(peers.bmd_mg_cm3, 2),
        "mean_mg_cm3": rounded(peers.mean_mg_cm3, 2),
        "sd_mg_cm3": rounded(peers.sd_mg_cm3, 2),
        "z_score": rounded(peers.z_score, 2),
        "interpolated": peers.is_interpolated,
        "source": peers.source,
    }


def _read_peers(entries: Entries) -> Peers:
    sd = entries.optional(entries.number, "sd_mg_cm3")
    if sd is not None and sd <= 0:
        raise ValueError(f"{entries.place}.sd_mg_cm3 is not above 0")
    return Peers(
        population=entries.text("population"),
        who=entries.text("who"),
        mean_mg_cm3=entries.number("mean_mg_cm3"),
        sd_mg_cm3=sd,
        bmd_mg_cm3=entries.number("bmd_mg_cm3"),
        read_in=entries.text("read_in"),
        is_interpolated=entries.flag("interpolated"),
        source=entries.text("source"),
    )
