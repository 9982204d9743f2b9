"""What clients speak, to chat completions and back: one module per API with `to_chat`, `from_chat` and `writer`."""
