"""A child that does not outlive its parent, where the kernel offers it."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1

# Loaded ahead: between fork and exec only the call itself is left to do.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def dies_with_parent(by: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn`: Linux sends `by` when the parent ends, even by SIGKILL. Elsewhere it does nothing.

    The setting is lost when the user changes, so it must come after that; subprocess runs it last.
    "Parent" is the thread that started the child: start children from the main thread.
    """

    def ask_kernel() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, by)

    return ask_kernel
