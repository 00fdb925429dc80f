"""An archive by its address: the one place that knows which protocols there are."""

from __future__ import annotations

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.address import WebAddress, parsed_address
from OpportunisticBMDLib.pacs.archive import Archive, Connection


def connect(address: str, connection: Connection) -> Archive:
    """Gets ready to speak to an archive; nothing is sent yet.

    Raises:
        BadInput: the address or the connection cannot be used, or what the protocol needs is not installed.
    """
    where = parsed_address(address)
    for path in (connection.authorities, connection.certificate):
        if path is not None and not path.is_file():
            raise BadInput(f"{path} is no file: give one with certificates (PEM).")
    try:
        if isinstance(where, WebAddress):
            from OpportunisticBMDLib.pacs.web import WebArchive

            return WebArchive(where, connection)
        from OpportunisticBMDLib.pacs.dimse import DimseArchive

        return DimseArchive(where, connection)
    except ImportError as error:
        raise BadInput(
            f"Archives need {error.name}, which is not installed: pip install 'opportunistic-bmd[pacs]'."
        ) from error
