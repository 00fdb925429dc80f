"""What is asked of an archive, whatever it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.found import Asked, Instance, Series, Study
from OpportunisticBMDLib.pacs.inbox import Inbox


class ArchiveError(BadInput):
    """An archive did not do what it was asked for; asked again later, it may."""


@dataclass(frozen=True)
class Connection:
    """How archives are reached.

    Args:
        own_title: this program's, as archives know it (DIMSE).
        listen_port: where an archive sends what it is asked for by C-MOVE; None asks by C-GET.
        authorities: PEM file of who is trusted to certify an archive; None for those that the system trusts.
        certificate: PEM file of this program's own certificate and key; None has none.
        timeout_s: how long an answer may take.
    """

    own_title: str = "OBMD"
    listen_port: int | None = None
    authorities: Path | None = None
    certificate: Path | None = None
    timeout_s: float = 60.0


class Archive(Protocol):
    """An archive. Every method raises ArchiveError where it cannot be reached, is too slow, or refuses."""

    def studies(self, asked: Asked) -> list[Study]:
        """Those that hold a CT."""

    def series(self, study_uid: str) -> list[Series]:
        """All of a study; none where there is no such study."""

    def instances(self, series: Series) -> list[Instance]:
        """All of a series."""

    def fetch(self, series: Series, inbox: Inbox) -> None:
        """Puts what arrives of a series into the inbox, which knows what is missing."""

    def send(self, files: Sequence[Path]) -> None:
        """Stores DICOM files in this order; those before one that is refused are stored."""
