"""Reporting: documents made of evidence and statements, and their faces: JSON, a page that stands alone, a PDF."""
