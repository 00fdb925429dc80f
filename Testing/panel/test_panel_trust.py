"""What the panel says of how far a density can be trusted: a line, and behind it all figures."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from example_levels import sure
from example_results import refused
from example_trust import STATES, contrast_corrected, levels_unsure
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.results.trust_words import TITLES, details, trust_line
from OpportunisticBMDPanel.measuring.wording import trust_title
from OpportunisticBMDPanel.slicer import theme
from panel_harness import Panel


@pytest.fixture(scope="module")
def panel() -> Iterator[Panel]:
    """With a result, for others to be put in its place."""
    panel = Panel()
    panel.compute(harness.patient(panel.scene))
    yield panel
    panel.close()


def show(panel: Panel, result: Result) -> Panel:
    harness.put_result(panel.session, result)
    panel.widget.refresh()
    return panel


def is_shown(panel: Panel, name: str) -> bool:
    return getattr(panel.ui, name).isVisibleTo(panel.root)


def told(panel: Panel) -> str:
    """The details as they are read."""
    return html.unescape(re.sub(r"<[^>]+>", " ", panel.ui.trustDetailsLabel.text))


def test_details_are_closed_until_they_are_asked_for(panel: Panel):
    show(panel, contrast_corrected())
    assert panel.ui.trustSection.collapsed and is_shown(panel, "trustSection")


@pytest.mark.parametrize("state", STATES)
def test_every_state_shows_its_line_and_all_of_its_rows(panel: Panel, state: str):
    result = STATES[state]()
    show(panel, result)
    assert panel.ui.trustLabel.text == trust_line(result)
    assert is_shown(panel, "trustLabel") is bool(trust_line(result))
    assert is_shown(panel, "trustSection") is bool(details(result))
    for detail in details(result):
        assert trust_title(detail.kind) in told(panel)
        assert all(name in told(panel) and value in told(panel) for name, value in detail.rows)


@pytest.mark.parametrize("kind", TITLES)
def test_titles_are_those_of_the_report(kind: str):
    assert trust_title(kind) == TITLES[kind]


def test_levels_have_a_line_of_their_own_only_where_the_other_does_not_tell(panel: Panel):
    show(panel, contrast_corrected())
    assert not is_shown(panel, "levelsLabel")
    show(panel, levels_unsure())
    assert is_shown(panel, "levelsLabel") and "Which vertebrae are these?" in panel.ui.levelsLabel.text
    show(panel, replace(refused(), levels=sure()))
    assert is_shown(panel, "levelsLabel") and not is_shown(panel, "trustLabel")


def test_what_comes_from_outside_is_shown_as_it_is(panel: Panel):
    line = replace(contrast_corrected().calibration, source="a <b>file</b> & more")
    show(panel, replace(contrast_corrected(), calibration=line))
    assert "&lt;b&gt;file&lt;/b&gt; &amp; more" in panel.ui.trustDetailsLabel.text


def test_it_is_grey_while_the_number_is_out_of_date():
    panel = Panel()
    panel.compute(harness.patient(panel.scene))
    assert theme.muted() not in panel.ui.trustDetailsLabel.styleSheet
    harness.paint(panel.session, "L2")
    assert theme.muted() in panel.ui.trustDetailsLabel.styleSheet
    panel.close()
