"""What it was measured on, without saying whose it is."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from Testing.benchmark.child import all_cores

FEATURES = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_bf16": "AMX BF16",
    "amx_int8": "AMX INT8",
    "asimd": "NEON",
    "bf16": "BF16",
    "sve": "SVE",
}  # that networks are faster with, by Linux's names
PACKAGES = ("opportunistic-bmd", "numpy", "SimpleITK", "torch", "openvino")


def machine() -> dict[str, object]:
    """Processor, memory, system and versions, by what they are."""
    about = _cpuinfo()
    flags = (about.get("flags") or about.get("Features") or "").split()
    return {
        "processor": about.get("model name") or platform.processor() or platform.machine(),
        "cores": all_cores(),
        "features": [name for flag, name in FEATURES.items() if flag in flags],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.system(),
        "versions": {"Python": platform.python_version(), **_versions()},
    }


def _cpuinfo() -> dict[str, str]:
    """Of the first core, where the system is Linux."""
    path = Path("/proc/cpuinfo")
    text = path.read_text().partition("\n\n")[0] if path.exists() else ""
    lines = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
