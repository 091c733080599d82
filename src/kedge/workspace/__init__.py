"""An author's project: scaffolds, configuration files, packages, and the migration of older tools."""
