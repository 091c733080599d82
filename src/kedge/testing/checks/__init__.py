"""The checks of the conformance kit: one list, for the command line and for pytest."""
