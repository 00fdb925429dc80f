"""Whom this program trusts, and who it says that it is, where what is sent is encrypted."""

from __future__ import annotations

import ssl

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.archive import Connection


def tls_of(connection: Connection) -> ssl.SSLContext:
    """That of a client which asks who the archive is, and maybe says who it is itself (PS3.15, B.12).

    Raises:
        BadInput: the files of the connection hold no certificates.
    """
    try:
        context = ssl.create_default_context(cafile=connection.authorities)
        if connection.certificate is not None:
            context.load_cert_chain(connection.certificate)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(
            f"The certificates cannot be read ({error.strerror or error}): check --ca and --cert."
        ) from error
    return context
