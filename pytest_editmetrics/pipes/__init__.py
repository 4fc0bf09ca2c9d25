"""The pipes: callables with lazily loaded weights, registered by key."""
