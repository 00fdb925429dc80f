"""Templates of pages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache  # a template is a program: it takes longer to read than to fill in
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
