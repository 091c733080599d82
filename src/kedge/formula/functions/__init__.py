"""The functions that an expression can call, one module for each family; `registry` holds them all."""
