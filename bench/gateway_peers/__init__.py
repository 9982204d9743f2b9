"""What `bench/gateway.py` measures and measures with."""
