"""Where the relational part of a workflow runs."""
