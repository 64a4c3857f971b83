"""Policies: the one in use, edited, checked, tried on what is stored, published and rolled back."""
