"""Numbers as the exposition format and prometheus_client write them."""

from __future__ import annotations

import math


def go_float(value: float) -> str:
    """The same text as `prometheus_client.utils.floatToGoString`, so that labels `le` and samples agree."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    text = repr(float(value))
    dot = text.find(".")
    if value > 0 and dot > 6:
        mantissa = f"{text[0]}.{text[1:dot]}{text[dot + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{dot - 1:02d}"
    return text
