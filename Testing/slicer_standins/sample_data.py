# ruff: noqa: N802, N803 - Qt, CTK and Slicer chose these names
"""`SampleData`: the list of registered sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

registered: list[dict[str, Any]] = []


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: str | list[str] | None = None,
        fileNames: str | list[str] | None = None,
        nodeNames: str | list[str] | None = None,
        customDownloader: Callable[[Any], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileType: str | None = None,
        loadFiles: bool | None = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: str | list[str] | None = None,
    ) -> None:
        registered.append(
            {
                "sampleName": sampleName,
                "customDownloader": customDownloader,
                "category": category,
                "thumbnailFileName": thumbnailFileName,
            }
        )


MEMBERS = {"SampleDataLogic": SampleDataLogic, "registered": registered}
