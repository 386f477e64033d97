"""What an experiment gave: results.json, RESULTS.md, pictures and one HTML page."""
