"""One class a table: columns, types, keys, units and descriptions, in one place."""
