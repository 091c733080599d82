"""What a tool author imports: tools, providers, fields and types."""
