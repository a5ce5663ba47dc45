"""Self-contained HTML pages: no request leaves them, every text in them is escaped."""
