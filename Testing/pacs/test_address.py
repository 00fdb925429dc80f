"""How an archive is named."""

from __future__ import annotations

import pytest

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.address import DimseAddress, WebAddress, parsed_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://pacs.example/dicom-web", WebAddress("https://pacs.example/dicom-web")),
        ("https://pacs.example:8443/dicom-web/", WebAddress("https://pacs.example:8443/dicom-web")),
        ("https://bmd@pacs.example/rs", WebAddress("https://pacs.example/rs", "bmd")),
        ("dimse://ORTHANC@10.0.0.7:4242", DimseAddress("ORTHANC", "10.0.0.7", 4242, has_tls=False)),
        ("dimse-tls://MAIN%20PACS@pacs.example:2762", DimseAddress("MAIN PACS", "pacs.example", 2762, has_tls=True)),
        ("dimse://A@[::1]:104", DimseAddress("A", "::1", 104, has_tls=False)),
    ],
)
def test_addresses(text, address):
    assert parsed_address(text) == address


@pytest.mark.parametrize("text", ["https://bmd:s3cret@pacs.example/rs", "dimse://A:s3cret@pacs.example:104"])
def test_a_password_in_an_address_is_refused_and_not_repeated(text):
    with pytest.raises(BadInput, match="OBMD_PACS_PASSWORD") as told:
        parsed_address(text)
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "text",
    ["", "pacs.example", "ftp://pacs.example", "https://", "dimse://pacs.example:104", "dimse://A@host", "http://[::1"],
)
def test_what_is_no_address_says_what_is(text):
    with pytest.raises(BadInput, match="dimse://TITLE@HOST:PORT"):
        parsed_address(text)


@pytest.mark.parametrize("title", ["THIS-TITLE-IS-TOO-LONG", "A%5CB", "%C3%84", "%20"])
def test_what_is_no_title(title):
    with pytest.raises(BadInput, match="1 to 16"):
        parsed_address(f"dimse://{title}@host:104")


@pytest.mark.parametrize(
    ("text", "is_private"),
    [("https://pacs.example/rs", True), ("http://127.0.0.1:8042/rs", True), ("http://pacs.example/rs", False)],
)
def test_who_can_listen(text, is_private):
    assert parsed_address(text).is_private == is_private
