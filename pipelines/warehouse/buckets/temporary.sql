select table_name from duckdb_tables() where temporary and starts_with(table_name, 'of_')
