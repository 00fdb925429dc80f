"""The result with the CT beside it: which vertebra the views show, crosshair, 3D, and the window for bone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("PySide6", reason="the window's tests need the dev extra")
pytest.importorskip("slicer", reason="the window's tests need slicer-core")

import panel_harness as harness
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.slicer.views import SlicerViews
from panel_harness import Panel, qt, slicer

WIDE_MM, NARROW_MM, OWN_MM = 400.0, 30.0, 120.0  # how much of the patient a slice view shows


class Window:
    """The views of Slicer's four-up layout, as far as they are in the scene."""

    def __init__(self, scene: Any) -> None:
        self.slices = [_named(scene, "vtkMRMLSliceNode", name) for name in ("Red", "Green", "Yellow")]
        self.composites = [_named(scene, "vtkMRMLSliceCompositeNode", name) for name in ("Red", "Green", "Yellow")]
        self.crosshair = _named(scene, "vtkMRMLCrosshairNode", "default")
        self.camera = scene.AddNewNodeByClass("vtkMRMLCameraNode")
        self.show_mm(WIDE_MM)

    def show_mm(self, shorter: float) -> None:
        """Every slice view is half as high as it is wide, and shows so much of the patient from top to bottom."""
        for view in self.slices:
            view.SetDimensions(400, 200, 1)
            view.SetFieldOfView(2 * shorter, shorter, 1.0)

    def middles(self) -> list[list[float]]:
        """RAS mm of what each slice view has in its middle."""
        return [[view.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)] for view in self.slices]

    def has_crosshair(self) -> bool:
        return self.crosshair.GetCrosshairMode() != slicer.vtkMRMLCrosshairNode.NoCrosshair


def _named(scene: Any, class_name: str, name: str) -> Any:
    node = getattr(slicer, class_name)()
    node.SetSingletonTag(name)
    return scene.AddNode(node)


@pytest.fixture
def panel() -> Iterator[Panel]:
    panel = Panel()
    yield panel
    panel.close()


@pytest.fixture
def window(panel: Panel) -> Window:
    """Views that show the result of a run."""
    window = Window(panel.scene)
    panel.compute(harness.patient(panel.scene))
    return window


def read_at(panel: Panel, name: str) -> list[float]:
    """RAS mm of where a vertebra's density was read."""
    return list(panel.session.result.vertebrae[name].middle.region.centre_ras)


def forget(panel: Panel, name: str) -> None:
    """As if a vertebra had not been found."""
    session = panel.session
    found = {key: value for key, value in session.result.vertebrae.items() if key != name}
    session.run = replace(session.run, result=replace(session.result, vertebrae=found))


def selected_rows(panel: Panel) -> list[int]:
    return sorted({index.row() for index in panel.ui.vertebraTable.selectionModel().selectedIndexes()})


def row(name: str) -> int:
    return VERTEBRAE.index(name)


# After a run


def test_all_views_show_where_l1_was_read(panel: Panel, window: Window):
    place = read_at(panel, "L1")
    assert window.middles() == [pytest.approx(place)] * 3
    assert {node.GetBackgroundVolumeID() for node in window.composites} == {panel.session.volume_node.GetID()}
    assert list(window.crosshair.GetCrosshairRAS()) == pytest.approx(place) and window.has_crosshair()
    assert list(window.camera.GetFocalPoint()) == pytest.approx(place)
    assert panel.ui.shownVertebraLabel.text == "Last shown: L1" and selected_rows(panel) == [row("L1")]


def test_3d_keeps_the_direction_and_distance_that_the_reader_looks_from(panel: Panel):
    window = Window(panel.scene)
    window.camera.SetFocalPoint(10.0, 20.0, 30.0)
    window.camera.SetPosition(310.0, 20.0, 30.0)
    panel.compute(harness.patient(panel.scene))
    assert list(window.camera.GetFocalPoint()) == pytest.approx(read_at(panel, "L1"))
    way = [a - b for a, b in zip(window.camera.GetPosition(), window.camera.GetFocalPoint())]
    assert way == pytest.approx([300.0, 0.0, 0.0])


@pytest.mark.parametrize("shown_mm", [WIDE_MM, NARROW_MM])
def test_slices_are_zoomed_to_the_vertebra_with_its_neighbours(panel: Panel, shown_mm: float):
    window = Window(panel.scene)
    window.show_mm(shown_mm)
    panel.compute(harness.patient(panel.scene))
    for view in window.slices:
        assert view.GetFieldOfView() == pytest.approx((280.0, 140.0, 1.0)), "as wide as the view is for its height"


