"""A cohort as tables and a page: how densities are spread, how scanners drift, and what to look at first."""

from __future__ import annotations

from OpportunisticBMDLib.cohort.report.write import write_report

__all__ = ["write_report"]
