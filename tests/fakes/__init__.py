"""Stand-ins for LLM providers on real sockets, with the wire formats that the providers document.

Each refuses, in its provider's own words, what the real one would refuse: a translation that forgets a field fails here.
What they say is decided in `brain`; how they misbehave is told by the model's name (`server.Fake`).
"""
