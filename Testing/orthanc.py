"""A real Orthanc on this machine, with a folder of its own, that can be killed and started again."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import requests

PROGRAM = shutil.which("Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
TITLE, OUR_TITLE = "ORTHANC", "OBMD"
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Orthanc:
    """An archive in a folder.

    Args:
        folder: for its files and its log; a new one, or one of an Orthanc that is gone.
        users: names and passwords; none asks nobody.
        settings: of Orthanc, beside those of its own.
    """

    def __init__(self, folder: Path, users: dict[str, str] | None = None, **settings: Any) -> None:
        if PROGRAM is None or not PLUGIN.is_file():
            pytest.skip("Orthanc and its DICOMweb plugin (Debian: orthanc, orthanc-dicomweb) are not installed")
        self.folder, self.users = folder, users or {}
        self.http_port, self.dicom_port, self.our_port = free_port(), free_port(), free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def web(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def dimse(self) -> str:
        return f"dimse://{TITLE}@127.0.0.1:{self.dicom_port}"

    def __enter__(self) -> Orthanc:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Waits until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, configuration], stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, path: str) -> Any:
        """What its own interface answers."""
        answer = requests.get(f"{self.url}{path}", auth=self._login, timeout=PATIENCE_S)
        answer.raise_for_status()
        return answer.json()

    def take(self, folder: Path) -> None:
        """Stores all DICOM files below a folder."""
        for path in sorted(folder.rglob("*.dcm")):
            answer = requests.post(f"{self.url}/instances", path.read_bytes(), auth=self._login, timeout=PATIENCE_S)
            answer.raise_for_status()

    @property
    def _login(self) -> tuple[bytes, bytes] | None:
        return next(((user.encode(), password.encode()) for user, password in self.users.items()), None)

    def _answers(self) -> bool:
        try:
            self.ask("/system")
        except requests.ConnectionError:  # anything else is no matter of patience
            return False
        return True

    def _configuration(self) -> dict[str, Any]:
        return {
            "Name": TITLE,
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [str(PLUGIN)],
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": bool(self.users),
            "RegisteredUsers": self.users,
            "DicomAet": TITLE,
            "DicomPort": self.dicom_port,
            "DicomModalities": {"obmd": [OUR_TITLE, "127.0.0.1", self.our_port]},
            "DicomAlwaysAllowStore": False,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **self._settings,
        }
