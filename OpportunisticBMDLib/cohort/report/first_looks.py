"""The CTs that somebody should look at first, each with a small picture."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from OpportunisticBMDLib.cohort.place import Place
from OpportunisticBMDLib.cohort.report.outliers import Finding
from OpportunisticBMDLib.cohort.row import REVIEW
from OpportunisticBMDLib.results.folder import PREVIEW, REPORT

MOST = 100
WIDTH_PX, QUALITY = 420, 60


@dataclass(frozen=True)
class Look:
    """A CT to look at.

    Args:
        density: in words.
        why: sentences.
        link: to its report, from the cohort's folder.
        picture: data URI; "" where there is none.
    """

    name: str
    density: str
    why: tuple[str, ...]
    link: str
    picture: str


def first_looks(known: pd.DataFrame, found: Sequence[Finding], place: Place) -> list[Look]:
    """Those that do not fit, the ones with most findings first; then those to review, the least sure first."""
    why: dict[str, list[str]] = defaultdict(list)
    for finding in found:
        why[finding.subject].append(finding.sentence)
    rows = known.assign(found=known["name"].map(lambda name: len(why.get(name, ()))))
    rows = rows[(rows["found"] > 0) | (rows["status"] == REVIEW)]
    rows = rows.sort_values(["found", "bmd_sd_mg_cm3", "name"], ascending=[False, False, True])[:MOST]
    return [
        Look(
            row.name,
            f"{row.bmd_mg_cm3:.0f} ± {row.bmd_sd_mg_cm3:.0f} mg/cm³",
            (*why.get(row.name, ()), *([row.message] if row.message else ())),
            quote(f"{place.cases.name}/{row.name}/{REPORT}"),
            _picture(place.of(row.name) / PREVIEW),
        )
        for row in rows.itertuples(index=False)
    ]


def _picture(preview: Path) -> str:
    from PIL import Image

    try:
        with Image.open(preview) as whole:
            small = whole.convert("RGB")
    except OSError:  # removed by the user
        return ""
    small.thumbnail((WIDTH_PX, WIDTH_PX))
    jpeg = io.BytesIO()
    small.save(jpeg, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"
