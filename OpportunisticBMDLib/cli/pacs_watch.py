"""`opportunistic-bmd pacs watch`, and what became of the studies: `status` and `retry`."""

from __future__ import annotations

import argparse
from pathlib import Path

from OpportunisticBMDLib.cli.chain import add_options, setup_of
from OpportunisticBMDLib.cli.pacs_options import add_archive, add_days, archive_of, asked_of, seconds, times, uid
from OpportunisticBMDLib.cli.progress import reported
from OpportunisticBMDLib.cli.statuses import MEASURED
from OpportunisticBMDLib.core.errors import BadInput
from OpportunisticBMDLib.pacs.private import private_files
from OpportunisticBMDLib.system.streams import show


def add_actions(actions: argparse._SubParsersAction) -> None:
    """Adds them to those of `pacs`."""
    watch = actions.add_parser("watch", help="measure new studies as they come, and send the results back, each once")
    add_archive(watch)
    add_options(watch)
    add_days(watch, default="7")
    watch.add_argument(
        "--every", type=seconds, metavar="S", default=300.0, help="between two looks at the archive (default: 300)"
    )
    watch.add_argument("--once", action="store_true", help="end when no study waits any more")
    watch.add_argument(
        "--tries", type=times, metavar="N", default=10, help="after which a study is set aside (default: 10)"
    )
    watch.add_argument(
        "--pause",
        type=seconds,
        metavar="S",
        default=30.0,
        help="after a first failure; it doubles up to an hour (default: 30)",
    )
    watch.set_defaults(command=_watch)

    status = actions.add_parser("status", help="how many studies are done, and which were set aside and why")
    status.add_argument("directory", type=Path, metavar="DIR", help="of the watch")
    status.set_defaults(command=_status)

    retry = actions.add_parser("retry", help="let studies that were set aside be tried again")
    retry.add_argument("directory", type=Path, metavar="DIR", help="of the watch")
    retry.add_argument("study", type=uid, nargs="*", metavar="STUDY", help="their UIDs (default: all)")
    retry.set_defaults(command=_retry)


@private_files()
def _watch(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.entry import Patience
    from OpportunisticBMDLib.pacs.journal import only_watch, opened_journal
    from OpportunisticBMDLib.pacs.stopping import Stopping
    from OpportunisticBMDLib.pacs.watch import Watch
    from OpportunisticBMDLib.results.folder import prepare_folder

    archive, directory = archive_of(options), options.output
    if directory is None:
        raise BadInput("A watch needs a folder for its journal: name it with -o DIR, the same one each time.")
    prepare_folder(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with (
        only_watch(directory),
        opened_journal(directory) as journal,
        Stopping() as stopping,
        reported(options.progress) as progress,
    ):
        watch = Watch(
            archive,
            setup_of(options).pipeline(),
            directory,
            journal,
            lambda: asked_of(options),
            Patience(options.pause, tries=options.tries),
            show,
            progress,
        )
        watch.run(stopping, options.every, once=options.once)
    return MEASURED


def _status(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.journal import check_journal, opened_journal

    check_journal(options.directory)
    with opened_journal(options.directory) as journal:
        counts, waiting, set_aside = journal.counts(), journal.waiting(), journal.set_aside()
    show(", ".join(f"{count} {state.value}" for state, count in counts.items()))
    for entry in (*(entry for entry in waiting if entry.reason), *set_aside):
        show(f"{entry.study_uid}: {entry.state.value}, {entry.reason}")
    return MEASURED


def _retry(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.pacs.journal import check_journal, opened_journal, retry

    check_journal(options.directory)
    with opened_journal(options.directory) as journal:
        count = retry(journal, options.study)
    show(f"{count} {'study' if count == 1 else 'studies'} will be tried again by the watch")
    return MEASURED
