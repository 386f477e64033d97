"""Refuse mistakes before anything is trained."""
