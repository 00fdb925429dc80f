"""What the researcher's section uses of the panel around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from OpportunisticBMDPanel.correcting.editors import Editors
from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.installer import Installer
from OpportunisticBMDPanel.slicer.protocols import Dialogs, Headers, Packages, Views


class Measuring(Protocol):
    """The panel's logic, as far as the automatic segmentation of a volume needs it."""

    computed: Signal
    cancelled: Signal
    changed: Signal

    def session(self, volume_node: Any) -> Any: ...
    def compute(self, session: Any) -> None: ...


class Store(Protocol):
    """The part of QSettings that is used."""

    def value(self, key: str) -> Any: ...
    def setValue(self, key: str, value: Any) -> None: ...


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the section uses of the panel around it.

    Args:
        editors: the panel's Segment Editors, of which one at a time is open.
        packages: those that annotating and fitting need beyond the panel's.
        installer: the panel's.
        current_volume, select_volume: the panel's chosen CT.
        subject: DICOM keywords -> values that tell sex and age of a volume's patient, and who it is, to keep that out.
        models, use_models: the panel's model folder; None for the models that ship. RuntimeError while it is in use.
        python: the interpreter of child processes; None for the running one.
    """

    scene: Any
    logic: Measuring
    dialogs: Dialogs
    views: Views
    editors: Editors
    packages: Packages
    installer: Installer
    store: Store
    header: Headers
    subject: Callable[[Any], Mapping[str, str]]
    current_volume: Callable[[], Any]
    select_volume: Callable[[Any], None]
    models: Callable[[], Path | None]
    use_models: Callable[[Path], None]
    python: str | None = None
