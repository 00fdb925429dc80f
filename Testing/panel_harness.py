"""The real panel on the real scene, with stand-ins only for what the Slicer application alone has.

`KnownAnatomy` is the real pipeline on the synthetic patient of example_results.py, which is no anatomy that a localizer
could know: where its vertebrae are and what they are named is told (example_levels.py), and its density is read by
known_network.py.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import slicer_standins

slicer = slicer_standins.install()

import numpy as np  # noqa: E402
import qt  # noqa: E402

from example_levels import CENTRE_RAS, FIVE_BODIES, sure  # noqa: E402
from example_results import RADII_MM, box_of, grid_of, synthetic_case  # noqa: E402
from known_network import CARD, SixMore  # noqa: E402
from mrml import new_scene  # noqa: E402
from slicer_standins.scripted_modules import ModuleParent  # noqa: E402

MODULE = Path(__file__).resolve().parents[1] / "OpportunisticBMD"
if str(MODULE) not in sys.path:
    sys.path.insert(0, str(MODULE))

from OpportunisticBMDLib.core.box import Box  # noqa: E402
from OpportunisticBMDLib.core.ct import CT  # noqa: E402
from OpportunisticBMDLib.core.errors import BadInput, Refused  # noqa: E402
from OpportunisticBMDLib.core.grid import Grid  # noqa: E402
from OpportunisticBMDLib.core.levels import Levels  # noqa: E402
from OpportunisticBMDLib.core.reason import ReasonCode  # noqa: E402
from OpportunisticBMDLib.core.result import Result  # noqa: E402
from OpportunisticBMDLib.core.segmentation import Segmentation  # noqa: E402
from OpportunisticBMDLib.core.vertebrae import LABELS, VERTEBRAE  # noqa: E402
from OpportunisticBMDLib.core.volume import Volume  # noqa: E402
from OpportunisticBMDLib.pipeline import Pipeline  # noqa: E402
from OpportunisticBMDLib.scene.segmentation import labels_of, set_labels  # noqa: E402
from OpportunisticBMDLib.scene.volumes import node_from_volume  # noqa: E402
from OpportunisticBMDLib.stages.levels.find import named_by_box  # noqa: E402
from OpportunisticBMDLib.stages.measure import Densitometer  # noqa: E402
from OpportunisticBMDLib.worker.messages import Failed, Finished, Progressed, Ready  # noqa: E402
from OpportunisticBMDPanel.logic import PanelLogic  # noqa: E402
from OpportunisticBMDPanel.session import Session  # noqa: E402
from OpportunisticBMDPanel.settings.settings import Settings  # noqa: E402
from OpportunisticBMDPanel.slicer.nodes import Nodes  # noqa: E402


class KnownAnatomy:
    """A worker in this process: the real pipeline, whose localizer and segmenter know the synthetic patient.

    Args:
        levels: the vertebrae that it sees, and how they are named.
    """

    def __init__(self, settings: Settings | None = None, levels: Levels | None = None) -> None:
        settings = settings or Settings()
        levels = levels or sure()
        self.pipeline = Pipeline(
            _Known(CARD, lambda ct: box_of()),
            _KnownLevels(_KnownBodies(CARD, lambda ct: levels), levels),
            _KnownMasks(CARD, lambda ct, box: _true_masks(ct, box, levels)),
            Densitometer(SixMore(), CARD),
            thresholds=settings.thresholds,
            calibration=settings.calibration,
        )
        self.jobs: list[str] = []
        self.cancelled = self.closed = False
        self.fault: Failed | None = None
        self.holds_back = False
        self._events: deque[object] = deque()
        self._job: Callable[[], Any] | None = None

    @property
    def busy(self) -> bool:
        return self._job is not None

    def start(self) -> None:
        self._events.append(Ready("cpu"))

    def compute(self, ct: CT) -> None:
        self._begin("compute", lambda tell: self.pipeline.run(ct, tell))

    def segment_within(self, ct: CT, box: Box) -> None:
        self._begin("segment", lambda tell: self.pipeline.segment_within(ct, box, tell))

    def move_levels(self, ct: CT, previous: Result, by: int) -> None:
        self._begin("move", lambda tell: self.pipeline.move_levels(ct, previous, by, tell))

    def measure(self, ct, segmentation, edits, previous) -> None:
        labels = Volume(segmentation.labels.array.copy(), segmentation.labels.grid)
        masks = Segmentation(labels, segmentation.confidence)
        self._begin(
            "measure",
            lambda tell: self.pipeline.measure(ct, masks, progress=tell, edits=edits, previous=previous),
        )

    def poll(self) -> list[object]:
        """One step of the job at each call: first that it goes on, then what came out."""
        if self._job is not None and not self.holds_back:
            job, self._job = self._job, None
            if self.fault is not None:
                self._events.append(self.fault)
            else:
                try:
                    self._events.append(Finished(job(lambda stage, done: self._events.append(Progressed(stage, done)))))
                except BadInput as error:
                    self._events.append(Failed(str(error), "bad_input"))
        events = list(self._events)
        self._events.clear()
        return events

    def cancel(self) -> None:
        self.cancelled, self._job = True, None
        self._events.clear()

    def close(self) -> None:
        self.closed, self._job = True, None

    def tell(self, stage: str, fraction: float) -> None:
        """A held back job says how far it is."""
        self._events.append(Progressed(stage, fraction))

    def _begin(self, kind: str, job: Callable[..., Any]) -> None:
        if self.busy:
            raise RuntimeError("busy")
        self.jobs.append(kind)
        self._job = job


@dataclass(frozen=True, eq=False)
class _Known:
    card: Any
    answer: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.answer(*arguments)


class _KnownBodies(_Known):
    """Wherever a mask lies, there is a body."""

    def shares_in_body(self, ct: Volume, regions: Any) -> dict[str, float]:
        return dict.fromkeys(regions, 1.0)


class _KnownMasks(_Known):
    """Any box is good enough."""

    def settled(self, ct: Volume, box: Box) -> tuple[Box, Segmentation]:
        return box, self.answer(ct, box)


@dataclass(frozen=True, eq=False)
class _KnownLevels:
    skeleton: Any
    levels: Levels

    def __call__(self, ct: Volume, box: Box) -> Levels:
        return self.levels


def _true_masks(ct: Volume, box: Box, levels: Levels) -> Segmentation:
    """The bodies that are T12, L1 and L2 if the box lies around these; nothing of them outside of it."""
    ras = _points(ct.grid)
    inside = ((ras >= box.ras_mm[:, 0]) & (ras <= box.ras_mm[:, 1])).all(axis=-1)
    named = named_by_box(levels, box)
    labels = np.zeros(ct.grid.size, np.uint8)
    for name in VERTEBRAE:
        vertebra = named.find(name)
        if vertebra is not None:
            labels[inside & _body(ras, vertebra.centre_ras_mm)] = LABELS[name]
    if not labels.any():
        raise Refused(ReasonCode.TOO_FEW_VERTEBRAE, "No vertebra lies in this box.")
    return Segmentation(Volume(labels, ct.grid), dict.fromkeys(VERTEBRAE, 0.97))


def _points(grid: Grid) -> np.ndarray:
    """(I, J, K, 3) RAS mm of all voxels."""
    return grid.ras_of(np.stack(np.meshgrid(*(np.arange(n) for n in grid.size), indexing="ij"), axis=-1))


def _body(ras: np.ndarray, centre_ras: tuple[float, float, float]) -> np.ndarray:
    """Which points lie in the body around this centre."""
    return np.linalg.norm((ras - centre_ras) / RADII_MM, axis=-1) < 1.0


def patient(scene: Any, name: str = "CT chest", *, bone_hu: float = 150.0, orientation: str = "straight") -> Any:
    """A volume node with the synthetic patient, whose cancellous bone has so many HU, and in T11 and L3 50 more."""
    ct, truth = synthetic_case(grid_of(orientation))
    noise = np.random.default_rng(7).normal(0.0, 12.0, ct.volume.grid.size)
    array = np.where(truth.labels.array > 0, bone_hu, ct.volume.array) + noise
    for neighbour in ("T11", "L3"):
        centre = tuple(np.add(CENTRE_RAS, FIVE_BODIES[neighbour]))
        array = np.where(_body(_points(ct.volume.grid), centre), bone_hu + 50.0 + noise, array)
    array[:8] = -850.0  # lung at the edge, by which a CT is known
    return node_from_volume(scene, Volume(array.astype(np.int16), ct.volume.grid), name)


def paint(session: Session, vertebra: str, *, voxels: int = 1) -> None:
    """What a stroke of the eraser does: takes the lowest layers off a mask, through the segmentation node."""
    grid = session.run.segmentation.labels.grid
    labels = labels_of(session.segmentation_node, grid)
    array = labels.array.copy()
    mask = array == LABELS[vertebra]
    layers = np.unique(np.argwhere(mask)[:, 2])[:voxels]
    array[:, :, layers] = np.where(mask[:, :, layers], 0, array[:, :, layers])
    set_labels(session.segmentation_node, Volume(array, grid), session.volume_node)


def forget_levels(session: Session) -> None:
    """As in a result of masks that were given, or of an earlier version."""
    put_result(session, replace(session.result, levels=None))


def put_result(session: Session, result: Result) -> None:
    """Another in the place of that which was measured; the masks stay."""
    session.run = replace(session.run, result=result)
    session.known.forget()


@dataclass
class Clock:
    """Seconds that pass when the test says so."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Answers:
    """A person who has made up their mind, and what they were asked and told."""

    yes: bool = True
    folder: Path | None = None
    file: Path | None = None
    choice: int | None = None
    asked: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def confirm(self, text: str, title: str) -> bool:
        self.asked.append(text)
        return self.yes

    def error(self, text: str) -> None:
        self.errors.append(text)

    def choose_folder(self, title: str) -> Path | None:
        return self.folder

    def choose_file(self, title: str, pattern: str) -> Path | None:
        return self.file

    def name_file(self, title: str, proposed: str) -> Path | None:
        return self.file

    def choose(self, title: str, text: str, choices: Sequence[str]) -> int | None:
        return self.choice


