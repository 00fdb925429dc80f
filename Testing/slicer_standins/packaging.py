"""`slicer.packaging`: remembers what was to be installed, and installs nothing."""

from __future__ import annotations

installed: list[tuple[str, ...]] = []


def pip_ensure(
    requirements: str | list[str],
    constraints: str | None = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    installed.append(tuple([requirements] if isinstance(requirements, str) else requirements))


MEMBERS = {"pip_ensure": pip_ensure, "installed": installed}
