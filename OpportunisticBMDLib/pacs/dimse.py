"""An archive by DIMSE (PS3.7): C-FIND, C-GET or C-MOVE, C-STORE, in the study root model (PS3.4, C.6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_context, build_role
from pynetdicom.status import (
    QR_FIND_SERVICE_CLASS_STATUS,
    QR_MOVE_SERVICE_CLASS_STATUS,
    STORAGE_SERVICE_CLASS_STATUS,
)

from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.dicom.objects.unheard import unheard
from OpportunisticBMDLib.pacs import answers, contexts
from OpportunisticBMDLib.pacs.address import DimseAddress, checked_title
from OpportunisticBMDLib.pacs.archive import ArchiveError, Connection
from OpportunisticBMDLib.pacs.found import Asked, Instance, Series, Study
from OpportunisticBMDLib.pacs.inbox import Inbox
from OpportunisticBMDLib.pacs.statuses import SUCCESS, in_words, is_over, is_pending, is_stored
from OpportunisticBMDLib.pacs.tls import tls_of

CONNECT_S = 10.0
_FIND, _MOVE, _GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))  # PS3.4, C.6.2.3
_TAKEN, _NOT_AWAITED = 0x0000, 0xA900


class DimseArchive:
    """See `Archive`.

    Raises:
        BadInput: the own title is none, or a file of the connection cannot be used.
    """

    def __init__(self, address: DimseAddress, connection: Connection) -> None:
        self._address, self._connection = address, connection
        self._entity = AE(checked_title(connection.own_title))
        self._entity.connection_timeout = min(CONNECT_S, connection.timeout_s)
        self._entity.acse_timeout = connection.timeout_s
        self._entity.dimse_timeout = connection.timeout_s
        self._entity.network_timeout = connection.timeout_s
        self._tls = (tls_of(connection), address.host) if address.has_tls else None

    def studies(self, asked: Asked) -> list[Study]:
        return answers.studies_of(self._found("STUDY", answers.STUDY_KEYS, answers.filters_of(asked)))

    def series(self, study_uid: str) -> list[Series]:
        found = self._found("SERIES", answers.SERIES_KEYS, {"StudyInstanceUID": study_uid})
        return answers.series_of(found, study_uid, self.instances)

    def instances(self, series: Series) -> list[Instance]:
        return answers.instances_of(self._found("IMAGE", answers.INSTANCE_KEYS, _uids_of(series)))

    def fetch(self, series: Series, inbox: Inbox) -> None:
        try:
            if self._connection.listen_port is None:
                self._get(series, inbox)
            else:
                self._move(series, inbox, self._connection.listen_port)
        finally:
            inbox.check()  # first of all: the archive only says that something went wrong here

    def send(self, files: Sequence[Path]) -> None:
        metas = [read_file_meta_info(path) for path in files]
        kinds = sorted({(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas})
        with self._associated([build_context(*kind) for kind in kinds]) as association:
            for path in files:
                try:
                    said = association.send_c_store(path)
                except ValueError:  # no context for it was accepted
                    raise ArchiveError(f"The archive {self._address} takes no objects like {path.name}.") from None
                if not is_stored(self._status(said)):
                    why = in_words(said.Status, STORAGE_SERVICE_CLASS_STATUS)
                    raise ArchiveError(f"The archive {self._address} refused {path.name} ({why}).")

    def _found(self, level: str, keys: Sequence[str], filters: dict[str, str]) -> list[Dataset]:
        query = _query(level, dict.fromkeys(keys, "") | filters)
        found = []
        with self._associated([build_context(_FIND)]) as association:
            for said, answer in association.send_c_find(query, _FIND):
                if is_pending(self._status(said)) and answer is not None:
                    found.append(answer)
                elif said.Status != SUCCESS:
                    why = in_words(said.Status, QR_FIND_SERVICE_CLASS_STATUS)
                    raise ArchiveError(f"The archive {self._address} did not search to the end ({why}).")
        return found

    def _get(self, series: Series, inbox: Inbox) -> None:
        classes = contexts.classes_of(inbox.awaited.values())
        roles = [build_role(sop_class, scp_role=True) for sop_class in classes]
        asked_for = [build_context(_GET), *contexts.asked_for(classes)]
        with self._associated(asked_for, roles, [_receiving(inbox)]) as association:
            try:
                self._finish(association.send_c_get(_query("SERIES", _uids_of(series)), _GET))
            except ValueError:
                raise ArchiveError(
                    f"The archive {self._address} offers no C-GET: let it send by C-MOVE, with --listen PORT."
                ) from None

    def _move(self, series: Series, inbox: Inbox, port: int) -> None:
        with listening(self._entity.ae_title, port, inbox), self._associated([build_context(_MOVE)]) as association:
            query = _query("SERIES", _uids_of(series))
            self._finish(association.send_c_move(query, self._entity.ae_title, _MOVE))

    def _finish(self, told: Iterator[tuple[Dataset, Dataset | None]]) -> None:
        """Follows a retrieval to its end."""
        for said, _ in told:
            status = self._status(said)
            if not is_pending(status) and not is_over(status):
                why = in_words(status, QR_MOVE_SERVICE_CLASS_STATUS)  # those of C-GET, and that the title is not known
                raise ArchiveError(f"The archive {self._address} did not send all ({why}).")

    def _status(self, said: Dataset) -> int:
        if "Status" not in said:
            raise self._broken_off()
        return int(said.Status)

    def _broken_off(self) -> ArchiveError:
        return ArchiveError(
            f"The archive {self._address} broke off, or did not answer within {self._connection.timeout_s:g} s: "
            f"see whether it knows the title {self._entity.ae_title}, or give it longer with --timeout."
        )

    @contextmanager
    def _associated(
        self,
        offered: list[PresentationContext],
        roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
        handlers: Sequence[Any] = (),
    ) -> Iterator[Association]:
        address, own_title = self._address, self._entity.ae_title
        with unheard():
            try:
                association = self._entity.associate(
                    address.host,
                    address.port,
                    offered,
                    address.title,
                    ext_neg=list(roles),
                    tls_args=self._tls,
                    evt_handlers=list(handlers),
                )
            except OSError:  # its name is not known
                raise self._unreachable() from None
            if association.is_rejected:
                raise ArchiveError(
                    f"The archive {address} rejects {own_title}: register this title there, with the address of this "
                    "machine, or give with --aet one that is; and check the archive's own title."
                )
            if not association.is_established:
                raise self._unreachable()
            try:
                yield association
            except RuntimeError:  # it was ended between two requests
                raise self._broken_off() from None
            except BaseException:
                association.abort()  # who does not answer would not answer this either
                raise
            association.release()

    def _unreachable(self) -> ArchiveError:
        return ArchiveError(
            f"The archive {self._address} cannot be reached, or offers nothing that is needed: check host, port and "
            "TLS, and whether it runs."
        )


@contextmanager
def listening(own_title: str, port: int, inbox: Inbox) -> Iterator[None]:
    """Takes what is awaited at a port, as long as the block lasts."""
    own = AE(own_title)
    own.require_called_aet = True
    own.supported_contexts = contexts.accepted(contexts.classes_of(inbox.awaited.values()))
    try:
        server = own.start_server(("", port), block=False, evt_handlers=[_receiving(inbox)])
    except OSError as error:
        raise BadInput(f"Nothing can be received at port {port} ({error.strerror}): choose another one.") from error
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()


def _receiving(inbox: Inbox) -> tuple[Any, ...]:
    """What puts into the inbox what arrives, as it was sent; as an event handler of pynetdicom."""

    def received(event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        return _TAKEN if inbox.put(uid, event.encoded_dataset()) else _NOT_AWAITED

    return evt.EVT_C_STORE, received


@unheard()
def _query(level: str, keys: dict[str, str]) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    if not all(value.isascii() for value in keys.values()):
        query.SpecificCharacterSet = "ISO_IR 192"
    return query


def _uids_of(series: Series) -> dict[str, str]:
    return {"StudyInstanceUID": series.study_uid, "SeriesInstanceUID": series.uid}
