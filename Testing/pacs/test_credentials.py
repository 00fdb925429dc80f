"""Where secrets come from, and that they go nowhere but to the archive."""

from __future__ import annotations

import base64

import pytest
import requests

from OpportunisticBMDLib.cli import BAD_INPUT, MEASURED, main
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.address import parsed_address
from OpportunisticBMDLib.pacs.credentials import KEYRING_SERVICE, PASSWORD, TOKEN, USER, login_for
from orthanc import Orthanc

HERE = "https://pacs.example/dicom-web"
SECRET = "s3cret-k€y"


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """What the keyring holds; the environment says nothing."""
    keyring = pytest.importorskip("keyring", reason="keyring (the pacs extra) is not installed")
    from keyring.backend import KeyringBackend

    secrets: dict[tuple[str, str], str] = {}

    class Kept(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return secrets.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            secrets[service, username] = password

    for name in (TOKEN, USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())
    yield secrets
    keyring.set_keyring(before)


def said(address: str = HERE) -> str | None:
    """What the archive would hear of who asks."""
    request = requests.Request("GET", HERE, auth=login_for(parsed_address(address))).prepare()
    return request.headers.get("Authorization")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_nothing_is_said_where_nothing_is_known():
    assert said() is None


def test_a_token_of_the_environment(monkeypatch):
    monkeypatch.setenv(TOKEN, "abc")
    assert said() == "Bearer abc"


def test_user_and_password_of_the_environment(monkeypatch):
    monkeypatch.setenv(USER, "bmd")
    monkeypatch.setenv(PASSWORD, SECRET)
    assert said() == basic("bmd", SECRET)


def test_the_password_of_the_keyring(kept):
    kept[KEYRING_SERVICE, HERE] = SECRET
    assert said("https://bmd@pacs.example/dicom-web") == basic("bmd", SECRET)


def test_the_token_of_the_keyring(kept):
    kept[KEYRING_SERVICE, HERE] = "abc"
    assert said() == "Bearer abc"


def test_a_user_without_a_password_is_told_where_to_put_it(monkeypatch):
    monkeypatch.setenv(USER, "bmd")
    with pytest.raises(BadInput, match=PASSWORD):
        login_for(parsed_address(HERE))


@pytest.mark.parametrize("name", [TOKEN, PASSWORD])
def test_no_secret_is_sent_where_others_can_read_it(monkeypatch, name):
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(BadInput, match="use https") as told:
        login_for(parsed_address("http://bmd@pacs.example/rs"))
    assert SECRET not in str(told.value)


def find(orthanc: Orthanc) -> int:
    return main(["pacs", "find", orthanc.web, "--since", "2026-01-01"])


def test_the_right_password_lets_in_and_a_wrong_one_is_not_repeated(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv(USER, "bmd")
    with Orthanc(tmp_path / "orthanc", users={"bmd": SECRET}) as orthanc:
        monkeypatch.setenv(PASSWORD, SECRET)
        assert find(orthanc) == MEASURED
        monkeypatch.setenv(PASSWORD, f"{SECRET}-old")
        assert find(orthanc) == BAD_INPUT
    told = capfd.readouterr().err
    assert "HTTP 401" in told and told.count("\n") == 1 and SECRET not in told
