"""report.html: the result for people, one file that needs nothing else and prints on A4."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.levels import CONVENTION, Levels, SeenVertebra
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.dicom.codes import SEGMENT_COLOURS
from OpportunisticBMDLib.quality.unusual_levels import WORDS as VARIANT_WORDS
from OpportunisticBMDLib.results import standing_words, trust_words, wording
from OpportunisticBMDLib.results.json_file import SOFTWARE, STAGES, ZERO
from OpportunisticBMDLib.system.pages import page_template

if TYPE_CHECKING:
    from jinja2 import Template

# The bar ends here: nearly every patient between 30 and 90 years lies within (field of the QCT reference data).
SCALE_MG_CM3 = 220.0
BAR_WIDTH = 640.0
PLOT_WIDTH, PLOT_HEIGHT = 560.0, 170.0  # of the curves by age
AROUND = ("T11", "T12", "L1", "L2")  # where thorax and loin meet: shown with and without ribs
STAGE_WORDS = {"localizer": "Localizer", "skeleton": "Skeleton", "segmentation": "Segmentation", "bmd": "Density"}


def render_report(result: Result, preview_png: bytes) -> str:
    """The report as one HTML page; every text from outside is escaped.

    Args:
        result: measured, review or refused.
        preview_png: the preview picture, embedded as base64.
    """
    return template().render(
        result=result,
        measured=result.status != "refused" and result.bmd_mg_cm3 is not None,
        words=wording,
        interval=wording.interval(result),
        bar=_bar(result),
        vertebrae=[(name, _figures(result, name), _css_colour(name)) for name in VERTEBRAE],
        levels=result.levels,
        trust_line=trust_words.trust_line(result),
        trust=[detail for detail in trust_words.details(result) if detail.kind != "levels"],
        trust_titles=trust_words.TITLES,
        standing=result.standing,
        standing_words=standing_words,
        age_plot=_age_plot(result),
        rib_rows=_rib_rows(result.levels),
        convention=CONVENTION,
        variants=VARIANT_WORDS,
        models=[(STAGE_WORDS[stage], result.models.get(stage)) for stage in STAGES],
        picture=base64.b64encode(preview_png).decode("ascii"),
        zero=ZERO,
        software=f"{SOFTWARE} {__version__}",
    )


def template() -> Template:
    """Of the page."""
    return page_template("OpportunisticBMDLib.results", "report.html.j2")


def _bar(result: Result) -> dict[str, float]:
    """Positions on the bar in its own units, from 0 at the left to `BAR_WIDTH`."""
    bounds = wording.interval(result) or (result.bmd_mg_cm3, result.bmd_mg_cm3)
    osteoporosis, osteopenia = result.thresholds.in_ha
    values = {
        "osteoporosis": osteoporosis,
        "osteopenia": osteopenia,
        "value": result.bmd_mg_cm3,
        "low": bounds[0],
        "high": bounds[1],
    }
    scale = max(SCALE_MG_CM3, osteopenia * 1.5)
    positions = {name: BAR_WIDTH * min(max(value or 0.0, 0.0), scale) / scale for name, value in values.items()}
    return {**positions, "width": BAR_WIDTH, "end": scale}


def _age_plot(result: Result) -> dict[str, Any] | None:
    """The curves and the patient among them in the plot's own units, from its upper left corner."""
    if result.standing is None or result.bmd_mg_cm3 is None or not result.standing.peers:
        return None

    def at(place: tuple[float, float]) -> tuple[float, float]:
        return round(PLOT_WIDTH * place[0], 1), round(PLOT_HEIGHT * (1 - place[1]), 1)

    def line(corners: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{x},{y}" for x, y in map(at, corners))

    curves = standing_words.plotted(result.standing)
    ages = range(standing_words.TICKS[0], standing_words.TICKS[1] + 1, 10)
    return {
        "width": PLOT_WIDTH,
        "height": PLOT_HEIGHT,
        "curves": [(curve.population, line(curve.mean), line(curve.band)) for curve in curves],
        "ages": [(age, at(standing_words.place(age, 0))[0]) for age in ages],
        "densities": [(bmd, at(standing_words.place(0, bmd))[1]) for bmd in (50, 100, 150, 200)],
        "patient": at(standing_words.place(result.standing.person.age_years, result.standing.peers[0].bmd_mg_cm3)),
    }


def _rib_rows(levels: Levels | None) -> list[SeenVertebra]:
    """From head to foot: those around the last ribs, all with ribs, and the lowest in view."""
    vertebrae = levels.vertebrae if levels else ()
    return [v for v in vertebrae if v.name in AROUND or v is vertebrae[-1] or _bears_ribs(v)]


def _bears_ribs(vertebra: SeenVertebra) -> bool:
    return any(rib.state in ("present", "remnant") for rib in (vertebra.right, vertebra.left))


def _figures(result: Result, name: str) -> VertebraFigures | None:
    vertebra = result.vertebrae.get(name)
    return None if vertebra is None else VertebraFigures.of(vertebra)


def _css_colour(name: str) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in SEGMENT_COLOURS[name])
