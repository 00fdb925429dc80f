"""What is typed beside the masks of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from OpportunisticBMDLib.cases import CaseInfo, Exclusion
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE

METHODS = ("QCT", "QCT with phantom", "phantomless QCT", "dual-energy CT")


@dataclass(frozen=True)
class Form:
    """What is typed beside the masks, as it is typed.

    Args:
        name: of who works on the case.
        bmd: vertebra -> reference BMD in mg/cm3; "" where it is unknown.
        method: how the reference was measured.
        exclusions: values of `Exclusion`.
        others: exclusions that the paper does not have; they are kept.
    """

    name: str = ""
    bmd: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(VERTEBRAE, ""))
    method: str = ""
    exclusions: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: CaseInfo, name: str = "") -> Form:
        """What case.json says."""
        known = {exclusion.value for exclusion in Exclusion}
        return cls(
            name=name,
            bmd={v: "" if bmd is None else f"{bmd:g}" for v, bmd in info.reference_bmd_mg_cm3.items()},
            method=info.reference_method or "",
            exclusions=frozenset(info.exclusions) & known,
            others=tuple(e for e in info.exclusions if e not in known),
        )

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Form:
        """What a draft holds."""
        return cls(
            name=fields.get("name", ""),
            bmd={v: fields.get(f"bmd {v}", "") for v in VERTEBRAE},
            method=fields.get("method", ""),
            exclusions=frozenset(filter(None, fields.get("exclusions", "").split(","))),
            others=tuple(filter(None, fields.get("others", "").split("\n"))),
        )

    def fields(self) -> dict[str, str]:
        """The same as plain texts, for a draft."""
        bmd = {f"bmd {vertebra}": text for vertebra, text in self.bmd.items()}
        exclusions = ",".join(sorted(self.exclusions))
        others = "\n".join(self.others)
        return {"name": self.name, **bmd, "method": self.method, "exclusions": exclusions, "others": others}

    def put_into(self, info: CaseInfo) -> CaseInfo:
        """case.json with what was typed.

        Raises:
            BadInput: a BMD that is no number or out of range, or one without its method.
        """
        bmd = {vertebra: _number(text, vertebra) for vertebra, text in self.bmd.items()}
        known = any(value is not None for value in bmd.values())
        if known and not self.method.strip():
            raise BadInput("State how the reference BMD was measured, e.g. QCT.")
        exclusions = (*(e.value for e in Exclusion if e.value in self.exclusions), *self.others)
        method = self.method.strip() if known else None
        try:
            return replace(info, reference_bmd_mg_cm3=bmd, reference_method=method, exclusions=exclusions)
        except ValueError as error:
            raise BadInput(f"This cannot be right: {error}.") from error


def _number(text: str, vertebra: str) -> float | None:
    """A BMD in mg/cm3 as people type it, with a point or a comma; None where nothing is typed."""
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"The reference BMD of {vertebra} is {text!r}; give a number in mg/cm³.") from error
