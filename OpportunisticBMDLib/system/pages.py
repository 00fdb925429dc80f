"""Templates of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def page_template(package: str, name: str) -> Template:
    """The template of a page, beside the modules of a package; every text from outside is escaped in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # here, because few of those who may write one do

    environment = Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
