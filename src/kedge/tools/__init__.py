"""The standard tools of Designer workflows, one file each, and what they share."""
