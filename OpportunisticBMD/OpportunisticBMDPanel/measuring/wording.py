"""The panel's sentences that are not a result's own, and the fixed words of a result in the reader's language.

`_()` takes nothing but literals, which is all that translators are shown. What the library composes of words and
figures is therefore shown as it is.
"""

from __future__ import annotations

import html

from slicer.i18n import tr as _

from OpportunisticBMDLib.core.levels import Levels, Rib
from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.quality.levels import is_sure
from OpportunisticBMDLib.results import trust_words, wording
from OpportunisticBMDPanel.session import Session, State

AROUND = ("T11", "T12", "L1", "L2")  # where ribs end, and what is measured


def category(name: str) -> str:
    """ "Osteopenia"."""
    words = {"osteoporosis": _("Osteoporosis"), "osteopenia": _("Osteopenia"), "normal": _("Normal")}
    return words[name]


def severity(name: str) -> str:
    """ "Warning"."""
    return {"refusal": _("Refused"), "warning": _("Warning"), "info": _("Note")}[name]


def status_explanation(status: str) -> str:
    """What a result's status means, in a sentence."""
    sentences = {
        "measured": _("All checks passed."),
        "review": _(
            "A density was measured, but something about this CT or its masks asks for a look before it is used."
        ),
        "refused": _("No trustworthy density can be measured on this CT, so none is given."),
    }
    return sentences[status]


def rib(seen: Rib) -> str:
    """ "present, 7.5 cm in view"."""
    words = {
        "present": _("present"),
        "remnant": _("remnant"),
        "absent": _("absent"),
        "cannot tell": _("cannot tell"),
    }
    state, length = words[seen.state], wording.rib_in_view_cm(seen)
    if length is None:
        return state
    return _("{state}, {length} cm in view").format(state=state, length=f"{length:.1f}")


def progress(stage: str, fraction: float) -> str:
    """ "Segmenting the vertebrae, 54 %"."""
    stages = {
        "": _("Starting"),
        "prepare": _("Preparing the networks for this processor, once"),
        "localize": _("Finding T12, L1 and L2"),
        "name": _("Naming the vertebrae by their ribs"),
        "segment": _("Segmenting the cancellous bone"),
        "measure": _("Measuring the density"),
    }
    return f"{stages[stage]}, {100 * fraction:.0f} %" if stage else f"{stages[stage]}…"


def acquisition(result: Result) -> str:
    """ "120 kVp · kernel B30f · no contrast agent stated · 0.7 × 0.7 × 1.25 mm"."""
    facts = dict(wording.acquisition_facts(result))
    kind = wording.image_kind(result.acquisition)
    parts = [kind] if kind else []
    if result.acquisition.kvp is not None:
        parts.append(facts["Tube voltage"])
    if result.acquisition.kernel:
        parts.append(_("kernel {kernel}").format(kernel=result.acquisition.kernel))
    if result.acquisition.contrast_agent:
        parts.append(_("contrast agent {agent}").format(agent=facts["Contrast agent"]))
    elif result.acquisition.contrast_agent == "":
        parts.append(_("no contrast agent"))
    parts.append(facts["Voxel"])
    return " · ".join(parts)


def levels(result: Result) -> tuple[str, str]:
    """What the names rest on, or the question which vertebrae these are, and how grave it is ("info" or "warning").

    "" where the vertebrae in view are not known.
    """
    seen = result.levels
    if seen is None:
        return "", "info"
    if is_sure(seen):
        return wording.levels_short(seen), "info"
    answers = wording.levels_sentence(seen, result.thresholds)
    return _("Which vertebrae are these? {answers}").format(answers=answers), "warning"


def levels_evidence(seen: Levels) -> str:
    """ "T12: right rib present, 7.5 cm in view; left rib absent", a line for each of T11 to L2 that is in view."""
    text = _("{vertebra}: right rib {right}; left rib {left}")
    found = [vertebra for name in AROUND if (vertebra := seen.find(name))]
    ribs = [(v.name, rib(v.right), rib(v.left)) for v in found]
    return "\n".join(text.format(vertebra=name, right=right, left=left) for name, right, left in ribs)


def trust_details(result: Result) -> str:
    """All that a density rests on, as HTML: a title, and a row for each figure; "" where nothing is known."""
    rows = []
    for detail in trust_words.details(result):
        rows.append(f'<tr><td colspan="2" style="padding-top: 6px;"><b>{trust_title(detail.kind)}</b></td></tr>')
        rows += [
            f'<tr><td style="padding-right: 10px;">{html.escape(name)}</td><td>{html.escape(value)}</td></tr>'
            for name, value in detail.rows
        ]
    return f'<table width="100%" cellspacing="0" cellpadding="2">{"".join(rows)}</table>' if rows else ""


def trust_title(kind: str) -> str:
    """ "Calibration line"."""
    titles = {
        "steps": _("From reading to density"),
        "line": _("Calibration line"),
        "contrast": _("Contrast agent"),
        "unsure": _("What makes it unsure (SD)"),
        "levels": _("Which vertebrae these are"),
        "figures": _("Findings with their limits"),
    }
    return titles[kind]


def message(session: Session | None, note: str) -> tuple[str, str]:
    """What to do next, and how grave it is ("info", "warning" or "refusal"); "" where the result speaks for itself.

    Args:
        note: of the worker.
    """
    if session is None:
        words = _(
            "Load a CT of chest or abdomen that shows T12, L1 and L2: drag its files or DICOM folder into this "
            "window, then choose it above. To try it out: Sample Data, “VirtualPatient”."
        )
        return words, "info"
    if session.state is State.READY:
        words = _("Ready. Compute BMD finds T12, L1 and L2, outlines their cancellous bone and measures its density.")
        return f"{words} {note}".strip(), "info"
    if session.state is State.FAILED:
        return session.message, "refusal"
    if session.state in (State.RESULT, State.REFUSED) and session.box_moved:
        return _("The box was moved. “Segment again in this box” takes it up."), "info"
    if session.state is State.RESULT and note:
        return note, "info"
    return "", "info"
