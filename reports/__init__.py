"""What each report says: figures, tables and words from the marts. Knows nothing of HTML."""