def test_a_zoom_that_shows_the_vertebra_stays_the_readers_own(panel: Panel):
    window = Window(panel.scene)
    window.show_mm(OWN_MM)
    panel.compute(harness.patient(panel.scene))
    assert all(view.GetFieldOfView() == pytest.approx((2 * OWN_MM, OWN_MM, 1.0)) for view in window.slices)


def test_without_l1_they_show_t12(panel: Panel):
    window = Window(panel.scene)
    panel.compute(harness.patient(panel.scene))
    forget(panel, "L1")
    panel.logic.computed.emit(panel.session)
    assert window.middles()[0] == pytest.approx(read_at(panel, "T12"))


def test_the_run_of_another_volume_moves_no_view(panel: Panel, window: Window):
    first, before = panel.session.volume_node, window.middles()
    panel.choose(harness.patient(panel.scene, "second", orientation="oblique"))
    panel.ui.computeButton.click()
    panel.choose(first)
    panel.settle()
    assert window.middles() == before
    assert {node.GetBackgroundVolumeID() for node in window.composites} == {first.GetID()}


def test_a_scene_without_views_is_left_alone(panel: Panel):
    views = SlicerViews(panel.scene)
    views.point_at((1.0, 2.0, 3.0))
    views.zoom_to_vertebra()
    views.leave()


# The crosshair


def test_the_crosshair_is_hidden_again_when_the_module_is_left(panel: Panel, window: Window):
    assert window.has_crosshair()
    panel.widget.exit()
    assert not window.has_crosshair()


def test_the_crosshair_that_the_reader_had_stays_as_it_was(panel: Panel):
    window, own = Window(panel.scene), slicer.vtkMRMLCrosshairNode.ShowSmallBasic
    window.crosshair.SetCrosshairMode(own)
    panel.compute(harness.patient(panel.scene))
    assert window.crosshair.GetCrosshairMode() == own
    panel.widget.exit()
    assert window.crosshair.GetCrosshairMode() == own


def test_a_crosshair_that_the_reader_hides_stays_hidden(panel: Panel, window: Window):
    window.crosshair.SetCrosshairMode(slicer.vtkMRMLCrosshairNode.NoCrosshair)
    panel.ui.nextVertebraButton.click()
    assert not window.has_crosshair()


def test_a_crosshair_that_the_reader_chose_meanwhile_outlasts_the_module(panel: Panel, window: Window):
    own = slicer.vtkMRMLCrosshairNode.ShowSmallIntersection
    window.crosshair.SetCrosshairMode(own)
    panel.widget.exit()
    assert window.crosshair.GetCrosshairMode() == own


def test_the_next_scene_has_a_crosshair_again(panel: Panel, window: Window):
    panel.scene.Clear(False)
    assert not window.has_crosshair(), "Slicer brings its views' nodes back to how they began"
    panel.compute(harness.patient(panel.scene))
    assert window.has_crosshair() and window.middles()[0] == pytest.approx(read_at(panel, "L1"))


# From vertebra to vertebra


def test_the_arrows_lead_to_the_next_vertebra_and_end_at_the_last(panel: Panel, window: Window):
    ui = panel.ui
    ui.nextVertebraButton.click()
    assert window.middles() == [pytest.approx(read_at(panel, "L2"))] * 3 and selected_rows(panel) == [row("L2")]
    assert ui.shownVertebraLabel.text == "Last shown: L2" and not ui.nextVertebraButton.enabled
    ui.previousVertebraButton.click()
    ui.previousVertebraButton.click()
    assert window.middles() == [pytest.approx(read_at(panel, "T12"))] * 3 and selected_rows(panel) == [row("T12")]
    assert ui.nextVertebraButton.enabled and not ui.previousVertebraButton.enabled
    panel.widget._measuring.navigation.previous()
    assert ui.shownVertebraLabel.text == "Last shown: T12", "there is none above"


def test_the_arrows_keep_the_readers_zoom(panel: Panel, window: Window):
    window.show_mm(WIDE_MM)
    panel.ui.nextVertebraButton.click()
    assert window.slices[0].GetFieldOfView() == pytest.approx((2 * WIDE_MM, WIDE_MM, 1.0))


def test_a_click_on_a_row_shows_its_vertebra(panel: Panel, window: Window):
    panel.ui.vertebraTable.cellClicked.emit(row("T12"), 2)
    assert window.middles()[0] == pytest.approx(read_at(panel, "T12")) and selected_rows(panel) == [row("T12")]


def test_a_row_without_a_place_is_no_place_to_go_to(panel: Panel, window: Window):
    before = window.middles()
    forget(panel, "L2")
    panel.widget.refresh()
    panel.ui.vertebraTable.selectRow(row("L2"))
    panel.ui.vertebraTable.cellClicked.emit(row("L2"), 2)
    assert window.middles() == before and selected_rows(panel) == [row("L1")]
    assert not panel.ui.nextVertebraButton.enabled


