"""Who this program is to an archive. Secrets come from the environment or the system's keyring, and go nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.address import WebAddress

if TYPE_CHECKING:
    import requests

TOKEN, USER, PASSWORD = "OBMD_PACS_TOKEN", "OBMD_PACS_USER", "OBMD_PACS_PASSWORD"
KEYRING_SERVICE = "opportunistic-bmd"

Login = Callable[["requests.PreparedRequest"], "requests.PreparedRequest"]


def login_for(address: WebAddress) -> Login:
    """What puts the secret into a request: a bearer token, or user and password; nothing where none is known.

    The token of the environment comes first. A user is that of the environment or the address; the password, or where
    there is no user the token, is that of the environment or the one that the keyring has for the address.

    Raises:
        BadInput: a user without a password, or a secret for an address that others can listen to.
    """
    from requests.auth import HTTPBasicAuth

    token, user = os.environ.get(TOKEN), os.environ.get(USER) or address.user
    if not token:
        secret = (os.environ.get(PASSWORD) if user else None) or _kept_secret(address)
        if user and not secret:
            raise BadInput(f"There is no password for {address}: set {PASSWORD}, or keep it in the keyring.")
        if user and secret:
            _check_privacy(address)
            return HTTPBasicAuth(user.encode(), secret.encode())
        token = secret
    if token:
        _check_privacy(address)
    return _bearer(token)


def _bearer(token: str | None) -> Login:
    def put(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return put


def _check_privacy(address: WebAddress) -> None:
    if not address.is_private:
        raise BadInput(f"The login for {address} would be sent so that others can read it: use https.")


def _kept_secret(address: WebAddress) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(KEYRING_SERVICE, str(address))
    except KeyringError:  # there is none, or it is locked
        return None
