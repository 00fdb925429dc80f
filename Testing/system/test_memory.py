"""Threads that have ended leave no heap of their own behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What is still in use at the upper end of a heap keeps all that was freed below it.
SCRIPT = """
import ctypes, sys, threading
from OpportunisticBMDLib.system.memory import share_one_heap
if sys.argv[1] == "shared":
    share_one_heap()
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def heap(address):
    with open("/proc/self/maps") as areas:
        for area in areas:
            first, stop = (int(end, 16) for end in area.split()[0].split("-"))
            if first <= address < stop:
                return area.split()[-1]
found = []
thread = threading.Thread(target=lambda: found.append(heap(library.malloc(1000))))
thread.start()
thread.join()
print(found[0])
"""


def heap_of_a_thread(kind: str) -> str:
    command = [sys.executable, "-c", SCRIPT, kind]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True).stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="heaps of threads are glibc's")
def test_a_thread_takes_its_memory_from_the_heap_of_all():
    if heap_of_a_thread("own") == "[heap]":
        pytest.skip("this system's library has one heap")
    assert heap_of_a_thread("shared") == "[heap]"
