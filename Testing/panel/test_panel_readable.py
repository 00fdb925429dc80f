"""What the panel shows can be read: in Slicer's light and dark style, in a narrow panel, and in a font of 150 %."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6 import QtCore, QtWidgets

import example_trust
import panel_harness
from looks import LOOKS, SIZES, dress, fit_to_width
from OpportunisticBMDPanel.annotating.message import show_message
from OpportunisticBMDPanel.measuring import threshold_plot
from OpportunisticBMDPanel.slicer import theme
from panel_harness import Panel, patient, qt, slicer

TEXT_CONTRAST, LINE_CONTRAST = 4.5, 3.0  # WCAG 2, AA


@pytest.fixture(autouse=True)
def undressed() -> Iterator[None]:
    """Leaves the application as it was."""
    application = qt.QApplication.instance()
    palette, font = application.palette(), application.font()
    yield
    application.setPalette(palette)
    application.setFont(font)


def luminance(colour: str) -> float:
    """Of "#rrggbb", relative to white, as WCAG 2 defines it."""
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("role", ["Window", "Base"])
def test_every_text_stands_out_from_its_ground(look, role):
    dress(look)
    ground = LOOKS[look][role]
    colours = {category: theme.category_colour(category) for category in theme.CATEGORIES}
    colours |= {severity: theme.severity_colour(severity) for severity in theme.SEVERITIES}
    colours |= {"text": theme.ink(), "muted": theme.muted()}
    for name, colour in colours.items():
        chip = theme.mixed(colour, ground, theme.CHIP_ALPHA / 255)
        banner = theme.mixed(colour, ground, theme.BANNER_ALPHA / 255)
        assert contrast(colour, ground) >= TEXT_CONTRAST, name
        assert contrast(colour, chip) >= TEXT_CONTRAST, f"{name} on its chip"
        assert contrast(theme.ink(), banner) >= TEXT_CONTRAST, f"text on the banner of {name}"


@pytest.mark.parametrize("look", LOOKS)
def test_every_line_of_a_diagram_stands_out(look):
    dress(look)
    assert all(contrast(colour, theme.ground()) >= LINE_CONTRAST for colour in theme.curve_colours())


def test_no_other_file_of_the_panel_has_colours_of_its_own():
    files = [*(panel_harness.MODULE / "OpportunisticBMDPanel").rglob("*.py"), *panel_harness.MODULE.rglob("*.ui")]
    coloured = {path.name for path in files if re.search(r"#[0-9a-fA-F]{6}\b|<color>", path.read_text("utf-8"))}
    assert coloured == {"theme.py"}


@pytest.mark.parametrize("look", LOOKS)
def test_a_fault_is_told_in_a_colour_that_can_be_read(look):
    dress(look)
    label = qt.QLabel()
    show_message(label, "The disk is full.", is_fault=True)
    assert theme.severity_colour("refusal") in label.styleSheet
    show_message(label, "Saved.")
    assert label.styleSheet == ""


def computed(bone_hu: float = 150.0) -> Panel:
    panel = Panel()
    panel.compute(patient(panel.scene, bone_hu=bone_hu))
    return panel


def test_a_change_of_slicers_style_is_followed():
    dress("light")
    panel = computed()
    on_light = panel.ui.categoryLabel.styleSheet, panel.ui.intervalLabel.styleSheet
    dress("dark")
    panel.widget.refresh()
    on_dark = panel.ui.categoryLabel.styleSheet, panel.ui.intervalLabel.styleSheet
    assert all(light != dark for light, dark in zip(on_light, on_dark))
    panel.close()


def opened(panel: Panel) -> Panel:
    """With all sections of the panel open."""
    for name in ("trust", "compare", "correct", "batch", "settings"):
        getattr(panel.ui, f"{name}Section").collapsed = False
    return panel


def empty() -> Panel:
    return opened(Panel())


def measured() -> Panel:
    """As the category with the longest word."""
    panel = opened(computed(bone_hu=80.0))
    assert "Osteoporosis" in panel.ui.categoryLabel.text
    return panel


def long_words() -> Panel:
    """Everything that can be said of a density, in long sentences."""
    panel = opened(computed())
    panel_harness.put_result(panel.session, example_trust.long_words())
    panel.widget.refresh()
    assert not panel.ui.trustSection.collapsed and "Findings with their limits" in panel.ui.trustDetailsLabel.text
    return panel


def refused() -> Panel:
    panel = opened(computed())
    for vertebra in ("L1", "L2"):
        panel.widget.results.use_boxes[vertebra].click()
        panel.settle()
    return panel


def running() -> Panel:
    panel = opened(Panel())
    panel.choose(patient(panel.scene))
    panel.logic.warm_up()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    panel.logic.tick()
    return panel


def annotating() -> Panel:
    panel = Panel()
    panel.ui.annotatingSection.click()
    return panel


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "state", [empty, measured, long_words, refused, running, annotating], ids=lambda make: make.__name__
)
def test_nothing_is_cut_off(state, size):
    width_px, font_pt = SIZES[size]
    dress("light", font_pt)
    panel = state()
    for look in LOOKS:
        dress(look, font_pt)
        fit_to_width(panel, width_px)
        assert panel.root.width == width_px, "the panel cannot be made so narrow"
        assert list(cut_off(panel.root)) == []
    panel.close()


def cut_off(root: QtWidgets.QWidget) -> Iterator[str]:
    """The texts that have less room than they need."""
    for kind in (QtWidgets.QLabel, QtWidgets.QAbstractButton, QtWidgets.QTableWidget):
        for widget in QtWidgets.QWidget.findChildren(root, kind):
            if QtWidgets.QWidget.isVisible(widget) and not is_in_closed_section(widget):
                yield from CUT_OFF[kind](widget)


def is_in_closed_section(widget: QtWidgets.QWidget) -> bool:
    parent = QtWidgets.QWidget.parentWidget(widget)
    return parent is not None and (getattr(parent, "collapsed", False) or is_in_closed_section(parent))


def cut_off_label(label: QtWidgets.QLabel) -> Iterator[str]:
    have, needed = QtWidgets.QWidget.size(label), QtWidgets.QLabel.sizeHint(label)
    if QtWidgets.QLabel.wordWrap(label):
        width = QtWidgets.QLabel.minimumSizeHint(label).width()
        needed = QtCore.QSize(width, QtWidgets.QLabel.heightForWidth(label, have.width()))
    text = QtWidgets.QLabel.text(label)
    if text and (have.width() < needed.width() or have.height() < needed.height()):
        yield text


def cut_off_button(button: QtWidgets.QAbstractButton) -> Iterator[str]:
    text = QtWidgets.QAbstractButton.text(button)
    if text and QtWidgets.QWidget.width(button) < type(button).sizeHint(button).width():
        yield text


def cut_off_columns(table: QtWidgets.QTableWidget) -> Iterator[str]:
    header = table.horizontalHeader()
    for n in range(table.columnCount):
        needed = max(table.sizeHintForColumn(n), header.sectionSizeHint(n))
        if not table.isColumnHidden(n) and table.columnWidth(n) < needed:
            yield table.horizontalHeaderItem(n).text()
    can_scroll = table.horizontalScrollBarPolicy != qt.Qt.ScrollBarAlwaysOff
    if not can_scroll and header.length() > QtWidgets.QWidget.width(table.viewport()):
        yield "the last columns"


CUT_OFF = {
    QtWidgets.QLabel: cut_off_label,
    QtWidgets.QAbstractButton: cut_off_button,
    QtWidgets.QTableWidget: cut_off_columns,
}


def test_a_wider_panel_shows_all_columns_again():
    dress("light")
    panel = computed()
    table = panel.ui.vertebraTable
    seen = {}
    for width_px in (330, 600):
        fit_to_width(panel, width_px)
        seen[width_px] = {n for n in range(table.columnCount) if not table.isColumnHidden(n)}
    assert seen[330] >= {0, 1, 2, 3} and len(seen[330]) < 7
    assert seen[600] == set(range(7))
    panel.close()


def test_long_folders_of_former_days_do_not_widen_the_panel():
    former = empty()
    former.ui.batchInputEdit.currentPath = "/archive" + 20 * "/a-long-folder"
    former.ui.batchInputEdit.addCurrentPathToHistory()
    former.close()
    dress("light")
    panel = empty()
    assert panel.ui.batchInputEdit.currentPath.startswith("/archive")
    fit_to_width(panel, SIZES["narrow"][0])
    assert panel.root.width == SIZES["narrow"][0]
    panel.close()


def test_sizes_follow_slicers_font():
    dress("light", 9.0)
    small = theme.size_pt(2.0)
    dress("light", 13.5)
    assert (small, theme.size_pt(2.0)) == (18.0, 27.0)
    assert slicer.app.font().pointSizeF() == 13.5


def test_the_words_of_the_plot_follow_slicers_font_and_have_room():
    dress("light", 9.0)
    panel = computed()
    words_px = {}
    for font_pt in (9.0, 13.5):
        dress("light", font_pt)
        fit_to_width(panel, 500)
        picture = panel.ui.plotLabel.pixmap.toImage()
        height, width = picture.height(), picture.width()
        is_inked = [any(picture.pixelColor(x, y).alpha() for x in range(width)) for y in range(height)]
        bar_end = threshold_plot.BAR_TOP + threshold_plot.BAR_HEIGHT
        below = round(height * bar_end / panel.ui.plotLabel.height) + 1
        words_px[font_pt] = sum(is_inked[below:]) / height * panel.ui.plotLabel.height
        assert not is_inked[-1], "the last line is cut off"
    assert words_px[13.5] == pytest.approx(1.5 * words_px[9.0], rel=0.15)
    panel.close()
