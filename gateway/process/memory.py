"""How a process of many requests treats memory."""

from __future__ import annotations

import gc


def settle() -> None:
    """What is there now stays for good; what comes later leaves few cycles behind, so it is seldom looked for.

    At Python's own thresholds a worker looked at every tenth request, and an accountant of ten thousand keys stood
    still for 40 ms in every second. What was in use during a look is looked at again after ten of them and after a
    hundred: an error's frames, for example, and it must not wait for days (docs/decisions/173).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
