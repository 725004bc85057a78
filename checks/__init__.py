"""Is it as it must be? Pytest checks that judge evidence. Never opens a socket, sleeps or renders."""
