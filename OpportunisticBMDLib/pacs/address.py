"""Where an archive is, as a user types it: `https://host/dicom-web`, `dimse://TITLE@host:port`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from OpportunisticBMDLib.core.errors import BadInput

HOW = "give https://HOST/PATH for DICOMweb, or dimse://TITLE@HOST:PORT"
_WEB, _DIMSE, _DIMSE_TLS = ("https", "http"), "dimse", "dimse-tls"
_LONGEST_TITLE = 16  # PS3.5, 6.2, AE
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class WebAddress:
    """Of a DICOMweb service.

    Args:
        url: without a user.
        user: who logs in; None where the address does not say.
    """

    url: str
    user: str | None = None

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read what is sent there."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or parts.hostname in _THIS_MACHINE

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class DimseAddress:
    """Of an application entity (PS3.8)."""

    title: str
    host: str
    port: int
    has_tls: bool

    def __str__(self) -> str:
        return f"{_DIMSE_TLS if self.has_tls else _DIMSE}://{self.title}@{self.host}:{self.port}"


def parsed_address(text: str) -> WebAddress | DimseAddress:
    """Reads an address. No message quotes it: there may be a password in it.

    Raises:
        BadInput: it is none, or holds a password.
    """
    try:
        parts = urlsplit(text)
        password, host, port = parts.password, parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"The address of the archive cannot be read: {HOW}.") from error
    if password is not None:
        raise BadInput(
            "The address of the archive holds a password, which others on this machine can see: leave it out and set "
            "OBMD_PACS_PASSWORD."
        )
    if parts.scheme in _WEB and host:
        return WebAddress(_without_user(parts), unquote(parts.username) if parts.username else None)
    if parts.scheme in (_DIMSE, _DIMSE_TLS) and host and port and parts.username:
        return DimseAddress(checked_title(unquote(parts.username)), host, port, parts.scheme == _DIMSE_TLS)
    raise BadInput(f"The address of the archive is not complete: {HOW}.")


def checked_title(title: str) -> str:
    """A title of an application entity.

    Raises:
        BadInput: it is none.
    """
    title = title.strip()
    if not title or len(title) > _LONGEST_TITLE or "\\" in title or not (title.isascii() and title.isprintable()):
        raise BadInput(
            f"An application entity's title has 1 to {_LONGEST_TITLE} letters and digits: look it up in the settings "
            "of the archive."
        )
    return title


def _without_user(parts: SplitResult) -> str:
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
