"""Installs missing packages, one installation at a time: Slicer goes on handling clicks while pip runs."""

from __future__ import annotations

from slicer.i18n import tr as _

from OpportunisticBMDPanel.signals import Signal
from OpportunisticBMDPanel.slicer.packages import name_of
from OpportunisticBMDPanel.slicer.protocols import Dialogs, Packages


class Installer:
    """Asks, installs, and says in one sentence what came of it.

    While an installation runs, everything that needs packages is told that it does not have them.
    """

    def __init__(self, dialogs: Dialogs) -> None:
        self.told = Signal()  # what is being installed, "" when that has ended
        self.is_busy = False
        self._dialogs = dialogs

    def has(self, packages: Packages) -> bool:
        """Whether nothing is missing, after asking once to install what is."""
        if self.is_busy:
            return False
        missing = packages.missing()
        return not missing or (self._may_install(packages, missing) and self.install(packages))

    def mended(self, packages: Packages) -> bool:
        """After a package could not be loaded: whether installing what was missing may have helped."""
        if not self.is_busy and not packages.missing():
            self._dialogs.error(
                _(
                    "All packages are installed, but one of them cannot be loaded. Restart Slicer and compute again. "
                    "If that does not help, enter slicer.util.pip_uninstall('NAME') in Slicer's Python console, with "
                    "the package's name, and restart Slicer: the package is then offered for download."
                )
            )
            return False
        return self.has(packages)

    def install(self, packages: Packages) -> bool:
        """Installs what is missing, without asking; whether nothing is missing any more and no restart is needed."""
        if self.is_busy:
            return False
        missing = packages.missing()
        if not missing:
            return True
        self.is_busy = True
        self.told.emit(_("Installing {names}…").format(names=", ".join(map(name_of, missing))))
        try:
            replaced = packages.install(missing)
        except RuntimeError as error:
            self._dialogs.error(f"{error}\n\n{packages.by_hand(missing)}")
            return False
        finally:
            self.is_busy = False
            self.told.emit("")
        return self._is_usable(packages, replaced)

    def _may_install(self, packages: Packages, missing: list[str]) -> bool:
        question = _("This needs Python packages. {faults} To download: {size}.")
        faults, size = packages.in_words(missing), packages.size_in_words(missing)
        return self._dialogs.confirm(question.format(faults=faults, size=size), _("Install packages?"))

    def _is_usable(self, packages: Packages, replaced: list[str]) -> bool:
        """Whether it can be gone on; the reader is told why not."""
        missing = packages.missing()
        if missing:
            unchanged = _("The installation ended without an error, yet something is missing. {faults}")
            words = unchanged.format(faults=packages.in_words(missing))
            self._dialogs.error(f"{words}\n\n{packages.by_hand(missing)}")
        elif replaced:
            restart = _("Restart Slicer to go on: {names} was replaced and is still in use in its former version.")
            self._dialogs.error(restart.format(names=", ".join(replaced)))
        return not missing and not replaced
