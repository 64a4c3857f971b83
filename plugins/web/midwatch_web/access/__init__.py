"""Tenants and keys: who there is, and who may; the counterpart is `Host.administration`."""
