"""The key `levels` of result.json: the vertebrae in view, and by what they were named."""

from __future__ import annotations

import re
from typing import Any

from OpportunisticBMDLib.core.grid import triple
from OpportunisticBMDLib.core.levels import CONVENTION, Answer, Levels, Rib, SeenVertebra, Variant
from OpportunisticBMDLib.results.json_entries import Entries
from OpportunisticBMDLib.results.json_numbers import all_rounded, rounded

_NAME = re.compile(r"[CTL]\d{1,2}")


def levels_as_json(levels: Levels | None, *, measured: bool) -> dict[str, Any] | None:
    """In the schema's order of keys.

    Args:
        measured: whether densities may be given.
    """
    if levels is None:
        return None
    return {
        "probability": rounded(levels.probability, 4),
        "moved_by_reader": levels.moved,
        "convention": CONVENTION,
        "variant": levels.variant.value,
        "sacrum_in_view": levels.sacrum_in_view,
        "answers": [_answer(answer, measured) for answer in levels.answers],
        "vertebrae": [_vertebra(vertebra) for vertebra in levels.vertebrae],
    }


def levels_from_json(document: Entries) -> Levels:
    """The levels that `levels_as_json` wrote.

    Raises:
        ValueError: entries are missing or hold what they cannot.
    """
    return Levels(
        vertebrae=tuple(_read_vertebra(vertebra) for vertebra in document.parts("vertebrae")),
        answers=tuple(_read_answer(answer) for answer in document.parts("answers")),
        variant=Variant(document.text("variant")),
        sacrum_in_view=document.flag("sacrum_in_view"),
        moved=document.whole("moved_by_reader"),
    )


def _answer(answer: Answer, measured: bool) -> dict[str, Any]:
    return {
        "shift": answer.shift,
        "probability": rounded(answer.probability, 4),
        "bmd_mg_cm3": rounded(answer.bmd_mg_cm3, 2) if measured else None,
    }


def _vertebra(vertebra: SeenVertebra) -> dict[str, Any]:
    return {
        "name": vertebra.name,
        "centre_ras_mm": all_rounded(vertebra.centre_ras_mm, 2),
        "lower_ras_mm": all_rounded(vertebra.lower_ras_mm, 2),
        "upper_ras_mm": all_rounded(vertebra.upper_ras_mm, 2),
        "whole": vertebra.whole,
        "ribs": {"right": _rib(vertebra.right), "left": _rib(vertebra.left)},
    }


def _rib(rib: Rib) -> dict[str, Any]:
    return {
        "state": rib.state,
        "probability": rounded(rib.probability, 4),
        "remnant_probability": rounded(rib.remnant, 4),
        "in_view": rib.in_view,
        "length_mm": rounded(rib.length_mm, 2),
        "calibre_mm": rounded(rib.calibre_mm, 2),
        "descent_degrees": rounded(rib.descent_degrees, 2),
        "course_ras_mm": [all_rounded(point, 2) for point in rib.course_ras_mm],
    }


def _read_answer(answer: Entries) -> Answer:
    bmd = answer.optional(answer.number, "bmd_mg_cm3")
    return Answer(answer.whole("shift"), answer.number("probability"), bmd)


def _read_vertebra(vertebra: Entries) -> SeenVertebra:
    if not _NAME.fullmatch(name := vertebra.text("name")):
        raise ValueError(f"{vertebra.place}.name is no vertebra")
    ribs = vertebra.part("ribs")
    return SeenVertebra(
        name=name,
        centre_ras_mm=triple(vertebra.numbers("centre_ras_mm", 3)),
        lower_ras_mm=triple(vertebra.numbers("lower_ras_mm", 3)),
        upper_ras_mm=triple(vertebra.numbers("upper_ras_mm", 3)),
        whole=vertebra.flag("whole"),
        right=_read_rib(ribs.part("right")),
        left=_read_rib(ribs.part("left")),
    )


def _read_rib(rib: Entries) -> Rib:
    return Rib(
        probability=rib.number("probability"),
        remnant=rib.number("remnant_probability"),
        in_view=rib.flag("in_view"),
        length_mm=rib.number("length_mm"),
        calibre_mm=rib.number("calibre_mm"),
        descent_degrees=rib.number("descent_degrees"),
        course_ras_mm=tuple(triple(point) for point in rib.points("course_ras_mm")),
    )
