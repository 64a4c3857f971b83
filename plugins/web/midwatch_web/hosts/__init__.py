"""Hosts: which AI services were talked to, and by whom."""
