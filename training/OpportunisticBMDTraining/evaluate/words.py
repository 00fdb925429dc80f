"""Figures in words: numbers with their intervals, the same in Markdown and HTML."""

from __future__ import annotations

import math

from OpportunisticBMDTraining.evaluate.statistics import Estimate, Proportion

DASH = "–"


def number(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A dash where it is not finite; never a minus before a zero."""
    if not math.isfinite(value):
        return DASH
    rounded = round(value, digits) + 0.0
    return (f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}").replace("-", "−")


def interval(estimate: Estimate | Proportion, digits: int = 2) -> str:
    """ "0.965 to 1.000"."""
    return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"


def estimate(value: Estimate | None, digits: int = 2, *, sign: bool = False) -> str:
    """ "0.984 (0.965 to 1.000)"."""
    if value is None:
        return DASH
    return f"{number(value.value, digits, sign=sign)} ({interval(value, digits)})"


def percent(value: float, digits: int = 1) -> str:
    """ "96.6 %"; 100 and 0 only where it is all or none."""
    if not math.isfinite(value):
        return DASH
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    return f"{100 * value:.{digits}f} %"


def share(proportion: Proportion) -> str:
    """ "96.6 % (284/294)"."""
    return f"{percent(proportion.value)} ({proportion.k}/{proportion.n})" if proportion.n else DASH


def percent_interval(proportion: Proportion) -> str:
    """ "93.9 to 98.2 %"."""
    return f"{number(100 * proportion.low, 1)} to {number(100 * proportion.high, 1)} %"


def share_with_interval(proportion: Proportion) -> str:
    """ "96.6 % (284/294; 93.9 to 98.2 %)"."""
    return f"{share(proportion)[:-1]}; {percent_interval(proportion)})" if proportion.n else DASH


def p_value(p: float) -> str:
    """ "0.034"; "< 0.001"; a dash where it is not known."""
    if not math.isfinite(p):
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
