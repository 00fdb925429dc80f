"""What the actions of `opportunistic-bmd pacs` have in common."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.pacs.archive import Connection
from OpportunisticBMDLib.pacs.found import Asked, is_uid

if TYPE_CHECKING:
    from OpportunisticBMDLib.pacs.archive import Archive

USUAL = Connection()


def add_archive(parser: argparse.ArgumentParser) -> None:
    """Adds where the archive is, and how it is reached."""
    parser.add_argument("archive", metavar="ARCHIVE", help="https://HOST/PATH (DICOMweb) or dimse://TITLE@HOST:PORT")
    parser.add_argument("--aet", metavar="TITLE", default=USUAL.own_title, help="this program's title (DIMSE)")
    parser.add_argument(
        "--listen", type=_port, metavar="PORT", help="fetch by C-MOVE, received at this port (default: by C-GET)"
    )
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="who certifies the archive, where the system does not know"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="this program's own certificate and key, for TLS")
    parser.add_argument(
        "--timeout", type=seconds, metavar="S", default=USUAL.timeout_s, help="for each answer (default: 60)"
    )


def add_days(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Adds from when and until when studies were made."""
    parser.add_argument(
        "--since",
        type=_day_or_days,
        default=default,
        metavar="DATE|N",
        help="studies made since a day, as 2026-05-12, or in the last N days"
        + ("" if default is None else f" (default: {default})"),
    )
    parser.add_argument("--until", type=_day, metavar="DATE", help="studies made until a day")


def archive_of(options: argparse.Namespace) -> Archive:
    """The archive that is named.

    Raises:
        BadInput: see `connect`.
    """
    from OpportunisticBMDLib.pacs.connect import connect

    reached_by = Connection(options.aet, options.listen, options.ca, options.cert, options.timeout)
    return connect(options.archive, reached_by)


def asked_of(options: argparse.Namespace) -> Asked:
    """Which studies are meant today."""
    since = options.since
    return Asked(
        study_uid=getattr(options, "study", None),
        since=date.today() - since if isinstance(since, timedelta) else since,
        until=options.until,
        patient_id=getattr(options, "patient", None),
    )


def uid(text: str) -> str:
    """A UID that a user typed."""
    if not is_uid(text):
        raise argparse.ArgumentTypeError("a UID has digits and dots alone")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError("give a port from 1 to 65535")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give a day as 2026-05-12") from None


def _day_or_days(text: str) -> date | timedelta:
    return timedelta(days=int(text)) if text.isdecimal() and len(text) < 6 else _day(text)


def seconds(text: str) -> float:
    """A time that a user typed, s."""
    given = float(text)
    if not 0 < given <= 86400:
        raise argparse.ArgumentTypeError("give seconds, at most a day")
    return given


def times(text: str) -> int:
    """How often, as a user typed it."""
    if not text.isdecimal() or not 0 < int(text) < 10**6:
        raise argparse.ArgumentTypeError("give a number from 1 on")
    return int(text)
