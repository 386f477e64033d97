"""What makes pictures and pages of the documents."""
