"""`opportunistic-bmd models`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from OpportunisticBMDLib.cli.statuses import BAD_INPUT, MEASURED
from OpportunisticBMDLib.system.streams import show

if TYPE_CHECKING:
    from OpportunisticBMDLib.models import ModelCard


def prepare(parser: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    parser.add_argument("action", nargs="?", choices=["list", "verify"], default="list")
    parser.add_argument("--models", type=Path, metavar="DIR", help="another model folder")
    parser.set_defaults(command=_models)


def _models(options: argparse.Namespace) -> int:
    from OpportunisticBMDLib.models import STAGES, load_card, model_folder, verify

    show(f"Models in {model_folder(options.models)}")
    if options.action == "list":
        for stage in STAGES:
            show(_in_words(load_card(stage, options.models)))
        return MEASURED
    verdicts = verify(options.models)
    for verdict in verdicts:
        show(f"{verdict.stage:14}{'ok' if verdict.ok else 'FAULTY':8}{verdict.message}")
    return MEASURED if all(verdict.ok for verdict in verdicts) else BAD_INPUT


def _in_words(card: ModelCard) -> str:
    first, *later = (_entries(fit) for fit in _fits(card.training))
    lines = [
        ("architecture", card.architecture["name"]),
        ("grid", f"{' x '.join(f'{s:g}' for s in card.grid['spacing_mm'])} mm"),
        ("window", f"{card.window['low_hu']:g} to {card.window['high_hu']:g} HU"),
        ("fitted on", first),
        *(("then on", fit) for fit in later),
        ("figures", _entries(card.figures)),
        ("intended use", card.intended_use),
        ("licence", card.licence),
        ("SHA-256", card.sha256),
    ]
    return "\n".join([f"{card.stage}: {card.name} {card.version}", *(f"  {key:13} {value}" for key, value in lines)])


def _fits(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The fits that made a model, oldest first: each began with the weights of the one before."""
    fits: list[Mapping[str, Any]] = []
    fit: Any = training
    while isinstance(fit, Mapping):
        fits.insert(0, {key: value for key, value in fit.items() if key != "started_from"})
        fit = fit.get("started_from")
    return fits


def _entries(entries: Mapping[str, Any]) -> str:
    texts = {k: " ".join(map(str, v)) or "none" if isinstance(v, list) else v for k, v in entries.items()}
    return ", ".join(f"{key} {value}" for key, value in texts.items())
