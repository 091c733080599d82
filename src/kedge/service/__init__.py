"""The tool's side of the protocol: one process serves one tool for one run."""