@dataclass
class Packages:
    """Packages that are there, but for those named; installing brings them, unless there is no network."""

    lacking: list[str] = field(default_factory=list)
    has_network: bool = True

    def missing(self) -> list[str]:
        return list(self.lacking)

    def in_words(self, names: list[str]) -> str:
        return f"Not installed yet: {', '.join(names)}."

    def size_in_words(self, names: list[str]) -> str:
        return "about 250 MB"

    def install(self, names: list[str]) -> list[str]:
        if not self.has_network:
            raise RuntimeError("no network")
        self.lacking.clear()
        return []

    def by_hand(self, names: list[str]) -> str:
        return "copy the wheels"


class Panel:
    """The panel as Slicer makes it, from the real module file and the real .ui file."""

    def __init__(self, *, worker: Callable[[Settings], Any] | None = None, **collaborators: Any) -> None:
        from OpportunisticBMDPanel.widget import PanelWidget

        self.scene = collaborators.pop("scene", None) or new_scene()
        self.clock, self.answers, self.packages = Clock(), Answers(), Packages()
        self.workers: list[Any] = []
        self.store = collaborators.pop("store", None)
        settings = self.store.load() if self.store else Settings()

        def make(settings: Settings) -> Any:
            self.workers.append((worker or KnownAnatomy)(settings))
            return self.workers[-1]

        nodes = Nodes(self.scene)
        from OpportunisticBMDPanel.slicer.dicom import header_of

        self.logic = PanelLogic(nodes, settings, worker=make, header=header_of, clock=self.clock)
        self.root = slicer.util.loadUI(str(MODULE / "Resources" / "UI" / "OpportunisticBMD.ui"))
        self.widget = PanelWidget(
            self.root,
            resource=lambda name: str(MODULE / "Resources" / name),
            parameter_node=self._parameter_node,
            scene=self.scene,
            nodes=nodes,
            logic=self.logic,
            dialogs=self.answers,
            packages=collaborators.pop("packages", self.packages),
            **{**({"store": self.store} if self.store else {}), **collaborators},
        )
        self.ui = self.widget.ui

    @property
    def worker(self) -> Any:
        return self.workers[-1]

    @property
    def session(self) -> Session:
        return self.widget.session

    def choose(self, volume_node: Any) -> None:
        self.ui.inputSelector.setCurrentNode(volume_node)

    def settle(self, seconds: float = 0.0) -> None:
        """Lets the logic do all that is due, after so many seconds."""
        self.clock.seconds += seconds
        for _ in range(50):
            self.clock.seconds += 0.05
            if not self.logic.tick():
                return
        raise AssertionError("the logic does not come to rest")

    def compute(self, volume_node: Any) -> Session:
        """Chooses a volume and clicks Compute."""
        self.choose(volume_node)
        self.ui.computeButton.click()
        self.settle()
        return self.session

    def close(self) -> None:
        self.widget.cleanup()
        self.root.delete()

    def _parameter_node(self) -> Any:
        node = self.scene.GetSingletonNode("OpportunisticBMD", "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag("OpportunisticBMD")
            node = self.scene.AddNode(node)
        return node


def module_file() -> Any:
    """OpportunisticBMD.py, loaded as Slicer loads it."""
    path = MODULE / "OpportunisticBMD.py"
    spec = importlib.util.spec_from_file_location("OpportunisticBMD", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["OpportunisticBMD"] = module
    spec.loader.exec_module(module)
    slicer.modules.add("OpportunisticBMD", str(path))
    return module


def introduced(module: Any) -> Any:
    """The module's parent, as Slicer hands it in, after the module has introduced itself."""
    parent = ModuleParent(str(MODULE / "OpportunisticBMD.py"))
    module.OpportunisticBMD(parent)
    return parent


def wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Until something holds, with Qt's events handled meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        qt.QApplication.processEvents()
        time.sleep(0.02)
