"""The process that answers clients."""
