"""Where observations come from. `files` reads one's own CSV and Parquet."""
