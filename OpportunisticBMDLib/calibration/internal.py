"""A line from what every patient holds: fat, muscle and blood.

After Michalski et al. 2020 (Med Eng Phys 78:55; Ogo of Bonelab): tissues of known attenuation tell how a scanner shows
it, and the beam's effective energy is the one that fits them best. Three things are done otherwise:

- Theirs has cortical bone of the femur, which tells the energy. Soft tissues hardly do: where bone shows 7 % more, fat
  shows 3 HU less. They tell where the scanner's HU lie around water, and a little of its slope.
- People differ by more than scanners do at water. So the line is not the tissues' alone: it is the computed one, moved
  as far as the tissues are to be believed against it (a weighted estimate, linear in offset, scale and energy).
- Air is no reference: see `tissues`.

What marrow without mineral reads stays what it is at 120 kVp, as in `lines`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtri

from OpportunisticBMDLib.calibration.lines import MINERAL, REFERENCE_KVP, line_for
from OpportunisticBMDLib.calibration.tissues import tissues_near
from OpportunisticBMDLib.core.calibration_line import Calibration
from OpportunisticBMDLib.core.contrast import Contrast, Phase
from OpportunisticBMDLib.core.ct import CT, ImageKind
from OpportunisticBMDLib.core.tube_voltage import possible_voltage

# HU of fat under the skin by kVp: adipose tissue (ICRU report 44) of 0.925 g/cm3; the laboratory's virtual/materials.py
# derives it as the lines. Muscle and blood change by less than 5 HU from 70 to 150 kVp.
FAT_HU = {70: -127.8, 80: -117.9, 90: -111.3, 100: -106.6, 110: -102.9, 120: -99.8, 130: -97.3, 140: -95.2, 150: -93.4}
# What a scanner's slope may be off by and soft tissues show: all its HU are too large, or its energy is another. The
# rest of what the computed line is unsure by (bones harden the beam, scanners correct for it) is seen in bone alone.
SCALE_SD, ENERGY_SD = 0.03, 0.03
UNEVEN_HU = 3.0  # SD: how differently a scanner shows one material at the spine, in front of it, and under the skin
MOST_OFF = 3.0  # SDs from what computed line and other tissues say
LEAST_TISSUES = 2
TYPICAL_MG_CM3 = 100.0  # where the line's uncertainty is exact, as it is at 0
FINE_KV = 5.0


@dataclass(frozen=True)
class Usual:
    """What a tissue shows on a right scanner.

    Args:
        sd_hu: by which people differ.
        energy_hu: by how much it changes with the energy at which bone shows more: HU per relative slope.
    """

    hu: float
    sd_hu: float
    energy_hu: float = 0.0


@dataclass(frozen=True, eq=False)
class Estimate:
    """How far a scanner is off: offset (HU), scale and energy (both relative to bone's slope).

    Args:
        mean: (3,).
        covariance: (3, 3).
    """

    mean: np.ndarray
    covariance: np.ndarray


# The most usual HU of each in a person, without an agent. Fat: real CTs of six people show -92 to -104. Erectors of the
# back, with the fat between their fibres: in the Framingham study muscle's SD is 5 to 7 HU at one age, and at 80 years
# it shows 17 HU less than at 40. Blood: about 38 HU in a hospital's patients, the less haemoglobin the less.
FAT_SD_HU, MUSCLE, BLOOD = 5.0, Usual(46.0, 9.0), Usual(39.0, 8.0)


def seen_tissues(ct: CT, bodies: Mapping[str, np.ndarray], contrast: Contrast) -> dict[str, float]:
    """HU of "fat", "muscle" and "blood", as far as they are seen; fat alone with an agent, none of blended images.

    Args:
        bodies: vertebra -> centre of its body (RAS, mm).
    """
    if not bodies or ct.acquisition.image_kind is not ImageKind.CONVENTIONAL:
        return {}
    seen = {name: tissue.hu for name, tissue in tissues_near(ct.volume, bodies).items()}
    if contrast.phase is not Phase.NONE:
        seen.pop("muscle", None)
    elif "aorta" in contrast.organs_hu:
        seen["blood"] = contrast.organs_hu["aorta"]
    return seen


def likeliest_line(computed: Calibration, seen_hu: Mapping[str, float], kvp: float | None) -> Calibration | None:
    """The computed line, moved by what tissues show; None without two that agree with it and with each other.

    Args:
        seen_hu: of "fat", "muscle" and "blood", of those that are seen.
    """
    usual = _usual_at(_voltage(kvp))
    names = [name for name in usual if name in seen_hu]
    while len(names) >= LEAST_TISSUES:
        off = {name: _off(name, [n for n in names if n != name], seen_hu, usual, computed) for name in names}
        worst = max(names, key=lambda name: off[name])
        if off[worst] <= MOST_OFF:
            return _moved(computed, _estimate(names, seen_hu, usual, computed), names, _voltage(kvp))
        names.remove(worst)
    return None


def _usual_at(voltage: float) -> dict[str, Usual]:
    low, high = voltage - FINE_KV, voltage + FINE_KV
    energy = float((_fat(low) - _fat(high)) / np.log(_slope(low) / _slope(high)))
    return {"fat": Usual(_fat(voltage), FAT_SD_HU, energy), "muscle": MUSCLE, "blood": BLOOD}


def unlikeliness(line: Calibration, seen_hu: Mapping[str, float], kvp: float | None) -> float:
    """How far tissues lie from what a line lets expect: the one that does most, or all together, in SDs of a normal
    figure that is as rare.

    What soft tissues show of a line's slope is what scale and energy are likely to have of it; a line that the tissues
    moved is judged as the computed one. Muscle that reads less than is usual holds fat, in many old and ill people, and
    is no witness.
    """
    usual, computed = _usual_at(_voltage(kvp)), line_for(kvp)
    names = [name for name in usual if name in seen_hu and (name != "muscle" or seen_hu[name] > usual[name].hu)]
    judged = computed if line.kind == "internal" else line
    steeper = judged.slope_hu_per_mg_cm3 / computed.slope_hu_per_mg_cm3 - 1
    by_scale, by_energy = (steeper * (sd / computed.slope_sd) ** 2 for sd in (SCALE_SD, ENERGY_SD))
    expected = np.array([judged.intercept_hu - computed.intercept_hu, by_scale, by_energy])

    def distance(chosen: Sequence[str]) -> float:
        rows, noise = _rows(chosen, usual)
        off = np.array([seen_hu[name] - usual[name].hu for name in chosen]) - rows @ expected
        squared = off @ np.linalg.solve(rows @ _before(judged) @ rows.T + noise, off)
        probability = max(float(chdtrc(len(chosen), squared)), np.finfo(float).tiny)
        return float(-ndtri(probability / 2))

    return max((distance(chosen) for chosen in (names, *([name] for name in names)) if chosen), default=0.0)


def _estimate(
    names: Sequence[str], seen_hu: Mapping[str, float], usual: Mapping[str, Usual], computed: Calibration
) -> Estimate:
    """By linear least squares of what is seen and of what is known before: the computed line, as sure as it is."""
    before = _before(computed)
    if not names:
        return Estimate(np.zeros(3), before)
    rows, noise = _rows(names, usual)
    gain = before @ rows.T @ np.linalg.inv(rows @ before @ rows.T + noise)
    off = np.array([seen_hu[name] - usual[name].hu for name in names])
    return Estimate(gain @ off, before - gain @ rows @ before)


def _off(
    name: str,
    others: Sequence[str],
    seen_hu: Mapping[str, float],
    usual: Mapping[str, Usual],
    computed: Calibration,
) -> float:
    """How far a tissue lies from what the computed line and the others say of it, in SDs."""
    estimate, tissue, row = _estimate(others, seen_hu, usual, computed), usual[name], _row(usual[name])
    sd = np.sqrt(row @ estimate.covariance @ row + _variance(tissue))
    return float(abs(seen_hu[name] - tissue.hu - row @ estimate.mean) / sd)


def _before(line: Calibration) -> np.ndarray:
    """(3, 3) covariance of offset, scale and energy where only the line is known."""
    return np.asarray(np.diag([line.intercept_sd_hu, SCALE_SD, ENERGY_SD]) ** 2)


def _rows(names: Sequence[str], usual: Mapping[str, Usual]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) by how much tissues change with offset, scale and energy, and the (n, n) covariance of what is theirs."""
    return np.array([_row(usual[name]) for name in names]), np.diag([_variance(usual[name]) for name in names])


def _row(tissue: Usual) -> np.ndarray:
    """(3,) by how much a tissue's HU change with offset, scale and energy."""
    return np.array([1.0, tissue.hu, tissue.energy_hu])


def _variance(tissue: Usual) -> float:
    return tissue.sd_hu**2 + UNEVEN_HU**2


def _moved(computed: Calibration, estimate: Estimate, names: Sequence[str], voltage: float) -> Calibration:
    """The line of a scanner that is so far off, and how sure it is: exactly at 0 and at TYPICAL_MG_CM3."""
    slope = computed.slope_hu_per_mg_cm3
    slopes = np.array([0.0, slope, slope])  # by which offset, scale and energy change the slope, and the intercept
    intercepts = np.array([1.0, computed.intercept_hu, _intercept_by_energy(voltage)])
    moved = slope + float(slopes @ estimate.mean)
    variances = [
        float(change @ estimate.covariance @ change) / moved**2
        for change in (intercepts, intercepts + TYPICAL_MG_CM3 * slopes)
    ]
    unseen = max(computed.slope_sd**2 - SCALE_SD**2 - ENERGY_SD**2, 0.0)
    return Calibration(
        name=f"{computed.name}, tissues",
        material=computed.material,
        slope_hu_per_mg_cm3=moved,
        intercept_hu=computed.intercept_hu + float(intercepts @ estimate.mean),
        source=f"computed, and moved by what the patient's own {_words(names)} show",
        slope_sd=float(np.sqrt(max(variances[1] - variances[0], 0.0) / TYPICAL_MG_CM3**2 + unseen)),
        intercept_sd_hu=float(np.sqrt(variances[0])) * moved,
        kind="internal",
    )


def _intercept_by_energy(voltage: float) -> float:
    """HU per relative slope: by how much the intercept moves with the energy, so that marrow stays what it is."""
    low, high = (line_for(voltage + step).intercept_hu for step in (-FINE_KV, FINE_KV))
    return float((low - high) / np.log(_slope(voltage - FINE_KV) / _slope(voltage + FINE_KV)))


def _fat(voltage: float) -> float:
    return float(np.interp(voltage, list(FAT_HU), list(FAT_HU.values())))


def _slope(voltage: float) -> float:
    return line_for(voltage).slope_hu_per_mg_cm3


def _voltage(kvp: float | None) -> float:
    return float(np.clip(possible_voltage(kvp) or REFERENCE_KVP, min(MINERAL), max(MINERAL)))


def _words(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
