"""The panel's logic on a bench: a scene, a clock that the test moves, and a worker in this process."""

from __future__ import annotations

import panel_harness as harness
from mrml import new_scene
from OpportunisticBMDPanel.logic import PanelLogic
from OpportunisticBMDPanel.session import State
from OpportunisticBMDPanel.settings.settings import Settings
from OpportunisticBMDPanel.slicer.nodes import Nodes
from panel_harness import KnownAnatomy


class Bench:
    """A scene with one measured patient."""

    def __init__(self) -> None:
        self.scene = new_scene()
        self.clock = harness.Clock()
        self.workers: list[KnownAnatomy] = []
        self.logics: list[PanelLogic] = []
        self.logic = self.new_logic()
        self.told: list[tuple[State, float | None]] = []
        self.logic.changed.connect(lambda s: self.told.append((s.state, s.result and s.result.bmd_mg_cm3)))

    def new_logic(self) -> PanelLogic:
        def make(settings: Settings) -> KnownAnatomy:
            self.workers.append(KnownAnatomy(settings))
            return self.workers[-1]

        self.logics.append(PanelLogic(Nodes(self.scene), Settings(), worker=make, clock=self.clock))
        return self.logics[-1]

    @property
    def worker(self) -> KnownAnatomy:
        return self.workers[-1]

    def settle(self, logic: PanelLogic | None = None) -> None:
        for _ in range(60):
            self.clock.seconds += 0.05
            if not (logic or self.logic).tick():
                return
        raise AssertionError("the logic does not come to rest")

    def measured(self, name: str = "CT", **how: object):
        """A volume that was computed, and its session."""
        session = self.logic.session(harness.patient(self.scene, name, **how))
        self.logic.compute(session)
        self.settle()
        return session

    def saved_and_loaded(self, path: str) -> PanelLogic:
        """The scene as .mrb, loaded into an empty one by a new panel."""
        assert self.scene.WriteToMRB(path)
        self.logic.scene_closing()
        self.scene.Clear(False)
        assert self.scene.ReadFromMRB(path)
        logic = self.new_logic()
        logic.scene_loaded()
        return logic

    def count(self, kind: str) -> int:
        return self.scene.GetNumberOfNodesByClass(kind)

    def close(self) -> None:
        for logic in self.logics:
            logic.scene_closing()
            logic.close()
