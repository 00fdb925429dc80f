"""What the reader may choose, kept in Slicer's settings from one day to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

from OpportunisticBMDLib.core.calibration_line import INTERCEPT_RANGE_HU, SLOPE_RANGE_HU_PER_MG_CM3, Calibration
from OpportunisticBMDLib.core.ct import CT
from OpportunisticBMDLib.core.materials import HA, HA_HU_PER_MG_CM3, MATERIALS
from OpportunisticBMDLib.core.thresholds import Thresholds
from OpportunisticBMDLib.inference.device import DEVICES
from OpportunisticBMDLib.inference.engine import ENGINES
from OpportunisticBMDLib.measuring import with_voltage
from OpportunisticBMDLib.results.report_text import DEFAULT_TEMPLATE, check_template

GROUP = "OpportunisticBMD"
THRESHOLD_RANGE_MG_CM3 = (10.0, 300.0)
DEFAULT_SLOPE_HU_PER_MG_CM3, DEFAULT_INTERCEPT_HU = HA_HU_PER_MG_CM3, 0.0  # the computed line at 120 kVp
VOLTAGES_KV = (70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 135.0, 140.0, 150.0)  # of CT scanners


@dataclass(frozen=True)
class Settings:
    """How to measure, and in which words to report it.

    Args:
        device: "auto", "cpu" or "cuda".
        engine: of the networks on the CPU, "auto", "torch" or "openvino".
        models: another model folder; None for the models that ship.
        osteoporosis_mg_cm3: a BMD below it is osteoporosis.
        osteopenia_mg_cm3: a BMD up to it is osteopenia.
        material: of both thresholds, "HA" or "K2HPO4".
        own_line: whether the scanner's own calibration line is used, instead of the one computed for its tube voltage.
        slope_hu_per_mg_cm3, intercept_hu: that line, HU = slope x BMD + intercept.
        kvp: tube voltage of CTs that state none, one of `VOLTAGES_KV`; None where it is not known.
        report_template: of the text that is copied for a report (`report_text.check_template`).

    Raises:
        ValueError: a value out of its range; the message names it with its unit.
    """

    device: str = "auto"
    engine: str = "auto"
    models: Path | None = None
    osteoporosis_mg_cm3: float = 80.0
    osteopenia_mg_cm3: float = 120.0
    material: str = HA
    own_line: bool = False
    slope_hu_per_mg_cm3: float = DEFAULT_SLOPE_HU_PER_MG_CM3
    intercept_hu: float = DEFAULT_INTERCEPT_HU
    kvp: float | None = None
    report_template: str = DEFAULT_TEMPLATE

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise ValueError(f"The device is {self.device!r}; choose one of {', '.join(DEVICES)}.")
        if self.engine not in ENGINES:
            raise ValueError(f"The engine is {self.engine!r}; choose one of {', '.join(ENGINES)}.")
        if self.material not in MATERIALS:
            raise ValueError(f"The thresholds are of {self.material!r}; choose one of {', '.join(MATERIALS)}.")
        _check("threshold of osteoporosis", self.osteoporosis_mg_cm3, THRESHOLD_RANGE_MG_CM3, "mg/cm³")
        _check("threshold of osteopenia", self.osteopenia_mg_cm3, THRESHOLD_RANGE_MG_CM3, "mg/cm³")
        if self.osteoporosis_mg_cm3 >= self.osteopenia_mg_cm3:
            raise ValueError(
                f"The threshold of osteoporosis ({self.osteoporosis_mg_cm3:g} mg/cm³) has to lie below that of "
                f"osteopenia ({self.osteopenia_mg_cm3:g} mg/cm³)."
            )
        _check("slope of the line", self.slope_hu_per_mg_cm3, SLOPE_RANGE_HU_PER_MG_CM3, "HU per mg/cm³")
        _check("intercept of the line", self.intercept_hu, INTERCEPT_RANGE_HU, "HU")
        if self.kvp is not None and self.kvp not in VOLTAGES_KV:
            known = ", ".join(f"{kvp:g}" for kvp in VOLTAGES_KV)
            raise ValueError(f"The tube voltage is {self.kvp:g} kVp; choose one of {known} kVp.")
        check_template(self.report_template)

    def measures_as(self, other: Settings) -> bool:
        """Whether both give the same numbers: they differ in the words of the report alone, if at all."""
        return replace(self, report_template=other.report_template) == other

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.osteoporosis_mg_cm3, self.osteopenia_mg_cm3, self.material)

    @property
    def calibration(self) -> Calibration | None:
        """The scanner's own line, or None for the computed one."""
        if not self.own_line:
            return None
        return Calibration(
            name="own line",
            material="HA",
            slope_hu_per_mg_cm3=self.slope_hu_per_mg_cm3,
            intercept_hu=self.intercept_hu,
            source="entered by the user for this scanner",
            kind="given",
        )

    def with_voltage(self, ct: CT) -> CT:
        """A CT with the tube voltage of these settings, if its file states nothing of the kind."""
        return with_voltage(ct, self.kvp)


def _check(name: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"The {name} is {value:g} {unit}; it lies between {bounds[0]:g} and {bounds[1]:g} {unit}.")


class KeyValueStore(Protocol):
    """The part of QSettings that is used."""

    def value(self, key: str) -> Any: ...
    def setValue(self, key: str, value: Any) -> None: ...
    def remove(self, key: str) -> None: ...


@dataclass(frozen=True, eq=False)
class SettingsStore:
    """Settings in QSettings: what equals the default is not stored, so that a better default reaches everybody."""

    store: KeyValueStore

    def load(self) -> Settings:
        """What is stored; an entry that is not valid (edited by hand, of another version) counts as not stored."""
        entries: dict[str, Any] = {}
        for field in fields(Settings):
            text = self.store.value(f"{GROUP}/{field.name}")
            if text is not None and str(text) != "":
                entries |= _read(field.name, str(text))
        try:
            return Settings(**entries)
        except ValueError:
            return _one_by_one(entries)

    def save(self, settings: Settings) -> None:
        for field in fields(Settings):
            value = getattr(settings, field.name)
            if value == field.default:
                self.store.remove(f"{GROUP}/{field.name}")
            else:
                self.store.setValue(f"{GROUP}/{field.name}", str(value))


def with_default(settings: Settings, *names: str) -> Settings:
    """The settings with these entries at their defaults."""
    defaults = Settings()
    return replace(settings, **{name: getattr(defaults, name) for name in names})


def _read(name: str, text: str) -> dict[str, Any]:
    """An entry from its stored text; an empty dictionary where the text is not of its kind."""
    kinds: dict[str, Callable[[str], Any]] = {
        "device": str,
        "engine": str,
        "material": str,
        "report_template": str,
        "models": Path,
        "own_line": lambda word: word.lower() == "true",
    }
    try:
        return {name: kinds.get(name, float)(text)}
    except ValueError:
        return {}


def _one_by_one(entries: dict[str, Any]) -> Settings:
    """As many of the entries as are valid together."""
    settings = Settings()
    for name, value in entries.items():
        try:
            settings = replace(settings, **{name: value})
        except ValueError:
            continue
    return settings
