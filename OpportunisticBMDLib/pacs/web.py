"""An archive by DICOMweb (PS3.18): QIDO-RS, WADO-RS, STOW-RS."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset
from pynetdicom.status import STORAGE_SERVICE_CLASS_STATUS

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.pacs import answers
from OpportunisticBMDLib.pacs.address import WebAddress
from OpportunisticBMDLib.pacs.archive import ArchiveError, Connection
from OpportunisticBMDLib.pacs.credentials import PASSWORD, TOKEN, USER, login_for
from OpportunisticBMDLib.pacs.found import Asked, Instance, Series, Study
from OpportunisticBMDLib.pacs.inbox import Inbox
from OpportunisticBMDLib.pacs.statuses import in_words, is_stored
from OpportunisticBMDLib.pacs.tls import tls_of

logging.getLogger("dicomweb_client").addHandler(logging.NullHandler())  # else its warnings were shown

CONNECT_S = 10.0
PAGE = 200  # answers at a time; an archive may give fewer
_AS_STORED = (("application/dicom", "*"),)  # whatever the transfer syntax
_NOT_ALLOWED = (401, 403)
_JSON = ("application/dicom+json", "application/json")


class _Session(requests.Session):
    """One that is not led elsewhere: neither patients nor logins go to another address than the one that was given.

    Who is trusted: the file that a user names, else REQUESTS_CA_BUNDLE, which would replace it otherwise, else whom the
    system trusts, and not only whom the package brings along.
    """

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
        response = super().send(request, **{**settings, "allow_redirects": False})
        if response.is_redirect:
            raise requests.TooManyRedirects(response=response)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in _JSON:
            response.headers["Content-Type"] = kind  # the client knows it without parameters alone
        return response

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        named = self.verify if verify is None else verify
        settings = super().merge_environment_settings(url, proxies, stream, named, cert)
        if settings["verify"] is True:
            system = ssl.get_default_verify_paths()
            settings["verify"] = system.cafile or system.capath or True
        return settings


class WebArchive:
    """See `Archive`.

    Raises:
        BadInput: the address cannot be used, or as `login_for`.
    """

    def __init__(self, address: WebAddress, connection: Connection) -> None:
        self._address, self._timeout_s = address, connection.timeout_s
        tls_of(connection)  # what requests says later of a file that it cannot read sounds like a fault of the archive
        session = _Session()
        session.auth = login_for(address)
        session.headers["Accept"] = _JSON[0]  # where nothing else is asked for
        session.verify = True if connection.authorities is None else str(connection.authorities)
        session.cert = None if connection.certificate is None else str(connection.certificate)
        timeouts_s = min(CONNECT_S, connection.timeout_s), connection.timeout_s
        try:
            self._client = DICOMwebClient(address.url, session, permissive_uid=True, timeout=timeouts_s)
        except ValueError as error:
            raise BadInput(f"{address} is no address of a DICOMweb service: look it up again.") from error
        self._client.set_http_retry_params(retry=False)  # who asks decides when to ask again

    def studies(self, asked: Asked) -> list[Study]:
        filters = answers.filters_of(asked)
        return answers.studies_of(
            self._all(self._client.search_for_studies, answers.STUDY_KEYS, search_filters=filters)
        )

    def series(self, study_uid: str) -> list[Series]:
        search = partial(self._client.search_for_series, study_uid)
        return answers.series_of(self._all(search, answers.SERIES_KEYS), study_uid, self.instances)

    def instances(self, series: Series) -> list[Instance]:
        search = partial(self._client.search_for_instances, series.study_uid, series.uid)
        return answers.instances_of(self._all(search, answers.INSTANCE_KEYS))

    def fetch(self, series: Series, inbox: Inbox) -> None:
        with self._asking():
            for dataset in self._client.iter_series(series.study_uid, series.uid, media_types=_AS_STORED):
                content = BytesIO()
                pydicom.dcmwrite(content, dataset)
                inbox.put(str(dataset.SOPInstanceUID), content.getvalue())
        inbox.check()

    def send(self, files: Sequence[Path]) -> None:
        for path in files:
            dataset = pydicom.dcmread(path)
            with self._asking():
                refusal = _refusal(self._stored([dataset]), dataset.SOPInstanceUID)
            if refusal:
                raise ArchiveError(f"The archive {self._address} refused {path.name} ({refusal}).")

    def _stored(self, datasets: Sequence[Dataset]) -> Dataset:
        """What the archive says of each (PS3.18, 10.5.3)."""
        try:
            return self._client.store_instances(datasets)
        except requests.HTTPError as error:  # one whose body tells which objects failed is an answer like any other
            said = _read(error.response)
            if "FailedSOPSequence" not in said:
                raise
            return said

    def _all(self, search: Callable[..., list[dict[str, Any]]], keys: Sequence[str], **asked: Any) -> list[Dataset]:
        """The answers of all pages, each once: an archive that knows no pages gives the first one again."""
        found: dict[str, Dataset] = {}
        with self._asking():
            while True:
                known = len(found)
                for answer in search(fields=keys, limit=PAGE, offset=known, **asked):
                    dataset = Dataset.from_json(answer)
                    found.setdefault(str(dataset.get(keys[0], "")), dataset)
                if len(found) == known:
                    return list(found.values())

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """What goes wrong in plain words. Those of the packages hold the request, and so maybe the patient's number."""
        try:
            with unheard():
                yield
        except requests.HTTPError as error:
            raise self._failed(error.response) from None
        except requests.TooManyRedirects:
            raise ArchiveError(
                f"The archive {self._address} points to another address, which is not followed: look up the right one."
            ) from None
        except requests.exceptions.SSLError:
            raise ArchiveError(
                f"The archive {self._address} cannot be trusted: nobody who is known has certified it, or it speaks no "
                "TLS; give --ca FILE, or check the address."
            ) from None
        except requests.Timeout:
            raise ArchiveError(
                f"The archive {self._address} did not answer within {self._timeout_s:g} s: try again, or give it "
                "longer with --timeout."
            ) from None
        except requests.RequestException:
            raise ArchiveError(
                f"The archive {self._address} cannot be reached, or broke off: check the address, and whether it runs."
            ) from None
        except (OSError, MemoryError):
            raise
        except Exception:  # the packages raise many kinds on what is no DICOM
            raise ArchiveError(
                f"The archive {self._address} answers otherwise than DICOMweb does: check the address."
            ) from None

    def _failed(self, response: requests.Response | None) -> ArchiveError:
        status = None if response is None else response.status_code
        if status in _NOT_ALLOWED:
            return ArchiveError(
                f"The archive {self._address} does not let this program in (HTTP {status}): check {TOKEN}, or {USER} "
                f"and {PASSWORD}, and what this user may do there."
            )
        return ArchiveError(
            f"The archive {self._address} cannot do this (HTTP {status}): check the address, or ask who runs it."
        )


def _read(response: requests.Response | None) -> Dataset:
    try:
        return Dataset() if response is None else Dataset.from_json(response.text)
    except (ValueError, KeyError, TypeError):
        return Dataset()


def _refusal(said: Dataset, uid: str) -> str:
    """Why an object is not stored, "" where it is: a login page, too, may come with a status that all is well."""
    if uid in [item.ReferencedSOPInstanceUID for item in said.get("ReferencedSOPSequence", ())]:
        return ""
    failed = said.get("FailedSOPSequence") or [Dataset()]
    status = failed[0].get("FailureReason")
    if status is None:
        return "it says neither that it was stored nor why not"
    return "" if is_stored(int(status)) else in_words(int(status), STORAGE_SERVICE_CLASS_STATUS)
