"""Kedge: write, run and test the tools of data workflows."""