def test_the_row_stays_marked_after_an_edit(panel: Panel, window: Window):
    panel.ui.nextVertebraButton.click()
    before = window.middles()
    harness.paint(panel.session, "L1")
    assert panel.session.state is State.STALE and selected_rows(panel) == [row("L2")]
    panel.settle()
    assert selected_rows(panel) == [row("L2")] and panel.ui.shownVertebraLabel.text == "Last shown: L2"
    assert window.middles() == before, "an edit moves no view"


def test_while_a_run_goes_on_there_is_nowhere_to_go(panel: Panel, window: Window):
    before = window.middles()
    panel.worker.holds_back = True
    panel.ui.computeButton.click()
    panel.widget._measuring.navigation.next()
    assert window.middles() == before and not panel.ui.nextVertebraButton.enabled


def test_of_another_volume_no_vertebra_is_shown_until_one_is_asked_for(panel: Panel, window: Window):
    first = panel.session.volume_node
    panel.compute(harness.patient(panel.scene, "second"))
    panel.choose(first)
    assert panel.ui.shownVertebraLabel.text == "" and selected_rows(panel) == []
    panel.ui.nextVertebraButton.click()
    assert panel.ui.shownVertebraLabel.text == "Last shown: L1"


# The window for bone


def test_the_window_for_bone_is_offered_and_never_forced(panel: Panel, window: Window):
    display = panel.session.volume_node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(350.0, 40.0)
    panel.ui.computeButton.click()
    panel.settle()
    assert (display.GetWindow(), display.GetLevel()) == (350.0, 40.0) and not panel.ui.boneWindowButton.checked
    panel.ui.boneWindowButton.click()
    assert (display.GetWindow(), display.GetLevel()) == (1800.0, 400.0) and not display.GetAutoWindowLevel()
    panel.ui.boneWindowButton.click()
    assert (display.GetWindow(), display.GetLevel()) == (350.0, 40.0) and not display.GetAutoWindowLevel()


def test_an_automatic_window_comes_back_as_automatic(panel: Panel, window: Window):
    display = panel.session.volume_node.GetDisplayNode()
    display.SetAutoWindowLevel(True)
    panel.ui.boneWindowButton.click()
    panel.ui.boneWindowButton.click()
    assert display.GetAutoWindowLevel()


def test_a_window_that_the_reader_drags_is_no_longer_that_for_bone(panel: Panel, window: Window):
    panel.ui.boneWindowButton.click()
    panel.session.volume_node.GetDisplayNode().SetWindowLevel(1700.0, 380.0)
    panel.widget._on_tick()
    assert not panel.ui.boneWindowButton.checked


def test_each_volume_has_its_own_window(panel: Panel, window: Window):
    first = panel.session.volume_node
    panel.ui.boneWindowButton.click()
    panel.compute(harness.patient(panel.scene, "second"))
    assert not panel.ui.boneWindowButton.checked
    panel.choose(first)
    assert panel.ui.boneWindowButton.checked
    panel.ui.boneWindowButton.click()
    assert first.GetDisplayNode().GetWindow() != 1800.0


def test_the_window_before_that_for_bone_is_saved_with_the_scene(panel: Panel, window: Window, tmp_path):
    panel.session.volume_node.GetDisplayNode().SetAutoWindowLevel(False)
    panel.session.volume_node.GetDisplayNode().SetWindowLevel(350.0, 40.0)
    panel.ui.boneWindowButton.click()
    assert panel.scene.WriteToMRB(str(tmp_path / "case.mrb"))
    panel.scene.Clear(False)
    assert panel.scene.ReadFromMRB(str(tmp_path / "case.mrb"))
    panel.choose(panel.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode"))
    assert panel.ui.boneWindowButton.checked
    panel.ui.boneWindowButton.click()
    display = panel.session.volume_node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (350.0, 40.0) and not display.GetAutoWindowLevel()


# How wide the panel is


def test_the_plot_follows_the_panels_width(panel: Panel, window: Window):
    for width in (620, 360):
        panel.root.resize(width, 900)
        panel.widget._on_tick()
        picture = panel.ui.plotLabel.pixmap
        assert picture.width() / picture.devicePixelRatio() == pytest.approx(width, abs=10)


def test_the_result_fits_into_360_pixels(panel: Panel, window: Window):
    panel.root.resize(360, 1200)
    panel.widget.refresh()
    panel.root.setAttribute(qt.Qt.WA_DontShowOnScreen)
    panel.root.show()
    qt.QApplication.processEvents()
    table = panel.ui.vertebraTable
    assert table.horizontalHeader().length() <= table.viewport().width()
    assert panel.ui.resultFrame.minimumSizeHint().width() <= 352
