"""The registry API, as far as verification needs it: manifests, blobs, referrers and tags, each checked by digest."""

from stackctl.images.registry.addresses import Addresses, Place
from stackctl.images.registry.client import Manifest, Registry

__all__ = ["Addresses", "Manifest", "Place", "Registry"]
