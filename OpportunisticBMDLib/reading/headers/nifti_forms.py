"""The two places that a NIfTI header can state, qform and sform; ITK's rule chooses, and they must not contradict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.reading.headers.plausible import check_spacing

# What rounding in single precision explains between two forms, and between axes at right angles.
_SAME = 1e-4
# The cosine of an angle between axes that rounding in a header explains; more is a shear.
_SHEAR_TOLERANCE = 0.01
_SCANNER = 1  # the code of a form in the scanner's own coordinates


def stated_affine(fields: Any, mm_per_unit: float, path: Path) -> np.ndarray:
    """From (i, j, k, 1) to RAS mm: the directions and origin of one form, with the spacing of `pixdim`.

    Args:
        fields: a NIfTI header, a mapping of its fields.
        mm_per_unit: of the header's unit of length.
        path: the file, for the message.

    Raises:
        BadInput: no form, a damaged or sheared one, or two that contradict each other.
    """
    codes = int(fields["qform_code"]), int(fields["sform_code"])
    spacing = np.array(fields["pixdim"][1:4], float)
    check_spacing(spacing * mm_per_unit, path)
    qform = _qform(fields, spacing, path) if codes[0] > 0 else None
    sform = _sform(fields, spacing, path) if codes[1] > 0 else None
    form = _chosen(qform, sform, codes[1])
    if form is None:
        raise BadInput(f"{path} does not say how the patient lies in it: export it with its orientation.")
    axes = _unit(form[:3, :3])
    for other in (qform, sform):
        if other is not None:
            _check_same_axes(_unit(other[:3, :3]), axes, path)
    affine = np.eye(4)
    affine[:3, :3] = axes * (spacing * mm_per_unit)
    affine[:3, 3] = form[:3, 3] * mm_per_unit
    return affine


def _chosen(qform: np.ndarray | None, sform: np.ndarray | None, sform_code: int) -> np.ndarray | None:
    """ITK's choice: the sform where it stands alone, is the scanner's, agrees with the qform, or has to be rounded."""
    if sform is None or qform is None:
        return qform if sform is None else sform
    if not _is_orthogonal(sform) or sform_code == _SCANNER or np.abs(sform - qform).max() <= _SAME:
        return sform
    return qform


def _is_orthogonal(form: np.ndarray) -> bool:
    axes = _unit(form[:3, :3])
    return bool(np.abs(axes @ axes.T - np.eye(3)).max() <= _SAME)


def _sform(fields: Any, spacing: np.ndarray, path: Path) -> np.ndarray:
    """3 x 4, in the header's unit."""
    form = np.array([fields[f"srow_{axis}"] for axis in "xyz"], float)
    if not np.isfinite(form).all():
        raise BadInput(f"{path} is damaged: its sform holds numbers that are not finite; export it again.")
    with np.errstate(over="ignore", invalid="ignore"):
        cosines = form[:, :3] / spacing
        skew = np.abs(cosines.T @ cosines - np.eye(3)).max()
    if not skew <= _SHEAR_TOLERANCE:
        raise BadInput(f"{path} has a sheared, scaled or singular sform: resample it to an orthogonal grid.")
    return form


def _qform(fields: Any, spacing: np.ndarray, path: Path) -> np.ndarray:
    """3 x 4, in the header's unit, by method 2 of the standard; single precision, as ITK has it."""
    b, c, d = (float(fields[f"quatern_{name}"]) for name in "bcd")
    origin = [float(fields[f"qoffset_{axis}"]) for axis in "xyz"]
    squares = b * b + c * c + d * d
    if not squares <= 1 + _SHEAR_TOLERANCE or not np.isfinite(origin).all():
        raise BadInput(f"{path} is damaged: its qform is no rotation; copy or export it again.")
    a = np.sqrt(max(0.0, 1 - squares))
    if 1 - squares < 1e-7:  # half a turn, but for rounding
        a, scale = 0.0, 1 / np.sqrt(squares)
        b, c, d = b * scale, c * scale, d * scale
    handed = spacing * (1, 1, -1 if float(fields["pixdim"][0]) < 0 else 1)
    axes = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    precision = np.asarray(fields["quatern_b"]).dtype.newbyteorder("=")
    return np.column_stack((axes * handed, origin)).astype(precision).astype(float)


def _unit(axes: np.ndarray) -> np.ndarray:
    x, y, z = axes
    return axes / np.sqrt(x * x + y * y + z * z)


def _check_same_axes(axes: np.ndarray, taken: np.ndarray, path: Path) -> None:
    """Registration turns an image a little; a flip, or another axis, is an error."""
    if np.diag(axes.T @ taken).min() < np.cos(np.radians(45)):
        raise BadInput(f"{path} holds two orientations that contradict each other, sform and qform: export it again.")
