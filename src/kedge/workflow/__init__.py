"""Designer workflows: the document, the graph, the planner, the runner and the run report."""
