"""Chat completions, to what upstreams speak and back: one pair of modules per API."""
