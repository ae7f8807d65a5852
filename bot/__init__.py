"""What Pullcord decides: no HTTP, no SQL dialect, no SDK types."""
