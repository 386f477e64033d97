"""Reports of experiments: results.json, RESULTS.md, pictures and one HTML page."""
