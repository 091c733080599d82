"""The engine's side of the protocol: read inputs, drive a tool process, write outputs."""
