"""`opportunistic-bmd pacs`: find, fetch, measure and send studies of an archive; `pacs_watch` adds those that last."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from OpportunisticBMDLib.cli import pacs_watch
from OpportunisticBMDLib.cli.chain import LOADING, add_options, setup_of
from OpportunisticBMDLib.cli.pacs_options import add_archive, add_days, archive_of, asked_of, uid
from OpportunisticBMDLib.cli.progress import reported
from OpportunisticBMDLib.cli.statuses import MEASURED, REFUSED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.private import private_files
from OpportunisticBMDLib.system.streams import show

if TYPE_CHECKING:
    from OpportunisticBMDLib.pacs.found import Series, Study


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    find = actions.add_parser("find", help="list studies with a CT, and their series; never who the patients are")
    add_archive(find)
    find.add_argument("--study", type=uid, metavar="UID", help="this study")
    find.add_argument("--patient", metavar="ID", help="studies of the patient with this number")
    add_days(find)
    find.add_argument("--json", action="store_true", help="for other programs")
    find.set_defaults(command=_find)

    fetch = actions.add_parser("fetch", help="copy a study, or a series of it, into a new folder")
    add_archive(fetch)
    fetch.add_argument("study", type=uid, metavar="STUDY", help="its UID, as find lists it")
    fetch.add_argument("--series", type=uid, metavar="UID", help="only this series")
    fetch.add_argument("-o", "--output", type=Path, metavar="DIR", help="a new folder (default: STUDY)")
    fetch.add_argument("--progress", choices=["bar", "json", "none"], default="bar")
    fetch.set_defaults(command=_fetch)

    measure = actions.add_parser("measure", help="measure the CT of a study that shows the spine best")
    add_archive(measure)
    measure.add_argument("study", type=uid, metavar="STUDY", help="its UID, as find lists it")
    measure.add_argument("--send", action="store_true", help="send the results back into the study")
    add_options(measure)
    measure.set_defaults(command=_measure)

    send = actions.add_parser("send", help="store DICOM objects in an archive")
    add_archive(send)
    send.add_argument("path", type=Path, nargs="+", metavar="PATH", help="a DICOM file, or a folder with some")
    send.set_defaults(command=_send)

    pacs_watch.add_actions(actions)


def _find(options: argparse.Namespace) -> int:
    if not any((options.study, options.patient, options.since, options.until)):
        raise BadInput("An archive holds too much to list all: give --study, --since, --until or --patient.")
    archive = archive_of(options)
    found = [(study, archive.series(study.uid)) for study in archive.studies(asked_of(options))]
    if options.json:
        show(json.dumps([_as_json(study, series) for study, series in found], indent=2))
    else:
        for line in _listed(found):
            show(line)
    return MEASURED


def _as_json(study: Study, series: Iterable[Series]) -> dict[str, object]:
    return {
        "study_uid": study.uid,
        "date": study.date,
        "series": [{"series_uid": s.uid, "modality": s.modality, "instances": s.instances} for s in series],
    }


def _listed(found: Iterable[tuple[Study, list[Series]]]) -> list[str]:
    lines = []
    for study, series in found:
        lines.append(f"{study.date or 'no date':10}{study.uid}")
        lines += [f"{'':10}{s.modality:4}{s.instances:6d}  {s.uid}" for s in series]
    return lines or ["no study with a CT is like this"]


@private_files()
def _fetch(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.fetch import fetch_into
    from OpportunisticBMDLib.pacs.inbox import SUFFIX

    archive, output = archive_of(options), options.output or Path(options.study)
    series = [s for s in archive.series(options.study) if options.series in (None, s.uid)]
    if not series:
        raise BadInput(
            f"The archive holds no such {'series' if options.series else 'study'}: see what it has with find."
        )
    with reported(options.progress) as progress:
        fetch_into(output, archive, series, progress)
    arrived = sum(1 for _ in output.rglob(f"*{SUFFIX}"))
    show(f"{output}: {len(series)} series, {arrived} {'object' if arrived == 1 else 'objects'} in all")
    return MEASURED


@private_files()
def _measure(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.archive import ArchiveError
    from OpportunisticBMDLib.pacs.measure import SENDING, measure_study, send_results
    from OpportunisticBMDLib.results.dicom_files import FOLDER
    from OpportunisticBMDLib.results.folder import prepare_folder

    archive, output = archive_of(options), options.output or Path(f"{options.study}-bmd")
    prepare_folder(output)
    with reported(options.progress) as progress:
        study = archive.series(options.study)
        if not study:
            raise BadInput("The archive holds no such study: see what it has with find.")
        progress("load models", LOADING)
        pipeline = setup_of(options).pipeline()
        result = measure_study(archive, study, pipeline, output, output.absolute().parent, progress)
        if options.send:
            progress(SENDING, 1.0)
            try:
                send_results(archive, output)
            except ArchiveError as error:
                raise BadInput(
                    f"{error} The results are in {output}: try pacs send {output / FOLDER} later."
                ) from error
    from OpportunisticBMDLib.cli.words import in_words

    show(in_words(result, output))
    return REFUSED if result.status == "refused" else MEASURED


def _send(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.objects import objects_in

    files = objects_in(options.path)
    archive_of(options).send(files)
    show(f"{len(files)} {'object was' if len(files) == 1 else 'objects were'} stored")
    return MEASURED
