# ruff: noqa: N802, N803 - Qt, CTK and Slicer chose these names
"""`SampleData`: what other modules register there, checked as Slicer checks it.

The rules, and where Slicer shows them, are in README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

BY_ADDRESS = ("fileNames", "nodeNames", "loadFiles", "loadFileTypes", "checksums")


class SampleDataSource:
    """One sample: as many files, nodes, kinds and checksums as there are addresses, which it cannot be without."""

    def __init__(
        self,
        sampleName: str | None = None,
        sampleDescription: str | None = None,
        uris: str | list[str] | None = None,
        fileNames: str | list[str] | None = None,
        nodeNames: str | list[str] | None = None,
        checksums: str | list[str] | None = None,
        loadFiles: bool | list[bool] | None = None,
        customDownloader: Callable[[SampleDataSource], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: str | list[str] | None = None,
        loadFileProperties: dict[str, Any] | None = None,
        loadFileType: str | list[str] | None = None,
    ) -> None:
        if loadFileType is not None and loadFileTypes is not None:
            raise ValueError("loadFileType and loadFileTypes cannot be specified at the same time")
        self.sampleName, self.sampleDescription = sampleName, sampleDescription or sampleName
        self.thumbnailFileName, self.customDownloader = thumbnailFileName, customDownloader
        self.loadFileProperties = loadFileProperties or {}
        given: dict[str, Any] = {
            "fileNames": fileNames,
            "nodeNames": nodeNames,
            "loadFiles": loadFiles,
            "loadFileTypes": loadFileTypes if loadFileType is None else loadFileType,
            "checksums": checksums,
        }
        if isinstance(uris, str):
            given, uris = {name: [value] for name, value in given.items()}, [uris]
        elif isinstance(uris, list | tuple):
            if isinstance(given["loadFileTypes"], str):
                given["loadFileTypes"] = [given["loadFileTypes"]] * len(uris)
            filled_in = [name for name in BY_ADDRESS if name != "fileNames" and given[name] is None]
            given.update({name: [None] * len(uris) for name in filled_in})
        self.uris = uris
        vars(self).update(given)
        if any(len(given[name]) != len(uris) for name in BY_ADDRESS):
            raise ValueError("All fields of sample data source must have the same length")

    def __eq__(self, other: object) -> bool:
        return str(vars(self)) == str(vars(other))

    __hash__ = None


class SampleDataLogic:
    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: str | list[str] | None = None,
        fileNames: str | list[str] | None = None,
        nodeNames: str | list[str] | None = None,
        customDownloader: Callable[[SampleDataSource], Any] | None = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: str | list[str] | None = None,
        loadFiles: bool | list[bool] | None = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: str | list[str] | None = None,
        loadFileType: str | list[str] | None = None,
    ) -> None:
        source = SampleDataSource(
            sampleName=sampleName,
            uris=uris,
            fileNames=fileNames,
            nodeNames=nodeNames,
            thumbnailFileName=thumbnailFileName,
            loadFileTypes=loadFileTypes,
            loadFiles=loadFiles,
            loadFileProperties=loadFileProperties,
            checksums=checksums,
            customDownloader=customDownloader,
            loadFileType=loadFileType,
        )
        sources = SampleDataLogic.sampleDataSourcesByCategory()
        if source not in sources.setdefault(category, []):
            sources[category].append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        """All sources by category, or the list of one category."""
        if not hasattr(slicer.modules, "sampleDataSources"):
            slicer.modules.sampleDataSources = {}
        sources = slicer.modules.sampleDataSources
        return sources if category is None else sources.get(category, [])


def click(source: SampleDataSource) -> None:
    """What a click on the sample's button does; nobody takes what the downloader returns."""
    if source.customDownloader is None:
        raise NotImplementedError("the stand-in downloads nothing")
    source.customDownloader(source)


MEMBERS = {"SampleDataLogic": SampleDataLogic, "SampleDataSource": SampleDataSource}
