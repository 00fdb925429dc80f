"""The report as a PDF, for archives that take no page: the same words and picture as report.html, on sheets of A4."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.image import imread

from OpportunisticBMDLib import __version__
from OpportunisticBMDLib.core.result import STAGES, Result
from OpportunisticBMDLib.core.vertebra import VertebraFigures
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDLib.results import wording
from OpportunisticBMDLib.results.json_file import SOFTWARE
from OpportunisticBMDLib.results.report_text import report_text
from OpportunisticBMDLib.results.trust_words import trust_line

TITLE = "Bone mineral density from CT"
WIDTH, HEIGHT, MARGIN = 8.27, 11.69, 0.7  # inches, A4
POINTS = 9.5
_LINE = 0.19  # inches from one line to the next
_COLUMNS = 96  # characters of a line
_SHOWN = 16  # characters of a checksum: enough to tell models apart; all of them are in result.json
_INK, _MUTED = "#17202b", "#5c6875"


@dataclass(frozen=True)
class _Line:
    words: str
    is_heading: bool = False


def render_pdf(result: Result, preview_png: bytes) -> bytes:
    """The report as the bytes of a PDF file. Nothing in it says who the patient is.

    Args:
        preview_png: the picture; it stands on the first sheet.
    """
    lines = list(_lines(result))
    stream = io.BytesIO()
    with PdfPages(stream, metadata={"Title": TITLE, "Creator": f"{SOFTWARE} {__version__}"}) as pages:
        sheet, top = _sheet(), HEIGHT - MARGIN
        top = _picture(sheet, preview_png, top)
        for line in lines:
            if top < 1.6 * MARGIN:
                pages.savefig(sheet)
                sheet, top = _sheet(), HEIGHT - MARGIN
            weight, size = ("bold", POINTS + 1) if line.is_heading else ("normal", POINTS)
            _write(sheet, MARGIN, top, line.words, size, _INK, weight)
            top -= _LINE
        pages.savefig(sheet)
    return stream.getvalue()


def _sheet() -> Figure:
    sheet = Figure(figsize=(WIDTH, HEIGHT), facecolor="white")
    _write(sheet, MARGIN, 0.5 * MARGIN, f"{SOFTWARE} {__version__}. {wording.RESEARCH_ONLY}", 8, _MUTED)
    return sheet


def _picture(sheet: Figure, png: bytes, top: float) -> float:
    """Draws title and picture; where the text begins under it, inches from the foot of the sheet."""
    _write(sheet, MARGIN, top, TITLE, 15, _INK, "bold")
    picture = imread(io.BytesIO(png), format="png")
    width = WIDTH - 2 * MARGIN
    height = width * picture.shape[0] / picture.shape[1]
    bottom = top - 0.3 - height
    axes = sheet.add_axes((MARGIN / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))
    axes.imshow(picture, aspect="auto")
    axes.axis("off")
    return bottom - 0.35


def _write(sheet: Figure, x: float, y: float, words: str, size: float, colour: str, weight: str = "normal") -> None:
    sheet.text(x / WIDTH, y / HEIGHT, words, fontsize=size, color=colour, weight=weight, va="center", parse_math=False)


def _lines(result: Result) -> Iterator[_Line]:
    for heading, paragraphs in _parts(result):
        yield _Line(heading, is_heading=True)
        for paragraph in paragraphs:
            yield from map(_Line, textwrap.wrap(paragraph, _COLUMNS))
        yield _Line("")


def _parts(result: Result) -> Iterator[tuple[str, list[str]]]:
    """Headings with their paragraphs."""
    yield wording.STATUS_WORDS[result.status], [report_text(result), *filter(None, [trust_line(result)])]
    yield "Vertebrae", [_vertebra(name, result) for name in VERTEBRAE]
    reasons = [
        f"{wording.SEVERITY_WORDS[reason.severity]}: {wording.reason_sentence(reason)}"
        for reason in wording.ordered_reasons(result)
    ]
    if reasons:
        yield "Reasons for caution", reasons
    yield "The scan", [f"{name}: {value}" for name, value in wording.acquisition_facts(result)]
    yield "Models", [_model(stage, result) for stage in STAGES]


def _vertebra(name: str, result: Result) -> str:
    vertebra = result.vertebrae.get(name)
    if vertebra is None or vertebra.mask is None:
        return f"{name}: no mask"
    figures = VertebraFigures.of(vertebra)
    used = ", used in the mean" if name in result.vertebrae_used else ""
    density = wording.with_sd(figures.bmd_mg_cm3, figures.bmd_sd_mg_cm3)
    read = f"middle {wording.number(figures.hu_region)} HU (SD {wording.number(figures.hu_region_sd)})"
    return f"{name}: {density} {wording.unit(result)}, {read}, mask {figures.volume_mm3 / 1000:.1f} cm³{used}"


def _model(stage: str, result: Result) -> str:
    model = result.models.get(stage)
    return f"{stage}: not run" if model is None else f"{stage}: {model['name']}, SHA-256 {model['sha256'][:_SHOWN]}"
