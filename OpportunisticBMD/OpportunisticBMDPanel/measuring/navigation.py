"""From vertebra to vertebra: which one the views show, and the way to its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from OpportunisticBMDLib.core.result import Result
from OpportunisticBMDLib.core.vertebra import Vertebra, middle_of
from OpportunisticBMDLib.core.vertebrae import VERTEBRAE
from OpportunisticBMDPanel.session import Session
from OpportunisticBMDPanel.slicer.protocols import Views

FIRST = ("L1", "T12", "L2")  # what a result is looked at first: the first of them that was found


class Navigation:
    """Brings the vertebrae of the result that the panel shows into the views.

    Args:
        on_moved: called when another vertebra is shown.
    """

    def __init__(self, views: Views, on_moved: Callable[[], None]) -> None:
        self._views, self._on_moved = views, on_moved
        self._session: Session | None = None
        self._name: str | None = None

    @property
    def current(self) -> str | None:
        """The vertebra of this result that was brought into the views last."""
        return self._name if self._name in self._places() else None

    def follow(self, session: Session | None) -> None:
        """From now on the vertebrae are those of this session."""
        if session is not self._session:
            self._session, self._name = session, None

    def start(self, session: Session) -> None:
        """Shows a new result: its volume, and L1 at a zoom that lets it be judged."""
        self.follow(session)
        self._views.show(session.volume_node)
        first = self._first()
        if first is not None:
            self._views.zoom_to_vertebra()
            self.to(first)

    def next(self) -> None:
        """One vertebra towards the feet."""
        self._to_neighbour(1)

    def previous(self) -> None:
        """One vertebra towards the head."""
        self._to_neighbour(-1)

    def neighbour(self, by: int) -> str | None:
        """The vertebra so many further towards the feet; the first one to look at where none is shown yet."""
        names = list(self._places())
        if self.current is None:
            return self._first()
        index = names.index(self.current) + by
        return names[index] if 0 <= index < len(names) else None

    def to(self, name: str) -> None:
        """Shows a vertebra; one that was not found is no place to go to."""
        place = self._places().get(name)
        if place is not None:
            self._views.point_at(place)
            self._name = name
            self._on_moved()

    def _to_neighbour(self, by: int) -> None:
        name = self.neighbour(by)
        if name is not None:
            self.to(name)

    def _first(self) -> str | None:
        return next((name for name in FIRST if name in self._places()), None)

    def _places(self) -> dict[str, Sequence[float]]:
        result = self._session.shown_result if self._session is not None else None
        return _places_in(result) if result is not None else {}


def _places_in(result: Result) -> dict[str, Sequence[float]]:
    """RAS mm of each vertebra that was found, from head to foot: where it was read, else its mask's centre."""
    found = {name: _place(result.vertebrae[name]) for name in VERTEBRAE if name in result.vertebrae}
    return {name: place for name, place in found.items() if place is not None}


def _place(vertebra: Vertebra) -> Sequence[float] | None:
    middle = middle_of(vertebra)
    if middle is not None:
        return [float(part) for part in middle.region.centre_ras]
    return None if vertebra.mask is None else vertebra.mask.centroid_ras_mm
