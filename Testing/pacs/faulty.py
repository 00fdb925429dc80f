"""Archives that do what real ones do on a bad day: refuse, send half, fall silent."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pydicom
import requests
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts

from orthanc import TITLE, free_port

REFUSES, SENDS_HALF, SENDS_HALF_UNSAID, IS_SILENT = "refuses", "sends half", "sends half unsaid", "is silent"
BREAKS_OFF = "breaks off"
OUT_OF_RESOURCES = 0xA700
_HOP = {"transfer-encoding", "connection", "content-length", "content-encoding", "keep-alive"}


class FaultyWeb:
    """Between the program and a DICOMweb archive. `fault` is what is wrong now; None passes everything on.

    Args:
        url: of the archive.
        certificate: with one, its side of the program is HTTPS.
    """

    def __init__(self, url: str, certificate: Path | None = None) -> None:
        self.fault: str | None = None
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, url))
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.web = f"{scheme}://127.0.0.1:{self._server.server_port}/dicom-web"

    def __enter__(self) -> FaultyWeb:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def _handler(proxy: FaultyWeb, url: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if proxy.fault == IS_SILENT:
                proxy.over.wait()
                return
            answer = requests.get(f"{url}{self.path}", headers=self._headers(), timeout=60)
            kind, content = answer.headers.get("Content-Type", ""), answer.content
            length = len(content)
            if "multipart" in kind and proxy.fault == SENDS_HALF:
                content = content[: length // 2]
                self.close_connection = True
            elif "multipart" in kind and proxy.fault == SENDS_HALF_UNSAID:
                mark = b"--" + kind.partition("boundary=")[2].partition(";")[0].strip('"').encode()
                parts = content.split(mark)
                content = mark.join([*parts[: len(parts) // 2], b"--\r\n"])
                length = len(content)
            self._answer(answer.status_code, kind, content, length)

        def do_POST(self) -> None:
            body = self._body()
            if proxy.fault == REFUSES:
                failed = {"00081197": {"vr": "US", "Value": [OUT_OF_RESOURCES]}}
                said = json.dumps({"00081198": {"vr": "SQ", "Value": [failed]}}).encode()
                self._answer(409, "application/dicom+json", said, len(said))
                return
            answer = requests.post(f"{url}{self.path}", body, headers=self._headers(), timeout=60)
            self._answer(answer.status_code, answer.headers["Content-Type"], answer.content, len(answer.content))

        def _body(self) -> bytes:
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _headers(self) -> dict[str, str]:
            return {key: value for key, value in self.headers.items() if key.lower() not in _HOP | {"host"}}

        def _answer(self, status: int, kind: str, content: bytes, length: int) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class WrongWeb:
    """Answers everything alike. `heard` are the methods, headers and bodies of the requests."""

    def __init__(self, status: int, kind: str = "", content: bytes = b"", **headers: str) -> None:
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(status, kind, content, headers))
        self.web = f"http://127.0.0.1:{self._server.server_port}/dicom-web"

    def __enter__(self) -> WrongWeb:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, status: int, kind: str, content: bytes, headers: dict[str, str]) -> type[BaseHTTPRequestHandler]:
        heard = self.heard

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                heard.append((self.command, dict(self.headers), body))
                self.send_response(status)
                for name, value in {"Content-Type": kind, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class FaultyDimse:
    """An archive of its own that holds the files below a folder.

    Args:
        gets: whether it knows C-GET.

    `status` is what it answers to an object that it takes.
    """

    def __init__(self, folder: Path, *, gets: bool = True) -> None:
        self.fault: str | None = None
        self.stored: list[str] = []
        self.status = 0x0000
        self.over = threading.Event()
        self._gets = gets
        self._held = [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
        self._port = free_port()
        self.dimse = f"dimse://{TITLE}@127.0.0.1:{self._port}"

    def __enter__(self) -> FaultyDimse:
        entity = AE(TITLE)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, scu_role=True, scp_role=True)
        for number in (1, 3) if self._gets else (1,):
            entity.add_supported_context(f"1.2.840.10008.5.1.4.1.2.2.{number}")
        handlers = [(evt.EVT_C_FIND, self._find), (evt.EVT_C_GET, self._get), (evt.EVT_C_STORE, self._store)]
        self._server = entity.start_server(("127.0.0.1", self._port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        if self.fault == IS_SILENT:
            self.over.wait()
        asked, seen = event.identifier, set()
        key = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
        for data in self._meant(asked):
            uid = data[key[asked.QueryRetrieveLevel]].value
            if uid not in seen:
                seen.add(uid)
                answer = Dataset()
                for element in asked:
                    if element.keyword in data:
                        answer[element.tag] = data[element.tag]
                yield 0xFF00, answer

    def _get(self, event: Any) -> Iterator[Any]:
        meant = self._meant(event.identifier)
        sent = meant[: len(meant) // 2] if self.fault in (SENDS_HALF, SENDS_HALF_UNSAID) else meant
        yield len(meant) if self.fault == SENDS_HALF else len(sent)
        for data in sent:
            yield 0xFF00, data
        if self.fault == SENDS_HALF:
            yield 0xA702, None

    def _store(self, event: Any) -> int:
        self.stored.append(str(event.request.AffectedSOPInstanceUID))
        if self.fault == BREAKS_OFF:
            event.assoc.abort()
        return OUT_OF_RESOURCES if self.fault == REFUSES else self.status

    def _meant(self, asked: Dataset) -> list[Dataset]:
        keys = [k for k in ("StudyInstanceUID", "SeriesInstanceUID") if asked.get(k)]
        return [data for data in self._held if all(data[key].value == asked[key].value for key in keys)]
