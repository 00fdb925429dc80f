"""Where a density lies among people of the same age, in words; and the curves as a picture's figures."""

from __future__ import annotations

from dataclasses import dataclass

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.standing import OLDEST, Peers, Standing
from OpportunisticBMDLib.reference import curves_of
from OpportunisticBMDLib.results.wording import DASH, capital, signed

NO_T_SCORE = "Other people's means, not a diagnosis: no T-score is given, as there is none for QCT of the spine (ISCD)."
YOUNGEST = 18  # years, at the left of the plot
TICKS = (20, OLDEST)
TOP_MG_CM3 = 220.0


@dataclass(frozen=True)
class PlottedCurve:
    """A curve in a plot from `YOUNGEST` to `OLDEST` years and from 0 to `TOP_MG_CM3`, its corners as shares of both.

    Args:
        mean: (age, density) of each corner, 0..1.
        band: the corners of one SD around it, round about; () where no SD was published.
    """

    population: str
    mean: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...]


def standing_line(result: Result) -> str:
    """ "Z-score −0.8 (L1 of 20,374 adults, men and women of 63 years); mean of women of 63 years 111 mg/cm³ HA (China
    Biobank)."; "" where nobody gave an age.
    """
    standing = result.standing
    if standing is None:
        return ""
    if not standing.peers:
        return f"No reference curve is known for these vertebrae at an age of {standing.person.age_years} years."
    scored = [peers for peers in standing.peers if peers.z_score is not None]
    others = [peers for peers in standing.peers if peers.z_score is None]
    scores = [f"Z-score {z_score(peers)} ({peers.population}, {peers.who})" for peers in scored]
    means = [f"mean of {peers.who} {peers.mean_mg_cm3:.0f} mg/cm³ HA ({peers.population})" for peers in others]
    line = "; ".join([*scores, *means])
    return f"{capital(line)}."


def z_score(peers: Peers) -> str:
    """ "−0.8"; a dash where no SD was published."""
    return DASH if peers.z_score is None else signed(peers.z_score)


def mean_and_sd(peers: Peers) -> str:
    """ "118 ± 32", or the mean alone."""
    return f"{peers.mean_mg_cm3:.0f}" + ("" if peers.sd_mg_cm3 is None else f" ± {peers.sd_mg_cm3:.0f}")


def remarks(peers: Peers) -> str:
    """What to mind of a mean, and where it was published."""
    between = "between the published ages by a straight line; " if peers.is_interpolated else ""
    return f"{between}{peers.source}"


def plotted(standing: Standing) -> list[PlottedCurve]:
    """The curves that somebody can be held against."""
    curves = []
    for curve in curves_of(standing.person):
        mean = tuple(place(age, value) for age, value in zip(curve.ages, curve.means_mg_cm3))
        band: tuple[tuple[float, float], ...] = ()
        if curve.sds_mg_cm3 is not None:
            corners = list(zip(curve.ages, curve.means_mg_cm3, curve.sds_mg_cm3))
            upper = [place(age, value + sd) for age, value, sd in corners]
            band = tuple(upper + [place(age, value - sd) for age, value, sd in reversed(corners)])
        curves.append(PlottedCurve(curve.population, mean, band))
    return curves


def place(age_years: float, bmd_mg_cm3: float) -> tuple[float, float]:
    """Where a point lies in the plot: shares of its width from the left and of its height from below, 0..1."""
    across = (age_years - YOUNGEST) / (OLDEST - YOUNGEST)
    return min(max(across, 0.0), 1.0), min(max(bmd_mg_cm3 / TOP_MG_CM3, 0.0), 1.0)
