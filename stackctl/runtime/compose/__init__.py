"""The compose runtime: a stack as containers of one Docker Compose project (`lifecycle.ComposeRuntime`)."""
