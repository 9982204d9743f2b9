"""cosign as a subprocess: found, asked with fixed arguments in a bare environment, and read strictly."""

from stackctl.images.cosign.tool import Cosign, cosign_here, find_cosign, how_to_get_cosign
from stackctl.images.cosign.verify import CosignVerifier

__all__ = ["Cosign", "CosignVerifier", "cosign_here", "find_cosign", "how_to_get_cosign"]
