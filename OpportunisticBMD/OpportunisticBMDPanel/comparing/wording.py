"""What the section says of a result among others. Figures and names of the library's own are shown as they are."""

from __future__ import annotations

import html
from collections.abc import Sequence

from slicer.i18n import tr as _

from OpportunisticBMDLib.followup import Change
from OpportunisticBMDLib.followup import wording as followup_wording
from OpportunisticBMDLib.results import wording
from OpportunisticBMDPanel.slicer import theme


def verdict(change: Change) -> str:
    """ "Changed"."""
    return _("Changed") if change.is_significant else _("Within measurement error")


def table(changes: Sequence[Change]) -> str:
    """A row for each earlier scan, as HTML: then, now, change, least significant change."""
    titles = (
        _("Earlier scan"),
        _("Then<br>mg/cm³"),
        _("Now<br>mg/cm³"),
        _("Change<br>mg/cm³"),
        _("Least<br>signif.<br>mg/cm³"),
    )
    head = "".join(f'<th align="{_side(n)}" valign="bottom">{title}</th>' for n, title in enumerate(titles))
    rows = "".join(f"<tr>{_cells(change)}</tr>" for change in changes)
    return f'<table width="100%" cellspacing="0" cellpadding="2"><tr>{head}</tr>{rows}</table>'


def sentences(change: Change) -> str:
    """The verdict and what to mind, as HTML."""
    severity = "warning" if change.is_significant else "info"
    colour, shape = theme.severity_colour(severity), theme.SEVERITY_SHAPES[severity]
    told = html.escape(followup_wording.sentence(change))
    lines = [f'<p style="color: {colour};"><b>{shape} {verdict(change)}</b></p><p>{told}</p>']
    if change.cautions:
        items = "".join(f"<li>{html.escape(caution)}</li>" for caution in change.cautions)
        lines.append(f"<p>{_('Not the same in both:')}</p><ul>{items}</ul>")
    return "".join(lines)


def one_person() -> str:
    """What no result can tell."""
    return _("Nothing in a result tells whose it is: that both are of one person is for you to know.")


def _cells(change: Change) -> str:
    texts = (
        html.escape(followup_wording.scan(change.before)),
        f"{change.before_mg_cm3:.1f}",
        f"{change.after_mg_cm3:.1f}",
        f"<b>{wording.signed(change.by_mg_cm3)}</b>",
        f"{change.precision.least_significant_change:.1f}",
    )
    return "".join(f'<td align="{_side(n)}">{text}</td>' for n, text in enumerate(texts))


def _side(column: int) -> str:
    return "right" if column else "left"
